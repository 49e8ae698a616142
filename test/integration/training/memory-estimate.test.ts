import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readTrainingArtifact } from '../../../training/forms/artifact-metadata.ts'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import type { LossOptions } from '../../../training/loss/registry.ts'
import { estimateMemory } from '../../../training/memory/estimate-memory.ts'
import { buildByteLanguageModel } from '../../../training/models/byte-language-model.ts'
import { buildModel, type ModelOptions } from '../../../training/models/registry.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { elementCount } from '../../../training/onnx/tensor.ts'
import type { TrainingJob } from '../../../training/trainer/training-run.ts'
import { byteJob, startTrainer } from './byte-job.ts'

const MIB = 2 ** 20
const ERROR_MAX = 0.25
const SEED = 1
const CLASSES = 'softmax-cross-entropy'

interface Case {
  readonly model: Uint8Array
  readonly loss: LossOptions
  readonly batch: number
  readonly sampleCount: number
  readonly steps: number
}

function inTheBox(options: ModelOptions, rest: Omit<Case, 'model'>): Case {
  return { model: buildModel(options), ...rest }
}

const CASES: Readonly<Record<string, Case>> = {
  'byte model, small': {
    model: byteModel(16, [128]),
    loss: CLASSES,
    batch: 64,
    sampleCount: 5000,
    steps: 300,
  },
  'byte model, large': {
    model: byteModel(32, [512, 512]),
    loss: CLASSES,
    batch: 64,
    sampleCount: 50_000,
    steps: 60,
  },
  'MLP of 1.9 million parameters': inTheBox(
    { kind: 'mlp', inputSize: 784, hiddenSizes: [1024, 1024], outputSize: 10, seed: SEED },
    { loss: CLASSES, batch: 32, sampleCount: 5000, steps: 40 },
  ),
  CNN: inTheBox(
    { kind: 'cnn', imageShape: [3, 32, 32], channels: [32, 64], classes: 10, seed: SEED },
    { loss: CLASSES, batch: 64, sampleCount: 1000, steps: 20 },
  ),
  GRU: inTheBox(
    { kind: 'gru-forecaster', windowSteps: 24, features: 4, hiddenWidth: 64, seed: SEED },
    { loss: 'mean-squared-error', batch: 32, sampleCount: 2000, steps: 60 },
  ),
  GPT: inTheBox(
    { kind: 'gpt', vocabularySize: 256, contextTokens: 32, seed: SEED },
    { loss: CLASSES, batch: 8, sampleCount: 1000, steps: 40 },
  ),
}

function byteModel(contextBytes: number, hiddenSizes: readonly number[]): Uint8Array {
  return buildByteLanguageModel({ contextBytes, embeddingSize: 32, hiddenSizes, seed: SEED })
}

/** Data of the right shapes; what they say does not matter here. */
function jobOf({ model, loss, batch, sampleCount }: Case): TrainingJob {
  const artifact = buildTrainingArtifact(model, { loss, optimizer: { kind: 'adam' }, batch })
  const { samples, labels } = readTrainingArtifact(artifact.bytes).inputs
  const filled = (isFloat: boolean, shape: readonly number[]) => {
    const count = sampleCount * elementCount(shape)
    return isFloat ? new Float32Array(count).fill(0.1) : new Int32Array(count).fill(1)
  }
  const inputs = samples.map(({ name, elementType, sampleShape }) => [
    name,
    filled(elementType === ELEMENT.float, sampleShape),
  ])
  return {
    artifact: artifact.bytes,
    parameters: artifact.initialParameters,
    inputs: Object.fromEntries(inputs),
    ...(labels ? { labels: filled(labels.elementType === 'float32', labels.sampleShape) } : {}),
    seed: SEED,
  }
}

/** VmHWM of proc(5): the most that the process ever held. */
function peakBytes(pid: number): number {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) * 1024
}

describe('the estimate before the start is within a quarter of the real peak:', () => {
  test.each(Object.entries(CASES))('%s', async (_, one) => {
    const job = jobOf(one)
    const { bytes, parts } = estimateMemory(job.artifact, { sampleCount: one.sampleCount })
    const trainer = await startTrainer()
    await trainer.load(job)
    for (let done = 0; done < one.steps; done += 10) {
      await trainer.step({ steps: 10, learningRate: 1e-4 })
    }
    const real = peakBytes(trainer.pid ?? 0)
    const numbers = `${bytes / MIB} MiB told, ${real / MIB} MiB taken, ${JSON.stringify(parts)}`
    expect(Math.abs(bytes / real - 1), numbers).toBeLessThan(ERROR_MAX)
  })
})

test('a larger batch needs more memory, and accumulation instead does not', () => {
  const bytesOf = (options: { readonly batch: number; readonly accumulation?: number }) => {
    const { job } = byteJob(options)
    return estimateMemory(job.artifact, { sampleCount: 1000 }).parts.activations
  }
  expect(bytesOf({ batch: 8192 })).toBeGreaterThan(6 * bytesOf({ batch: 1024 }))
  expect(bytesOf({ batch: 1024, accumulation: 8 })).toBeLessThan(1.5 * bytesOf({ batch: 1024 }))
})

test('a job over the limit is refused with both numbers and what to do, and one below is not', async () => {
  const trainer = await startTrainer({ memoryBytesMax: 256 * MIB })
  const { job } = byteJob({ batch: 4096 }, [2048])
  const refused = trainer.load(job)
  await expect(refused).rejects.toMatchObject({
    code: 'MEMORY_EXCEEDED',
    details: { bytesMax: 256 * MIB },
  })
  await expect(refused).rejects.toThrow(
    /^training needs about \d+ MiB of memory \(.*\), the limit is 256 MiB: take a smaller batch than 4096, with accumulation in its place$/,
  )
  const many = { ...job, inputs: new Int32Array(8e7), labels: new Int32Array(1e7) }
  await expect(trainer.load({ ...many, artifact: byteJob().job.artifact })).rejects.toThrow(
    'take fewer samples than 10000000',
  )
  const wide = byteJob({ batch: 8 }, [8192])
  await expect(trainer.load(wide.job)).rejects.toThrow('take a smaller model')
  expect(await trainer.load(byteJob().job)).toMatchObject({ stepCount: 0 })
})
