import { mkdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { StoredContribution } from '../../../controller/rounds/round-machine.ts'
import type { PhaseInterval } from '../../../protocol/assignment.ts'
import { hashOf } from '../../../protocol/blocks.ts'
import { bytesOfParameters } from '../../../protocol/parameter-bytes.ts'
import { topicFor } from '../../../protocol/topics.ts'
import type { UpdateManifest } from '../../../protocol/update.ts'
import { waitFor } from '../../support/wait-for.ts'
import { startWork } from './work-fixture.ts'

type Work = Awaited<ReturnType<typeof startWork>>

/** The update is stored, and its contribution is what a round would average. */
function store({ work, updateOf }: Work, agentId: string, value: number, sampleCount: number) {
  const { manifest, parameters } = updateOf(value, { sampleCount })
  work.onStored({ agentId, manifest, storedAt: 1 }, parameters)
  const { grId, modelId } = manifest
  const stored: StoredContribution = { agentId, grId, modelId, outcome: 'stored', update: manifest }
  return stored
}

function phase(name: PhaseInterval['phase'], from: number, to: number): PhaseInterval {
  const at = (second: number): string => `2026-01-01T00:00:0${second}.000Z`
  return { phase: name, startedAt: at(from), endedAt: at(to) }
}

describe('an update is expected', () => {
  test('from whom an order was given, as long as the model and from its version', async () => {
    const { work, order, updateOf, current, library } = await startWork()
    await order(7, 'pi-04')
    expect(work.expect('pi-04', updateOf(1).manifest)).toEqual({
      valueCount: library.model('prose').parameterCount,
      compression: { encoding: 'float32', topShare: 1 },
      baseVersion: current().version,
    })
  })

  const tooLate = (grId: number) => `no update of GAI round ${grId} is awaited: it is too late`
  test.each<[string, string, Partial<UpdateManifest>, string]>([
    ['an agent without an order', 'pi-05', {}, tooLate(6)],
    ['another GAI round', 'pi-04', { grId: 5 }, tooLate(5)],
    ['another model', 'pi-04', { modelId: 'code' }, tooLate(6)],
    ['more samples', 'pi-04', { sampleCount: 41 }, '41 samples, ordered were 40'],
    ['another CR', 'pi-04', { crId: 6 }, 'trained in communication round 6, ordered in 7'],
  ])('not of %s, which is refused in words', async (_, agentId, change, refusal) => {
    const { work, order, updateOf } = await startWork()
    expect(work.expect(agentId, updateOf(1, change).manifest)).toHaveProperty('refusal')
    await order(7, 'pi-04')
    expect(work.expect(agentId, updateOf(1, change).manifest)).toEqual({ refusal })
  })

  test('no longer when the next orders are given', async () => {
    const { work, order, updateOf } = await startWork()
    await order(7, 'pi-04')
    await order(8)
    expect(work.expect('pi-04', updateOf(1).manifest)).toEqual({ refusal: tooLate(6) })
  })
})

const inTime = { isOverdue: () => false, onCommitted: () => {} }

describe('an average', () => {
  test('weighs by samples, becomes the next version and is published', async () => {
    const side = await startWork()
    const { work, order, library, current, tap } = side
    await order(7, 'a', 'b')
    const before = current()
    const committed: string[] = []
    const round = { isOverdue: () => false, onCommitted: () => committed.push(current().version) }
    const contributions = [store(side, 'a', 1, 10), store(side, 'b', 5, 30)]
    await work.aggregate('prose', contributions, round)
    expect(current()).toMatchObject({
      versionNumber: before.versionNumber + 1,
      parent: before.version,
      samplesAbsorbed: 40,
    })
    expect(new Set(await library.parameters('prose'))).toEqual(new Set([4]))
    expect(committed).toEqual([current().version])
    const { body } = await tap.waitFor('modelManifest', () => true, {
      ms: 5000,
      what: 'it is announced',
    })
    expect(body).toMatchObject({ version: current().version, parent: before.version })
    await tap.waitFor('blobBlock', one => one.parameters.sha256 === current().version, {
      ms: 5000,
      what: 'its parameters are there',
    })
  })

  test.each([
    ['from another version', { baseVersion: 'b'.repeat(64) }, 'is current'],
    ['that was never stored', { grId: 3 }, 'the update of b is gone'],
  ])('of an update %s is not made', async (_, change, words) => {
    const side = await startWork()
    await side.order(7, 'a', 'b')
    const before = side.current()
    const good = store(side, 'a', 1, 10)
    const bad = { ...good, agentId: 'b', ...change, update: { ...good.update, ...change } }
    await expect(side.work.aggregate('prose', [good, bad], inTime)).rejects.toThrow(words)
    expect(side.current()).toEqual(before)
  })

  test('that its round no longer waits for is not made', async () => {
    const side = await startWork()
    await side.order(7, 'a')
    const before = side.current()
    const round = { isOverdue: () => true, onCommitted: () => {} }
    const { parameterCount } = side.library.model('prose')
    const sha256 = hashOf(bytesOfParameters(new Float32Array(parameterCount).fill(1)))
    const lengths: number[] = []
    const block = topicFor('home', 'blobBlock', { sha256, index: 0 })
    await side.tap.connection.subscribe(block, (_, { length }) => void lengths.push(length))
    const averaging = side.work.aggregate('prose', [store(side, 'a', 1, 10)], round)
    await expect(averaging).rejects.toMatchObject({ code: 'ROUND_FAILED' })
    expect(side.current()).toEqual(before)
    // What was on its way to the broker beside its way to disk is taken off.
    await waitFor(() => lengths.length > 0 && lengths.at(-1) === 0, {
      ms: 5000,
      what: 'it is gone',
    })
  })
})

describe('the record of a round', () => {
  /** CR 7 with one contribution, and what agent a sensed in it and in the next one. */
  async function runRound(side: Work) {
    const { work, order, sensed, uploads } = side
    const said = { session: 1, sequence: 0, sentAt: '2026-01-01T00:00:00.000Z', modelId: 'prose' }
    const plan = await order(7, 'a')
    await work.aggregate('prose', [store(side, 'a', 1, 10)], inTime)
    for (const [grId, interval] of [
      [7, phase('sense', 1, 5)],
      [8, phase('sense', 6, 9)],
    ] as const) {
      const orders = plan.assignments[0]?.assignment.sense
      if (!orders) throw new Error('nothing is to be sensed')
      sensed.begin(new Map([['a', { ...orders, grId }]]))
      sensed.onStatus('a', {
        ...said,
        crId: grId,
        grId,
        part: 'sense',
        status: 'done',
        sampleCount: 5,
        interval,
      })
    }
    uploads.onStatus('a', {
      ...{ ...said, crId: 7, grId: 6, part: 'consume', status: 'done' },
      interval: {
        ...phase('upload', 7, 8),
        use: { slots: { used: 1, granted: 2 }, bytes: { used: 900, granted: 1000 } },
      },
    })
    await work.record({
      crId: 7,
      startedAtMs: 1000,
      endedAtMs: 3000,
      plan,
      contributions: [
        {
          agentId: 'a',
          grId: 6,
          modelId: 'prose',
          outcome: 'aggregated',
          phases: [phase('download', 2, 3), phase('train', 3, 7)],
        },
      ],
      sensed,
      uploads,
    })
  }

  test('says what was chosen, learned and overlapped in it, on disk and on the wire', async () => {
    const side = await startWork()
    await runRound(side)
    const [record] = side.written()
    expect(record).toMatchObject({
      crId: 7,
      startedAt: '1970-01-01T00:00:01.000Z',
      policy: 'greedy-gain',
      decision: { executed: 'greedy-gain', replacedCount: 0 },
      choices: [{ agentId: 'a', modelId: 'prose' }],
      models: [{ modelId: 'prose', versionNumber: 1, contributions: 1, sampleCount: 10 }],
      excluded: [],
      contributions: [
        {
          phases: [{ phase: 'download' }, { phase: 'train' }, { phase: 'upload' }],
          use: { upload: 0.9 },
        },
      ],
      // Sensing of this CR hid three of six seconds; what was sensed in the next is not of it.
      overlapRatio: 0.5,
    })
    const { body } = await side.tap.waitFor('roundRecord', () => true, {
      ms: 5000,
      what: 'the record',
    })
    expect(body).toMatchObject(record)
  })

  test('is published even where the disk does not take it', async () => {
    const side = await startWork()
    mkdirSync(side.logPath)
    await runRound(side)
    await side.tap.waitFor('roundRecord', ({ body }) => body.crId === 7, {
      ms: 5000,
      what: 'the record',
    })
    expect(side.lines.map(({ msg }) => msg)).toContain('round not written down')
  })

  test('of a round in which nothing was planned and nothing came is not written', async () => {
    const { work, sensed, uploads, written, order } = await startWork()
    const times = { startedAtMs: 1000, endedAtMs: 3000, contributions: [], sensed, uploads }
    await work.record({ crId: 6, plan: null, ...times })
    await work.record({ crId: 7, plan: await order(7), ...times })
    expect(written().map(({ crId }) => crId)).toEqual([7])
  })
})
