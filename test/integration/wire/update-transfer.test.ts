import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { UpdateUploader, type UploadOutcome } from '../../../agent/transfer/update-upload.ts'
import {
  type ExpectedUpdate,
  type RefusedUpdate,
  type StoredUpdate,
  UpdateIntake,
  type UpdateIntakeOptions,
} from '../../../controller/transfer/update-intake.ts'
import { cutBlocks } from '../../../protocol/blocks.ts'
import type { UpdateAck } from '../../../protocol/update.ts'
import { decodeUpdate, encodeUpdate } from '../../../protocol/update-encoding/encodings.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { BROKERS } from '../../support/brokers.ts'
import { canMountTmpfs, temporaryDirectory, tinyTmpfs } from '../../support/directories.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { testLog } from '../../support/test-log.ts'
import { waitFor } from '../../support/wait-for.ts'
import {
  BASE,
  compressedUpdateOf,
  expectedOf,
  openStore,
  PARAMETERS,
  parametersOf,
  updateOf,
} from './update-fixture.ts'
import { AGENT, CONTROLLER, connected, startWire, USERS } from './wire-fixture.ts'

const { log } = testLog()

async function startUploader(port: number, directory = join(temporaryDirectory(), 'updates')) {
  const side = await startWire(port, AGENT)
  const store = await openStore(directory)
  const ends: UploadOutcome[] = []
  const uploader = new UpdateUploader({
    wire: side.wire,
    agentId: AGENT.username,
    store,
    log,
    onEnd: (_, outcome) => ends.push(outcome),
    answerMs: 500,
  })
  await uploader.start()
  onTestFinished(async () => {
    await uploader.stop()
    await store.close()
  })
  return { ...side, store, uploader, ends, directory }
}

async function startIntake(port: number, options: Partial<UpdateIntakeOptions> = {}) {
  const side = await startWire(port, CONTROLLER)
  const stored: { update: StoredUpdate; parameters: Float32Array }[] = []
  const refused: RefusedUpdate[] = []
  const directory = options.directory ?? join(temporaryDirectory(), 'intake')
  const intake = await UpdateIntake.open({
    wire: side.wire,
    directory,
    expect: () => expectedOf(PARAMETERS),
    onStored: (update, parameters) => stored.push({ update, parameters }),
    onRefused: update => refused.push(update),
    clock: systemClock,
    log,
    quietMs: 100,
    ...options,
  })
  await intake.start()
  onTestFinished(() => intake.stop())
  return { ...side, intake, stored, refused, directory }
}

describe.each(BROKERS)('updates over the $broker broker', ({ startBroker, isThere }) => {
  test.skipIf(!isThere)('an update arrives whole, once, and leaves the store', async () => {
    const { port } = await startBroker({ users: USERS })
    const { stored, intake } = await startIntake(port)
    const { store, uploader } = await startUploader(port)
    const values = parametersOf(1)
    const { content, payload } = updateOf(7, values)
    const outcome = await uploader.upload(await store.put(content, payload))
    expect(outcome).toMatchObject({ status: 'stored', sentBytes: payload.length })
    expect(stored).toHaveLength(1)
    expect(stored[0]?.update).toMatchObject({ agentId: 'pi-04', manifest: { grId: 7 } })
    expect(isSame(stored[0]?.parameters, values)).toBe(true)
    expect(store.list()).toEqual([])
    expect(store.counts).toMatchObject({ produced: 1, stored: 1, waiting: 0 })
    expect(intake.partialCount).toBe(0)
  })

  test.skipIf(!isThere)(
    'a socket that is reset again and again costs blocks, not the update',
    async () => {
      const { port } = await startBroker({ users: USERS })
      const { stored } = await startIntake(port)
      const proxy = await startTcpProxy(port)
      const { store, uploader, connection } = await startUploader(proxy.port)
      const { content, payload } = updateOf(1, parametersOf(2))
      proxy.resetAfter(300_000)
      const uploading = uploader.upload(await store.put(content, payload))
      await waitFor(() => connection.connectCount === 2, { what: 'the first reset' })
      proxy.resetAfter(400_000)
      const outcome = await uploading
      expect(outcome.status).toBe('stored')
      expect(connection.connectCount).toBe(3)
      expect(stored).toHaveLength(1)
      if (outcome.status !== 'stored') return
      expect(outcome.sentBytes).toBeLessThan(2 * payload.length)
    },
  )

  test.skipIf(!isThere)(
    'a broker that is stopped and started amid the upload does not double it',
    async () => {
      const broker = await startBroker({ users: USERS })
      const { stored, intake, connection } = await startIntake(broker.port)
      const { store, uploader, connection: agent } = await startUploader(broker.port)
      const sentBefore = agent.bytesSent
      const { content, payload } = updateOf(1, parametersOf(3))
      const uploading = uploader.upload(await store.put(content, payload))
      await waitFor(() => agent.bytesSent > sentBefore + 200_000, { what: 'it has begun' })
      await broker.stop()
      await waitFor(() => !agent.isConnected, { what: 'the agent knows' })
      await broker.start()
      await connected(connection)
      expect((await uploading).status).toBe('stored')
      expect(stored).toHaveLength(1)
      expect(intake.partialCount).toBe(0)
    },
  )

  test.skipIf(!isThere)('an agent that is started anew goes on from its store', async () => {
    const { port } = await startBroker({ users: USERS })
    const directory = join(temporaryDirectory(), 'updates')
    const { content, payload } = updateOf(1, parametersOf(4))
    const before = await openStore(directory)
    await before.put(content, payload)
    await before.close()
    const { stored } = await startIntake(port)
    const { ends, store } = await startUploader(port, directory)
    await waitFor(() => ends.length === 1, { what: 'the update has its end' })
    expect(ends[0]?.status).toBe('stored')
    expect(stored).toHaveLength(1)
    expect(store.list()).toEqual([])
  })

  test.skipIf(!isThere)(
    'an answer that was lost is given again, after a restart of the controller too',
    async () => {
      const { port } = await startBroker({ users: USERS })
      const first = await startIntake(port)
      const { wire } = await startWire(port, AGENT)
      const answers: UpdateAck[] = []
      await wire.on('updateAck', { agentId: 'pi-04' }, ack => {
        answers.push(ack)
      })
      const values = parametersOf(5)
      const { content, payload } = updateOf(1, values)
      await send(wire, content, payload)
      await waitFor(() => answers.length === 1, { what: 'the first answer' })
      await send(wire, content, payload)
      await waitFor(() => answers.length === 2, { what: 'the second answer' })
      await first.intake.stop()
      await first.connection.stop()
      const second = await startIntake(port, { directory: first.directory })
      const [waiting] = second.intake.unreleased()
      expect(waiting && isSame(await second.intake.read(waiting), values)).toBe(true)
      if (waiting) await second.intake.release(waiting)
      await send(wire, content, payload)
      await waitFor(() => answers.length === 3, { what: 'the third answer' })
      expect(answers.map(({ status }) => status)).toEqual(['stored', 'stored', 'stored'])
      expect([first.stored.length, second.stored.length]).toEqual([1, 0])
      expect(second.intake.unreleased()).toEqual([])
      expect(readdirSync(first.directory)).toEqual(['pi-04_1.json'])
      const other = updateOf(1, parametersOf(6))
      await send(wire, other.content, other.payload)
      await waitFor(() => answers.length === 4, { what: 'the fourth answer' })
      expect(answers[3]).toMatchObject({
        status: 'refused',
        reason: 'another update of GAI round 1 is stored',
      })
    },
  )

  test.skipIf(!isThere)(
    'blocks that come twice, in any order, wrong or for nothing do no harm',
    async () => {
      const { port } = await startBroker({ users: USERS })
      const { stored, intake } = await startIntake(port)
      const { wire } = await startWire(port, AGENT)
      const answers: UpdateAck[] = []
      await wire.on('updateAck', { agentId: 'pi-04' }, ack => {
        answers.push(ack)
      })
      const values = parametersOf(7)
      const { content, payload } = updateOf(3, values)
      const blocks = cutBlocks(payload, content.blockBytes)
      const sendBlock = (index: number, bytes = blocks[index] ?? new Uint8Array(1)) =>
        wire.publishBytes('updateBlock', { agentId: 'pi-04', grId: 3, index }, bytes)
      await sendBlock(0)
      await wire.publish('updateManifest', { agentId: 'pi-04', grId: 3 }, content)
      const wrong = Buffer.from(blocks[2] ?? [])
      wrong[0] = (wrong[0] ?? 0) ^ 1
      const others = [...blocks.keys()].reverse().filter(index => index !== 2 && index !== 5)
      for (const index of [...others, ...others]) await sendBlock(index)
      for (let time = 0; time < 2; time++) await sendBlock(2, wrong)
      await sendBlock(999)
      const wanted = (): string => [...(answers.at(-1)?.wanted ?? [])].join(' ')
      await waitFor(() => wanted() === `${0b100100} 0 0 0`, { what: 'it asks' })
      await waitFor(() => intake.strayBlocks === 4, { what: 'the others are counted' })
      await sendBlock(5)
      await sendBlock(2)
      await waitFor(() => stored.length === 1, { what: 'it is stored' })
      expect(isSame(stored[0]?.parameters, values)).toBe(true)
    },
  )
})

describe('the intake', () => {
  const { startBroker } = BROKERS[0]

  async function outcomeOf(
    update: ReturnType<typeof updateOf> | ReturnType<typeof compressedUpdateOf>,
    options: Partial<UpdateIntakeOptions> = {},
  ) {
    const { port } = await startBroker({ users: USERS })
    const { stored, refused } = await startIntake(port, options)
    const { store, uploader } = await startUploader(port)
    const outcome = await uploader.upload(await store.put(update.content, update.payload))
    return { outcome, stored, refused, store }
  }

  test('refuses a number that is not finite, and says which', async () => {
    const values = parametersOf(1)
    values[1234] = Number.NaN
    const { outcome, refused, stored, store } = await outcomeOf(updateOf(1, values))
    expect(outcome).toMatchObject({ status: 'refused', reason: 'parameter 1234 is NaN' })
    expect(refused).toEqual([{ agentId: 'pi-04', grId: 1, reason: 'parameter 1234 is NaN' }])
    expect(stored).toEqual([])
    expect(store.counts).toMatchObject({ refused: 1, waiting: 0 })
  })

  test.each<[string, ExpectedUpdate, string]>([
    ['of another length', expectedOf(100), '400000 parameters, expected 100'],
    [
      'of another version',
      expectedOf(PARAMETERS, 'c'.repeat(64)),
      `trained from version ${BASE}, expected ${'c'.repeat(64)}`,
    ],
    [
      'that nobody asked for',
      { refusal: 'no assignment of this round' },
      'no assignment of this round',
    ],
  ])('refuses an update %s before its blocks count', async (_, expected, reason) => {
    const { outcome, stored } = await outcomeOf(updateOf(1, parametersOf(1)), {
      expect: () => expected,
    })
    expect(outcome).toMatchObject({ status: 'refused', reason })
    expect(stored).toEqual([])
  })

  test.each(['float16', 'int8', 'top-k'] as const)(
    'takes changes in %s and no more',
    async encoding => {
      const compression = { encoding, topShare: 0.01 }
      const change = parametersOf(3)
      const payload = Uint8Array.from(encodeUpdate(encoding, change, compression))
      const update = compressedUpdateOf(1, { encoding, payload, valueCount: change.length })
      const expected = { ...expectedOf(change.length), compression }
      const { outcome, stored } = await outcomeOf(update, { expect: () => expected })
      expect(outcome).toMatchObject({ status: 'stored' })
      const decoded = decodeUpdate(encoding, payload, change.length)
      expect(isSame(stored[0]?.parameters, decoded)).toBe(true)
      expect(payload.length).toBeLessThanOrEqual(change.length * 2)
      const { outcome: unasked } = await outcomeOf(update)
      expect(unasked).toMatchObject({
        status: 'refused',
        reason: `encoded as ${encoding}, expected float32`,
      })
    },
  )

  test('what is stored is read again, wherever in its file the numbers begin', async () => {
    const { port } = await startBroker({ users: USERS })
    const count = 10
    const { intake, stored } = await startIntake(port, {
      expect: () => expectedOf(count),
      clock: { ...systemClock, now: () => 1000 },
    })
    const { wire } = await startWire(port, AGENT)
    for (const [grId, modelId] of ['m', 'mm', 'mmm', 'mmmm'].entries()) {
      const { content, payload } = updateOf(grId, parametersOf(grId, count))
      await send(wire, { ...content, modelId: modelId as 'licences' }, payload)
    }
    await waitFor(() => stored.length === 4, { what: 'all are stored' })
    for (const { update, parameters } of stored) {
      expect(await intake.read(update)).toEqual(parameters)
    }
  })

  test('a manifest whose hash is not that of its blocks is refused', async () => {
    const { port } = await startBroker({ users: USERS })
    const { refused, stored } = await startIntake(port)
    const { wire } = await startWire(port, AGENT)
    const { content, payload } = updateOf(1, parametersOf(1))
    const sha256 = 'a'.repeat(64)
    await send(wire, { ...content, sha256 }, payload)
    await waitFor(() => refused.length === 1, { what: 'it is refused' })
    expect(refused[0]?.reason).toBe(`the blocks come to ${content.sha256}, not to ${sha256}`)
    await send(wire, { ...content, sha256 }, payload)
    await send(wire, content, payload)
    await waitFor(() => stored.length === 1, { what: 'the right one is stored' })
    expect(refused).toHaveLength(1)
  })

  test('holds a bounded number of half-received updates, the newest', async () => {
    const { port } = await startBroker({ users: USERS })
    const { intake } = await startIntake(port, { partialCountMax: 3 })
    const { wire } = await startWire(port, AGENT)
    for (let grId = 1; grId <= 10; grId++) {
      const { content } = updateOf(grId, parametersOf(grId))
      await wire.publish('updateManifest', { agentId: 'pi-04', grId }, content)
    }
    await waitFor(() => intake.partialCount === 3, { what: 'the bound is kept' })
  })

  test('gives up an update of which nothing comes any more', { timeout: 20_000 }, async () => {
    const { port } = await startBroker({ users: USERS })
    const { intake } = await startIntake(port, { quietMs: 20 })
    const { wire } = await startWire(port, AGENT)
    const { content } = updateOf(1, parametersOf(1))
    await wire.publish('updateManifest', { agentId: 'pi-04', grId: 1 }, content)
    await waitFor(() => intake.partialCount === 1, { what: 'it has begun' })
    await waitFor(() => intake.partialCount === 0, { what: 'it is given up' })
  })

  test.skipIf(!canMountTmpfs)(
    'answers only when the bytes are on disk (needs root for a tmpfs)',
    async () => {
      const directory = tinyTmpfs(2 * 1024 * 1024)
      const filler = join(directory, 'filler.update')
      const { port } = await startBroker({ users: USERS })
      const { log: intakeLog, lines } = testLog()
      const { stored } = await startIntake(port, { directory, log: intakeLog })
      const failures = () => lines.filter(({ msg }) => msg === 'update cannot be stored').length
      writeFileSync(filler, Buffer.alloc(1024 * 1024))
      const { store, uploader, ends } = await startUploader(port)
      const { content, payload } = updateOf(1, parametersOf(1))
      const uploading = uploader.upload(await store.put(content, payload))
      await waitFor(() => failures() >= 3, { what: 'a few tries' })
      expect([stored, ends]).toEqual([[], []])
      writeFileSync(filler, '')
      expect((await uploading).status).toBe('stored')
      expect(stored).toHaveLength(1)
    },
  )
})

/** Without listing 400,000 differences. */
function isSame(a: Float32Array | null | undefined, b: Float32Array): boolean {
  return a?.length === b.length && a.every((value, index) => value === b[index])
}

async function send(
  wire: Awaited<ReturnType<typeof startWire>>['wire'],
  content: ReturnType<typeof updateOf>['content'],
  payload: Uint8Array,
): Promise<void> {
  const { grId, blockBytes } = content
  await wire.publish('updateManifest', { agentId: 'pi-04', grId }, content)
  for (const [index, block] of cutBlocks(payload, blockBytes).entries()) {
    await wire.publishBytes('updateBlock', { agentId: 'pi-04', grId, index }, block)
  }
}
