import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { TransferPace } from '../../../agent/limits/transfer-pace.ts'
import { BlobFetcher } from '../../../agent/transfer/blob-fetch.ts'
import { UpdateUploader } from '../../../agent/transfer/update-upload.ts'
import { BlobPublisher } from '../../../controller/transfer/blob-publisher.ts'
import { UpdateIntake } from '../../../controller/transfer/update-intake.ts'
import { hashOf } from '../../../protocol/blocks.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { BROKERS } from '../../support/brokers.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { expectedOf, openStore, parametersOf, updateOf } from './update-fixture.ts'
import { AGENT, CONTROLLER, startWire, USERS } from './wire-fixture.ts'

const BYTES = 400_000
/** What a paced transfer of them takes at least, as it may be 1.03 times as fast as its grant. */
const SLOTS_MS = 800
const LEAST_MS = (SLOTS_MS / 1.03) * 0.9
const DEADLINE_MS = 20_000

function paceOf(bytes: number): TransferPace {
  const startsAtMs = systemClock.now()
  const grant = { bits: bytes * 8, startsAtMs, endsAtMs: startsAtMs + SLOTS_MS }
  const pace = TransferPace.of(systemClock, grant)
  if (!pace) throw new Error('this is a grant')
  return pace
}

async function startBlob(port: number) {
  const { wire, log } = await startWire(port, CONTROLLER)
  const ledgerPath = join(temporaryDirectory(), 'blobs.json')
  const publisher = await BlobPublisher.open({ wire, ledgerPath, log })
  const random = seededRandom(3)
  const bytes = Uint8Array.from({ length: BYTES }, () => Math.floor(random() * 256))
  return { publisher, bytes, reference: await publisher.publish(bytes) }
}

describe.each(BROKERS)('by its pace, over the $broker broker,', ({ startBroker, isThere }) => {
  test.skipIf(!isThere)('a blob comes whole, and not faster than granted', async () => {
    const { port } = await startBroker({ users: USERS })
    const { reference, bytes } = await startBlob(port)
    expect(reference.blocks).toBeGreaterThan(8)
    const { wire, log, connection } = await startWire(port, AGENT)
    const fetcher = new BlobFetcher({ wire, cache: null, bytesMax: 2 * BYTES, log })
    const pace = paceOf(BYTES)
    const startedAtMs = systemClock.now()
    // At half of the time no more than half of it is there.
    const half = systemClock.at(startedAtMs + SLOTS_MS / 2, () => {
      const passed = (systemClock.now() - startedAtMs) / SLOTS_MS
      expect(connection.bytesReceived / BYTES).toBeLessThan(passed * 1.1 + 0.05)
    })
    onTestFinished(() => half.cancel())
    const fetched = await fetcher.fetch(reference, { deadlineMs: DEADLINE_MS, pace })
    expect(systemClock.now() - startedAtMs).toBeGreaterThan(LEAST_MS)
    expect(hashOf(fetched.bytes)).toBe(hashOf(bytes))
    expect(fetched).toMatchObject({ measured: null, receivedBytes: BYTES })
    expect(pace.usedBytes).toBeGreaterThan(BYTES)
    expect(pace.usedBytes).toBeLessThan(BYTES * 1.02)
  })

  test.skipIf(!isThere)('a blob goes on after its connection broke', async () => {
    const { port } = await startBroker({ users: USERS })
    const { reference } = await startBlob(port)
    const proxy = await startTcpProxy(port)
    const { wire, log, connection } = await startWire(proxy.port, AGENT)
    const fetcher = new BlobFetcher({ wire, cache: null, bytesMax: 2 * BYTES, log })
    proxy.resetAfter(BYTES / 4, 'down')
    const options = { deadlineMs: DEADLINE_MS, pace: paceOf(BYTES) }
    const fetched = await fetcher.fetch(reference, options)
    expect(hashOf(fetched.bytes)).toBe(reference.sha256)
    expect(connection.connectCount).toBe(2)
    // What had come before the break did not come again.
    expect(fetched.receivedBytes).toBeLessThan(BYTES * 1.5)
  })

  test.skipIf(!isThere)('an update arrives whole, and not faster than granted', async () => {
    const { port } = await startBroker({ users: USERS })
    const controller = await startWire(port, CONTROLLER)
    const stored: Float32Array[] = []
    const intake = await UpdateIntake.open({
      wire: controller.wire,
      directory: temporaryDirectory(),
      expect: () => expectedOf(BYTES / 4),
      onStored: (_, parameters) => stored.push(parameters),
      onRefused: () => {},
      clock: systemClock,
      log: controller.log,
    })
    await intake.start()
    onTestFinished(() => intake.stop())
    const { wire, log } = await startWire(port, AGENT)
    const store = await openStore(temporaryDirectory())
    const uploader = new UpdateUploader({ wire, agentId: AGENT.username, store, log })
    await uploader.start()
    onTestFinished(() => uploader.stop())
    const pace = paceOf(BYTES)
    const blockBytes = pace.blockBytesFor(BYTES, 256 * 1024)
    const values = parametersOf(5, BYTES / 4)
    const { content, payload } = updateOf(9, values, blockBytes)
    const startedAtMs = systemClock.now()
    const outcome = await uploader.upload(await store.put(content, payload), { payload, pace })
    expect(systemClock.now() - startedAtMs).toBeGreaterThan(LEAST_MS)
    expect(outcome).toMatchObject({ status: 'stored', sentBytes: BYTES })
    expect(stored).toEqual([values])
    expect(pace.usedBytes).toBeLessThan(BYTES * 1.03)
  })

  test.skipIf(!isThere)('a stop does not wait for an update that is slow', async () => {
    const { port } = await startBroker({ users: USERS })
    const { wire, log, lines } = await startWire(port, AGENT)
    const store = await openStore(temporaryDirectory())
    const uploader = new UpdateUploader({ wire, agentId: AGENT.username, store, log })
    await uploader.start()
    const { content, payload } = updateOf(9, parametersOf(5, BYTES / 4), 16 * 1024)
    // It would take more than a minute.
    const uploading = uploader.upload(await store.put(content, payload), {
      payload,
      pace: paceOf(BYTES / 100),
    })
    await uploader.stop()
    expect(await uploading).toMatchObject({ status: 'unanswered', reason: 'stopped' })
    expect(lines.map(({ msg }) => msg)).not.toContain('upload failed')
  })
})
