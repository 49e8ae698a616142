import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TrainerProcess } from '../../../training/trainer/trainer-process.ts'
import { byteJob, hashOf, startTrainer } from './byte-job.ts'

const { job, artifact } = byteJob()

describe('a step in progress', () => {
  let trainer: TrainerProcess

  beforeAll(async () => {
    trainer = await TrainerProcess.start()
  })
  afterAll(() => trainer.stop())

  test('reports the losses of each run, all of them and in order', async () => {
    await trainer.load(job)
    const reported: number[][] = []
    const { losses, stepCount } = await trainer.step(
      { steps: 300, learningRate: 0.01 },
      { onProgress: some => reported.push([...some]) },
    )
    expect(stepCount).toBe(300)
    expect(reported.length).toBeGreaterThan(1)
    expect(reported.flat()).toEqual([...losses])
  })

  test('ends early when it is cancelled, and the next goes on from where it ended', async () => {
    await trainer.load(job)
    const cancel = new AbortController()
    let seen = 0
    const cut = await trainer.step(
      { steps: 10_000_000, learningRate: 0.01 },
      {
        signal: cancel.signal,
        onProgress: losses => {
          seen += losses.length
          if (seen > 20) cancel.abort()
        },
      },
    )
    expect(cut.losses.length).toBeGreaterThan(20)
    expect(cut.losses.length).toBeLessThan(10_000_000)
    expect(cut.stepCount).toBe(cut.losses.length)
    expect((await trainer.step({ steps: 5, learningRate: 0.01 })).stepCount).toBe(cut.stepCount + 5)
    const parameters = hashOf(await trainer.parameters())
    await trainer.load(job)
    await trainer.step({ steps: cut.stepCount + 5, learningRate: 0.01 })
    expect(hashOf(await trainer.parameters())).toBe(parameters)
  })

  test('is not done at all where it was cancelled while it waited or before', async () => {
    await trainer.load(job)
    const before = trainer.step({ steps: 5, learningRate: 0.01 }, { signal: AbortSignal.abort() })
    expect((await before).losses).toHaveLength(0)
    const [atWork, waiting] = [new AbortController(), new AbortController()]
    const first = trainer.step(
      { steps: 10_000_000, learningRate: 0.01 },
      { signal: atWork.signal, onProgress: () => atWork.abort() },
    )
    const second = trainer.step({ steps: 10, learningRate: 0.01 }, { signal: waiting.signal })
    waiting.abort()
    await first
    expect((await second).losses).toHaveLength(0)
    // Too late is no harm, either.
    const late = new AbortController()
    await trainer.step({ steps: 1, learningRate: 0.01 }, { signal: late.signal })
    late.abort()
    expect((await trainer.step({ steps: 2, learningRate: 0.01 })).losses).toHaveLength(2)
  })

  test('whose deadline passes is cancelled, so that the trainer is free for the next', async () => {
    await trainer.load(job)
    const step = trainer.step({ steps: 10_000_000, learningRate: 1e-4 }, { deadlineMs: 50 })
    await expect(step).rejects.toMatchObject({ code: 'DEADLINE_PASSED' })
    expect((await trainer.step({ steps: 1, learningRate: 0.01 })).losses).toHaveLength(1)
  })
})

describe('numbers that are none', () => {
  test('stop training at their step and leave the parameters from before', async () => {
    const { job: steep } = byteJob({ optimizer: { kind: 'sgd' } })
    const trainer = await startTrainer()
    await trainer.load(steep)
    await trainer.step({ steps: 40, learningRate: 0.1 })
    const good = hashOf(await trainer.parameters())
    const diverged = trainer.step({ steps: 40, learningRate: 1e38 })
    await expect(diverged).rejects.toMatchObject({
      code: 'TRAINING_DIVERGED',
      details: { learningRate: 1e38 },
    })
    await expect(diverged).rejects.toThrow(/step 4\d.* the parameters are those after step 40$/)
    expect(hashOf(await trainer.parameters())).toBe(good)
    // The same samples again, as if nothing had been.
    const { stepCount } = await trainer.step({ steps: 40, learningRate: 0.1 })
    expect(stepCount).toBe(80)
    const parameters = hashOf(await trainer.parameters())
    await trainer.load(steep)
    await trainer.step({ steps: 80, learningRate: 0.1 })
    expect(hashOf(await trainer.parameters())).toBe(parameters)
  })

  test('in the parameters are named by step and loss', async () => {
    const trainer = await startTrainer()
    await trainer.load({ ...job, parameters: artifact.initialParameters.map(() => Number.NaN) })
    const failed = trainer.step({ steps: 20, learningRate: 0.1 })
    await expect(failed).rejects.toMatchObject({
      code: 'TRAINING_DIVERGED',
      details: { step: 1, loss: Number.NaN, stepCount: 0 },
    })
    await expect(failed).rejects.toThrow('the loss of step 1 is NaN')
  })
})

describe('a trainer process that ends', () => {
  test.each([
    ['SIGILL', 'has an instruction that this processor lacks'],
    ['SIGSEGV', 'crashed in native code'],
    ['SIGKILL', 'by the kernel for want of memory'],
    ['SIGABRT', 'gave up'],
  ] as const)('by %s is said to have', async (signal, words) => {
    const trainer = await startTrainer()
    await trainer.load(job)
    const step = trainer.step(
      { steps: 10_000_000, learningRate: 1e-4 },
      { onProgress: () => process.kill(trainer.pid ?? 0, signal) },
    )
    await expect(step).rejects.toMatchObject({ code: 'TRAINING_FAILED', details: { signal } })
    await expect(step).rejects.toThrow(`was ended by ${signal}`)
    await expect(step).rejects.toThrow(words)
  })
})
