import { afterAll, beforeAll, expect, test } from 'vitest'
import { runTraining } from '../../../agent/assignment/training-run.ts'
import { ComputeBudget } from '../../../agent/limits/compute-budget.ts'
import type { Clock } from '../../../runtime/clock.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { TrainerProcess } from '../../../training/trainer/trainer-process.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { BATCH, initialParameters, jobOf } from './tiny-model.ts'

const SAMPLES = 20 * BATCH + 5
let trainer: TrainerProcess

beforeAll(async () => {
  trainer = await TrainerProcess.start()
})
afterAll(() => trainer.stop())

async function train(o: {
  readonly clock: Clock
  readonly share?: number
  readonly localEpochs?: number
  readonly accumulation?: number
  readonly leftMs: number
  readonly signal?: AbortSignal
}) {
  const { clock, share = 1, localEpochs = 1, accumulation = 1, leftMs } = o
  await trainer.load(jobOf(SAMPLES, { accumulation }))
  const startsAtMs = clock.now()
  const endsAtMs = startsAtMs + leftMs
  return runTraining({
    trainer,
    order: { localEpochs, learningRate: 0.01 },
    sampleCount: SAMPLES,
    samplesPerStep: BATCH * accumulation,
    budget: new ComputeBudget({ clock, share, startsAtMs, endsAtMs }),
    clock,
    endsAtMs,
    signal: o.signal ?? new AbortController().signal,
  })
}

test('every sample is trained on once an epoch, and the loss falls', async () => {
  const clock = new VirtualClock()
  const result = await clock.run(train({ clock, localEpochs: 3, leftMs: 1e6 }))
  expect(result).toMatchObject({ steps: 3 * 21, sampleCount: SAMPLES })
  expect(result.lossBefore).toBeGreaterThan(4)
  expect(result.lossAfter).toBeLessThan(result.lossBefore - 0.5)
  expect(result.cpuSeconds).toBeGreaterThan(0)
  const learned = await trainer.parameters()
  expect(learned).toHaveLength(initialParameters.length)
  expect(learned).not.toEqual(initialParameters)
})

test('a step that gathers several batches counts all their samples', async () => {
  const clock = new VirtualClock()
  const whole = await clock.run(train({ clock, accumulation: 4, leftMs: 1e6 }))
  expect(whole).toMatchObject({ steps: 6, sampleCount: SAMPLES })
  const part = await clock.run(train({ clock, accumulation: 4, share: 1e-6, leftMs: 100 }))
  expect(part.steps).toBeLessThan(6)
  expect(part.sampleCount).toBe(part.steps * 4 * BATCH)
})

test('slots that end end the run, which says how many samples were really trained on', async () => {
  const clock = new VirtualClock()
  // At this share the rest after the first few steps takes all the time there is.
  const result = await clock.run(train({ clock, share: 1e-6, leftMs: 400 }))
  expect(result.steps).toBeGreaterThan(0)
  expect(result.steps).toBeLessThan(21)
  expect(result.sampleCount).toBe(result.steps * BATCH)
  expect(clock.timerCount).toBe(0)
})

test('where no step fits none is made', async () => {
  const clock = new VirtualClock()
  expect(await clock.run(train({ clock, leftMs: 10 }))).toMatchObject({ steps: 0, sampleCount: 0 })
})

test('training keeps a core busy for no more than its share of the time', async () => {
  const share = 0.3
  const startedAt = performance.now()
  const { cpuSeconds, steps } = await train({
    clock: systemClock,
    share,
    localEpochs: 40,
    leftMs: 30_000,
  })
  const seconds = (performance.now() - startedAt) / 1000
  expect(steps).toBe(40 * 21)
  // The load before it costs time and no CPU of the run; timers fire late, never early.
  expect(cpuSeconds / seconds).toBeLessThan(share * 1.1)
})
