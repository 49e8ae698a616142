import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { senseRound } from '../../../agent/assignment/sensing.ts'
import { SlotGate } from '../../../agent/assignment/slot-gate.ts'
import { openSamples, sensingPart } from '../../../agent/samples/samples.ts'
import { trainingRows } from '../../../agent/samples/training-rows.ts'
import { ReplaySensor } from '../../../agent/sensors/replay/replay-sensor.ts'
import type { SenseOrder } from '../../../protocol/assignment.ts'
import type { SampleSpec } from '../../../protocol/sample-spec.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { testLog } from '../../support/test-log.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { senseOf } from './orders.ts'

const SLOT_MS = 100
/** Ten rows a slot. */
const RATE = 100

const TAKES: SampleSpec = {
  form: { element: 'uint8', shape: [] },
  windowRows: 4,
  strideRows: 2,
  inputRows: 4,
  inputElement: 'float32',
  rowsLast: false,
  labels: { kind: 'none' },
}

async function board() {
  const clock = new VirtualClock()
  const path = join(temporaryDirectory(), 'rows.bin')
  writeFileSync(
    path,
    Uint8Array.from({ length: 250 }, (_, at) => at),
  )
  const { log } = testLog()
  const form = { element: 'uint8', shape: [] } as const
  const sensor = new ReplaySensor({ id: 'csi', path, ...form, rowsPerSecond: RATE, clock })
  await sensor.open()
  const samples = await openSamples(
    { samples: { bytesMax: 2 ** 20 }, labels: [] },
    { folder: temporaryDirectory(), sensors: [sensor], log },
  )
  const sense = (order: Partial<SenseOrder>) => {
    const { signal } = new AbortController()
    const schedule = { crId: 7, startsAtMs: clock.now(), slots: 10, slotMs: SLOT_MS }
    const gate = new SlotGate({ schedule, clock, signal })
    const whole = senseOf({ sensor: 'csi', samplesWanted: 1000, ...order })
    const context = { order: whole, sensor, takes: TAKES, gate, samples, clock, signal }
    return clock.run(senseRound(context))
  }
  const sensing = () => sensingPart([figuresOf(sensor)], samples)
  return { clock, sensor, samples, sense, sensing }
}

function figuresOf(sensor: ReplaySensor) {
  const figures = sensor.figures()
  if (!figures) throw new Error('the sensor is lost')
  return figures
}

describe('sensing', () => {
  test('records in the slots of its order alone, and each run is a segment of its own', async () => {
    const { clock, samples, sense } = await board()
    const startedAtMs = clock.now()
    const runs: SenseOrder['slots'] = [
      [1, 2],
      [4, 6],
    ]
    const { round, use } = await sense({ slots: runs })
    const segments = (await samples.store.read(round.sequence)) ?? []
    expect(segments.map(({ rows }) => rows.length)).toEqual([10, 20])
    const times = segments.map(({ atMs }) => [atMs[0], atMs.at(-1)])
    expect(times.flat().map(at => (at ?? 0) - startedAtMs)).toEqual([110, 200, 410, 600])
    // 4 windows of ten rows, 9 of twenty: none across the pause.
    expect(round.sampleCount).toBe(13)
    expect(use.slots).toEqual({ used: 3, granted: 3 })
  })

  test('goes at the rate that was allocated, and ends when there is enough', async () => {
    const { samples, sense } = await board()
    const slow = await sense({ slots: [[0, 10]], rowsPerSecond: 20 })
    expect(slow.use.rows?.used).toBe(20)
    // Two samples are six rows.
    const few = await sense({ slots: [[0, 10]], samplesWanted: 2 })
    expect(few.use.rows).toEqual({ used: 6, granted: 6 })
    expect(few.round.sampleCount).toBe(2)
    expect(samples.delivered.factor('csi')).toBe(1)
  })

  test('that delivers half of what was promised halves what the next URP promises', async () => {
    const { clock, samples, sense, sensing } = await board()
    expect(sensing()[0]?.rowsPerSecond).toBe(RATE)
    for (let round = 0; round < 3; round++) {
      // The agent stands still: a second of it is kept, the rest is lost.
      clock.at(clock.now() + 500, () => clock.jump(3000))
      await sense({ slots: [[0, 40]] })
    }
    expect(samples.delivered.factor('csi')).toBeCloseTo(0.5, 1)
    expect(sensing()[0]?.rowsPerSecond).toBeCloseTo(0.5 * RATE, -1)
  })

  test('fills the sketch that the URP tells with what is stored', async () => {
    const { sense, sensing } = await board()
    await sense({ slots: [[0, 1]] })
    expect(sensing()[0]?.sketch?.sampleCount).toBe(10)
  })
})

describe('the rows to train on', () => {
  test('are those of the round, and older ones only where the order asks for more', async () => {
    const { samples, sense } = await board()
    const earlier = (await sense({ slots: [[0, 1]] })).round
    const { round } = await sense({ slots: [[0, 2]] })
    expect([earlier.sampleCount, round.sampleCount]).toEqual([4, 9])
    const { store } = samples
    const rowsFor = async (sampleCount: number) => {
      const rows = await trainingRows({ sensed: round, takes: TAKES, sampleCount, store })
      return rows.map(({ rows: bytes }) => bytes[0])
    }
    expect(await rowsFor(9)).toEqual([10])
    expect(await rowsFor(10)).toEqual([10, 0])
    expect(await rowsFor(10_000)).toEqual([10, 0])
  })

  test('that the store has dropped are said to be gone', async () => {
    const { samples, sense } = await board()
    const { round } = await sense({ slots: [[0, 1]] })
    const sensed = { ...round, sequence: 99 }
    const rows = trainingRows({ sensed, takes: TAKES, sampleCount: 1, store: samples.store })
    await expect(rows).rejects.toThrow('what was sensed is no longer stored')
  })
})
