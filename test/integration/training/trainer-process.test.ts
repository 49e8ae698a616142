import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { hasCode } from '../../../runtime/errors.ts'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import { buildByteLanguageModel } from '../../../training/models/byte-language-model.ts'
import { nextByteSamples } from '../../../training/samples/next-byte-samples.ts'
import { TrainerProcess } from '../../../training/trainer/trainer-process.ts'
import { waitFor } from '../../support/wait-for.ts'

const CONTEXT_BYTES = 8
const model = buildByteLanguageModel({
  contextBytes: CONTEXT_BYTES,
  embeddingSize: 8,
  hiddenSizes: [64],
  seed: 1,
})
const artifact = buildTrainingArtifact(model, {
  loss: 'softmax-cross-entropy',
  optimizer: { kind: 'adam' },
  batch: 32,
})
const SENTENCE = 'Edge devices sense, learn and share what they learned. '
const text = new TextEncoder().encode(SENTENCE.repeat(20))
const windows = nextByteSamples(text, { contextBytes: CONTEXT_BYTES, samplesMax: 100_000 })
const job = {
  artifact: artifact.bytes,
  parameters: artifact.initialParameters,
  ...windows,
  seed: 4,
}

async function startTrainer(options: Parameters<typeof TrainerProcess.start>[0] = {}) {
  const trainer = await TrainerProcess.start(options)
  onTestFinished(() => trainer.stop())
  return trainer
}

/** A zombie that nobody has waited for yet does not run any more. */
function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

describe('a trainer', () => {
  let trainer: TrainerProcess

  beforeAll(async () => {
    trainer = await TrainerProcess.start()
  })
  afterAll(async () => trainer.stop())

  test('learns a short text by heart and writes it on', async () => {
    expect(await trainer.load(job)).toMatchObject({
      stepsPerEpoch: Math.ceil(windows.labels.length / 32),
      stepCount: 0,
    })
    const { losses, cpuSeconds, durationMs } = await trainer.step({
      steps: 600,
      learningRate: 0.005,
    })
    expect(losses[0]).toBeGreaterThan(5)
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 20)
    expect(cpuSeconds).toBeGreaterThan(0)
    expect(durationMs).toBeGreaterThan(0)
    const parameters = await trainer.parameters()
    const { lossMean, sampleCount } = await trainer.evaluate({ model, parameters, ...windows })
    expect(sampleCount).toBe(windows.labels.length)
    expect(lossMean).toBeLessThan((losses[0] ?? 0) / 20)
    const written = await trainer.generate({
      model,
      parameters,
      prompt: new TextEncoder().encode('Edge devices'),
      byteCount: 30,
      temperature: 0,
      seed: 1,
    })
    expect(new TextDecoder().decode(written)).toBe(SENTENCE.slice(12, 42))
  })

  test('writes the same text for the same seed and another for another', async () => {
    const parameters = artifact.initialParameters
    const write = (seed: number) =>
      trainer.generate({
        model,
        parameters,
        prompt: Uint8Array.of(),
        byteCount: 20,
        temperature: 1,
        seed,
      })
    const first = await write(1)
    expect(first).toHaveLength(20)
    expect(await write(1)).toEqual(first)
    expect(await write(2)).not.toEqual(first)
  })

  test('trains bit for bit alike for one seed', async () => {
    const run = async (seed: number) => {
      await trainer.load({ ...job, seed })
      await trainer.step({ steps: 30, learningRate: 0.01 })
      return trainer.parameters()
    }
    const first = await run(4)
    expect(await run(4)).toEqual(first)
    expect(await run(5)).not.toEqual(first)
  })

  test('measures what the kernels reach', async () => {
    for (const kernel of ['gemm', 'training-step'] as const) {
      await trainer.openKernel({ kernel })
      const once = await trainer.runKernel({ kernel, turns: 1 })
      const twice = await trainer.runKernel({ kernel, turns: 2 })
      expect(twice.work.flops).toBe(2 * once.work.flops)
      expect(twice.work.flops / twice.cpuSeconds).toBeGreaterThan(1e7)
      expect(twice.wallSeconds).toBeGreaterThan(0)
    }
    expect(await trainer.cpuSeconds()).toBeGreaterThan(0)
    await trainer.unload()
    const closed = trainer.runKernel({ kernel: 'gemm', turns: 1 })
    await expect(closed).rejects.toSatisfy(error => hasCode(error, 'TRAINING_FAILED'))
  })

  test('refuses what it cannot do by code and goes on', async () => {
    await trainer.unload()
    const unloaded = trainer.step({ steps: 1, learningRate: 0.1 })
    await expect(unloaded).rejects.toSatisfy(error => hasCode(error, 'TRAINING_FAILED'))
    await expect(trainer.load({ ...job, artifact: model })).rejects.toSatisfy(error =>
      hasCode(error, 'MODEL_INVALID'),
    )
    const rubbish = trainer.load({ ...job, artifact: Uint8Array.of(1, 2, 3) })
    await expect(rubbish).rejects.toBeInstanceOf(Error)
    const labels = windows.labels.map(() => 256)
    await expect(trainer.load({ ...job, labels })).rejects.toSatisfy(error =>
      hasCode(error, 'TRAINING_FAILED'),
    )
    // Rows that no embedding has are known only when they are looked up.
    await trainer.load({ ...job, inputs: windows.inputs.map(() => 256) })
    const outOfRange = trainer.step({ steps: 1, learningRate: 0.1 })
    await expect(outOfRange).rejects.toSatisfy(error => hasCode(error, 'TRAINING_FAILED'))
    await trainer.load(job)
    expect((await trainer.step({ steps: 1, learningRate: 0.1 })).losses).toHaveLength(1)
  })
})

describe('the process', () => {
  test('that is killed in the middle of a step rejects it, and its parent lives', async () => {
    const trainer = await startTrainer()
    await trainer.load(job)
    const step = trainer.step({ steps: 10_000_000, learningRate: 1e-4 })
    const waiting = trainer.parameters()
    const rejected = Promise.all([
      expect(step).rejects.toSatisfy(error => hasCode(error, 'TRAINING_FAILED')),
      expect(step).rejects.toThrow('the trainer process was ended by SIGKILL'),
      expect(waiting).rejects.toThrow('the trainer process was ended by SIGKILL'),
    ])
    process.kill(trainer.pid ?? 0, 'SIGKILL')
    await rejected
    expect(await trainer.exited).toEqual({ code: null, signal: 'SIGKILL' })
    await expect(trainer.parameters()).rejects.toThrow('was ended by SIGKILL')
    await trainer.stop()
  })

  test('ends when its parent is killed', async () => {
    const owner = fork(fileURLToPath(new URL('trainer-owner.ts', import.meta.url)), {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    onTestFinished(() => {
      owner.kill('SIGKILL')
    })
    const [message] = await once(owner, 'message')
    const { trainerPid } = message as { trainerPid: number }
    expect(isRunning(trainerPid)).toBe(true)
    owner.kill('SIGKILL')
    await waitFor(() => !isRunning(trainerPid), { what: 'the orphaned trainer ends' })
  })

  test('ends in good order when stopped, at work or not, once or twice', async () => {
    const trainer = await startTrainer()
    await trainer.load(job)
    const step = trainer.step({ steps: 10_000_000, learningRate: 1e-4 })
    const rejected = expect(step).rejects.toThrow('the trainer process ended with exit code 0')
    await Promise.all([trainer.stop(), trainer.stop()])
    await rejected
    expect(await trainer.exited).toEqual({ code: 0, signal: null })
    expect(isRunning(trainer.pid ?? 0)).toBe(false)
  })

  test('takes its niceness and its cores, and has telemetry off', async () => {
    const trainer = await startTrainer({ niceness: 7, cpus: [0], heapMegabytesMax: 200 })
    const { pid = 0 } = trainer
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    // proc(5): nice is field 19, the state after the name is field 3.
    expect(fields[19 - 3]).toBe('7')
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toContain('ORT_DISABLE_TELEMETRY=1')
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    if (trainer.isPinned) expect(status).toMatch(/^Cpus_allowed_list:\s+0$/m)
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toContain('--max-old-space-size=200')
  })

  test('that does not answer in time rejects with the deadline', async () => {
    const trainer = await startTrainer()
    await trainer.load(job)
    const step = trainer.step({ steps: 10_000_000, learningRate: 1e-4 }, { deadlineMs: 50 })
    await expect(step).rejects.toSatisfy(error => hasCode(error, 'DEADLINE_PASSED'))
  })

  test('that cannot start says so', async () => {
    const start = TrainerProcess.start({ heapMegabytesMax: 1, deadlineMs: 20_000 })
    await expect(start).rejects.toSatisfy(error => hasCode(error, 'TRAINING_FAILED'))
  })
})
