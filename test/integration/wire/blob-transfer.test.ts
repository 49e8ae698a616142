import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BlobCache } from '../../../agent/transfer/blob-cache.ts'
import { BlobFetcher } from '../../../agent/transfer/blob-fetch.ts'
import { BlobPublisher } from '../../../controller/transfer/blob-publisher.ts'
import { cutBlocks, hashOf } from '../../../protocol/blocks.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { BROKERS } from '../../support/brokers.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { testLog } from '../../support/test-log.ts'
import { waitFor } from '../../support/wait-for.ts'
import { AGENT, CONTROLLER, connected, startWire, USERS } from './wire-fixture.ts'

const BLOCK_BYTES = 64 * 1024
const BYTES_MAX = 16 * 1024 * 1024

function randomBytes(count: number, seed = 1): Uint8Array {
  const random = seededRandom(seed)
  return Uint8Array.from({ length: count }, () => Math.floor(random() * 256))
}

async function startPublisher(port: number, ledgerPath = join(temporaryDirectory(), 'blobs.json')) {
  const side = await startWire(port, CONTROLLER)
  const { wire, log } = side
  const open = () => BlobPublisher.open({ wire, ledgerPath, blockBytes: BLOCK_BYTES, log })
  return { ...side, publisher: await open(), open }
}

async function startFetcher(port: number, directory?: string) {
  const side = await startWire(port, AGENT)
  const { wire, log } = side
  const cache = directory ? new BlobCache({ directory, bytesMax: 1024 * 1024, log }) : null
  const fetcher = new BlobFetcher({ wire, cache, bytesMax: BYTES_MAX, log })
  return { ...side, fetcher }
}

describe.each(BROKERS)('blobs over the $broker broker', ({ startBroker, isThere }) => {
  test.skipIf(!isThere)(
    'published once, a blob is fetched whole and the link is measured by it',
    async () => {
      const { port } = await startBroker({ users: USERS })
      const { publisher } = await startPublisher(port)
      const bytes = randomBytes(1_000_003)
      const reference = await publisher.publish(bytes)
      expect(reference).toMatchObject({ bytes: 1_000_003, blocks: 16, sha256: hashOf(bytes) })
      const { fetcher, connection } = await startFetcher(port)
      const fetched = await fetcher.fetch(reference, { deadlineMs: 10_000 })
      expect(hashOf(fetched.bytes)).toBe(reference.sha256)
      expect(fetched.receivedBytes).toBeGreaterThanOrEqual(bytes.length)
      expect(fetched.measured?.bytes).toBeGreaterThan(bytes.length - 2 * BLOCK_BYTES)
      expect(fetched.measured?.durationMs).toBeGreaterThan(0)
      expect(connection.bytesReceived).toBeGreaterThan(bytes.length)
    },
  )

  test.skipIf(!isThere)(
    'a flipped bit in a retained block is refused, and healed by publishing again',
    async () => {
      const { port } = await startBroker({ users: USERS })
      const { publisher, wire } = await startPublisher(port)
      const bytes = randomBytes(200_000)
      const reference = await publisher.publish(bytes)
      const block = Buffer.from(cutBlocks(bytes, BLOCK_BYTES)[1] ?? [])
      block[77] = (block[77] ?? 0) ^ 4
      await wire.publishBytes('blobBlock', { sha256: reference.sha256, index: 1 }, block)
      const { fetcher } = await startFetcher(port)
      const corrupt = fetcher.fetch(reference, { deadlineMs: 10_000 })
      await expect(corrupt).rejects.toMatchObject({
        code: 'MODEL_CORRUPT',
        details: { sha256: reference.sha256, actual: expect.stringMatching(/^[0-9a-f]{64}$/) },
      })
      await publisher.republish(reference.sha256)
      const fetched = await fetcher.fetch(reference, { deadlineMs: 10_000 })
      expect(hashOf(fetched.bytes)).toBe(reference.sha256)
    },
  )

  test.skipIf(!isThere)(
    'a connection that breaks amid the download goes on by itself',
    async () => {
      const { port } = await startBroker({ users: USERS })
      const { publisher } = await startPublisher(port)
      const reference = await publisher.publish(randomBytes(2_000_000))
      const proxy = await startTcpProxy(port)
      const { fetcher, connection } = await startFetcher(proxy.port)
      proxy.resetAfter(500_000, 'down')
      const fetching = fetcher.fetch(reference, { deadlineMs: 20_000 })
      expect(hashOf((await fetching).bytes)).toBe(reference.sha256)
      expect(connection.connectCount).toBe(2)
    },
  )

  test.skipIf(!isThere)(
    'after a restart of the broker, amid the download, the blob is there again',
    async () => {
      const broker = await startBroker({ users: USERS })
      const { publisher } = await startPublisher(broker.port)
      const reference = await publisher.publish(randomBytes(3_000_000))
      const { fetcher, connection } = await startFetcher(broker.port)
      const received = connection.bytesReceived
      const fetching = fetcher.fetch(reference, { deadlineMs: 20_000 })
      await waitFor(() => connection.bytesReceived > received, { what: 'it has begun' })
      await broker.stop()
      await broker.start()
      expect(hashOf((await fetching).bytes)).toBe(reference.sha256)
    },
  )

  test.skipIf(!isThere)(
    'a retired blob is off the broker, one of an earlier life too',
    async () => {
      const { port } = await startBroker({ users: USERS })
      const { publisher, open } = await startPublisher(port)
      const first = await publisher.publish(randomBytes(100_000, 1))
      const second = await publisher.publish(randomBytes(100_000, 2))
      await publisher.retire(first.sha256)
      await publisher.stop()
      const { fetcher } = await startFetcher(port)
      await expect(fetcher.fetch(first, { deadlineMs: 200 })).rejects.toMatchObject({
        code: 'DEADLINE_PASSED',
        message: `2 of 2 blocks of blob ${first.sha256} did not come`,
      })
      await fetcher.fetch(second, { deadlineMs: 5000 })
      const later = await open()
      await later.retireOthers()
      await later.stop()
      const gone = fetcher.fetch(second, { deadlineMs: 200 })
      await expect(gone).rejects.toMatchObject({ code: 'DEADLINE_PASSED' })
    },
  )
})

describe('fetching', () => {
  const { startBroker } = BROKERS[0]

  test('what is in the cache costs no bytes, and a damaged file is fetched anew', async () => {
    const { port } = await startBroker({ users: USERS })
    const { publisher } = await startPublisher(port)
    const reference = await publisher.publish(randomBytes(100_000))
    const directory = join(temporaryDirectory(), 'blobs')
    const { fetcher } = await startFetcher(port, directory)
    await fetcher.fetch(reference, { deadlineMs: 5000 })
    const again = await fetcher.fetch(reference, { deadlineMs: 5000 })
    expect(again).toMatchObject({ receivedBytes: 0, measured: null })
    const path = join(directory, reference.sha256)
    const bytes = readFileSync(path)
    bytes[5] = (bytes[5] ?? 0) ^ 1
    writeFileSync(path, bytes)
    const healed = await fetcher.fetch(reference, { deadlineMs: 5000 })
    expect(healed.receivedBytes).toBeGreaterThan(0)
    expect(hashOf(healed.bytes)).toBe(reference.sha256)
  })

  test('the cache stays below its bound', async () => {
    const { port } = await startBroker({ users: USERS })
    const { publisher } = await startPublisher(port)
    const directory = join(temporaryDirectory(), 'blobs')
    const { fetcher } = await startFetcher(port, directory)
    let last = ''
    for (let seed = 1; seed <= 5; seed++) {
      const reference = await publisher.publish(randomBytes(300_000, seed))
      await fetcher.fetch(reference, { deadlineMs: 5000 })
      last = reference.sha256
    }
    // A fetch does not wait for the disk.
    await waitFor(() => existsSync(join(directory, last)), { what: 'the last blob is kept' })
    expect(readdirSync(directory)).toHaveLength(3)
  })

  test('the cache gives up the longest unused of many small blobs, in the next life too', async () => {
    const directory = join(temporaryDirectory(), 'blobs')
    const open = () => new BlobCache({ directory, bytesMax: 1024 * 1024, log: testLog().log })
    const blobs = Array.from({ length: 65 }, (_, seed) => randomBytes(16, seed))
    const [first, second, ...others] = blobs.map(bytes => ({ bytes, sha256: hashOf(bytes) }))
    const cache = open()
    for (const blob of [first, second, ...others.slice(0, -1)]) {
      if (blob) await cache.put(blob.sha256, blob.bytes)
    }
    // File systems count time in steps of some milliseconds.
    utimesSync(join(directory, second?.sha256 ?? ''), 1, 1)
    const later = open()
    expect(await later.get(first?.sha256 ?? '')).toEqual(Buffer.from(first?.bytes ?? []))
    const last = others.at(-1)
    await later.put(last?.sha256 ?? '', last?.bytes ?? new Uint8Array(0))
    expect(readdirSync(directory)).toHaveLength(64)
    expect(readdirSync(directory)).toContain(first?.sha256)
    expect(readdirSync(directory)).not.toContain(second?.sha256)
  })

  test('a blob that is too large is refused before anything is spent', async () => {
    const { port } = await startBroker({ users: USERS })
    const { fetcher } = await startFetcher(port)
    const reference = { sha256: 'a'.repeat(64), bytes: BYTES_MAX + 1, blockBytes: 1024, blocks: 1 }
    await expect(fetcher.fetch(reference, { deadlineMs: 5000 })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
    })
  })

  test('an aborted fetch ends at once', async () => {
    const { port } = await startBroker({ users: USERS })
    const { fetcher } = await startFetcher(port)
    const reference = { sha256: 'a'.repeat(64), bytes: 10, blockBytes: 10, blocks: 1 }
    const abort = new AbortController()
    const fetching = fetcher.fetch(reference, { deadlineMs: 60_000, signal: abort.signal })
    abort.abort(new Error('assignment was withdrawn'))
    await expect(fetching).rejects.toThrow('assignment was withdrawn')
  })

  test('what is published without a broker is there when the broker comes', async () => {
    const broker = await startBroker({ users: USERS })
    const { publisher, connection } = await startPublisher(broker.port)
    await broker.stop()
    await waitFor(() => !connection.isConnected, { what: 'the loss is noticed' })
    const reference = await publisher.publish(randomBytes(100_000))
    await broker.start()
    await connected(connection)
    const { fetcher } = await startFetcher(broker.port)
    await fetcher.fetch(reference, { deadlineMs: 5000 })
  })
})
