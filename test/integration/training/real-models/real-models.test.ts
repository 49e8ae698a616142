import { readFileSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Random, seededRandom, standardNormal } from '../../../../runtime/seeded-random.ts'
import { buildTrainingArtifact } from '../../../../training/forms/training-artifact.ts'
import type { TrainingOptions } from '../../../../training/forms/training-options.ts'
import { ELEMENT } from '../../../../training/onnx/element-type.ts'
import { decodeModel } from '../../../../training/onnx/onnx-codec.ts'
import { type Specialization, specializeModel } from '../../../../training/onnx/specialize.ts'
import { loadOrt } from '../../../../training/trainer/ort-session.ts'
import { TrainingRun } from '../../../../training/trainer/training-run.ts'
import { sharedFile } from '../../../support/directories.ts'
import { readFashionMnist } from '../../../support/fashion-mnist.ts'
import { checkModelGradients } from './model-gradients.ts'

// Models nobody here wrote; where they come from stands in the README beside them.
const FILES = {
  mnist: sharedFile('models/mnist-onnx/mnist.onnx'),
  ultraface: sharedFile('models/ultraface/version-RFB-320_without_postprocessing.onnx'),
  silero: sharedFile('models/silero-vad/silero_vad_16k_op15.onnx'),
}
const SEED = 20260106
/** Relative to the length of the gradient. */
const TOLERANCE = 1e-4
const TEST_MS = 60_000

function read(file: string | undefined, wanted?: Specialization): Uint8Array {
  const bytes = readFileSync(file ?? '')
  return wanted ? specializeModel(bytes, wanted) : bytes
}

/** Statistics of normalizations and other buffers too: their gradients are right or wrong as well. */
function floatTensors(bytes: Uint8Array): string[] {
  const { graph } = decodeModel(bytes)
  return (graph?.initializer ?? []).flatMap(({ name = '', dataType, dims }) =>
    dataType === ELEMENT.float && dims.length > 0 ? [name] : [],
  )
}

async function expectRightGradients(
  bytes: Uint8Array,
  options: {
    readonly batch: number
    readonly prediction?: string
    /** All where left out. */
    readonly trainable?: readonly string[]
  },
) {
  const { trainable = floatTensors(bytes) } = options
  const { errors, forwardError } = await checkModelGradients(bytes, {
    ...options,
    trainable,
    seed: SEED,
  })
  const worst = [...errors].toSorted(([, a], [, b]) => b - a).slice(0, 5)
  const told = `seed ${SEED}, worst: ${worst.map(([name, error]) => `${name} ${error}`).join(', ')}`
  expect(forwardError, told).toBeLessThan(1e-5)
  expect(worst[0]?.[1], told).toBeLessThan(TOLERANCE)
  return { trainable, checked: new Set(errors.keys()) }
}

async function train(
  bytes: Uint8Array,
  options: Omit<TrainingOptions, 'optimizer'>,
  job: {
    readonly inputs: Float32Array
    readonly labels: Int32Array | Float32Array
    readonly steps: number
    readonly learningRate: number
  },
): Promise<{ readonly first: number; readonly last: number }> {
  const artifact = buildTrainingArtifact(bytes, { ...options, optimizer: { kind: 'adam' } })
  const { inputs, labels, steps, learningRate } = job
  const training = await TrainingRun.open(await loadOrt(), {
    artifact: artifact.bytes,
    parameters: artifact.initialParameters,
    inputs,
    labels,
    seed: SEED,
  })
  onTestFinished(() => training.release())
  const losses = await training.step({ steps, learningRate })
  const mean = (values: Float32Array) => values.reduce((a, b) => a + b, 0) / values.length
  return { first: mean(losses.subarray(0, 3)), last: mean(losses.subarray(-3)) }
}

describe.skipIf(!FILES.mnist)('the CNTK export of an MNIST classifier', () => {
  test('has the gradients of finite differences', { timeout: TEST_MS }, async () => {
    const { trainable, checked } = await expectRightGradients(read(FILES.mnist), { batch: 1 })
    expect(checked).toEqual(new Set(trainable))
  })

  test.skipIf(!readFashionMnist('t2k', 1))('learns clothes', { timeout: TEST_MS }, async () => {
    const images = readFashionMnist('t2k', 200)
    // The file states a batch of 1, and shapes for no other: the gradients of eight are added up.
    const { first, last } = await train(
      read(FILES.mnist),
      { loss: 'softmax-cross-entropy', batch: 1, accumulation: 8 },
      {
        inputs: (images?.inputs ?? new Float32Array()).map(pixel => pixel * 255),
        labels: images?.labels ?? new Int32Array(),
        steps: 100,
        learningRate: 1e-3,
      },
    )
    expect(last).toBeLessThan(first / 3)
  })
})

describe.skipIf(!FILES.ultraface)('the PyTorch export of a face detector', () => {
  const inputs = { input: { shape: ['batch', 3, 32, 48] } } as const

  test('has the gradients of finite differences', { timeout: 2 * TEST_MS }, async () => {
    const bytes = read(FILES.ultraface, { inputs })
    const scores = await expectRightGradients(bytes, { batch: 1, prediction: 'scores' })
    const others = scores.trainable.filter(name => !scores.checked.has(name))
    const boxes = await expectRightGradients(bytes, {
      batch: 1,
      prediction: 'boxes',
      trainable: others,
    })
    expect(boxes.checked).toEqual(new Set(others))
    expect(scores.checked.size).toBeGreaterThan(others.length)
  })

  test('learns what is bright', { timeout: TEST_MS }, async () => {
    const whole = read(FILES.ultraface)
    const softmax = decodeModel(whole).graph?.node.find(({ opType }) => opType === 'Softmax')
    const bytes = specializeModel(whole, { inputs, outputs: softmax?.input ?? [] })
    const random = seededRandom(SEED)
    const [count, size, places] = [16, 3 * 32 * 48, placesOf(32, 48)]
    const isBright = Array.from({ length: count }, (_, index) => index % 2)
    const { first, last } = await train(
      bytes,
      { loss: 'softmax-cross-entropy', batch: 4 },
      {
        inputs: Float32Array.from(
          { length: count * size },
          (_, at) => standardNormal(random) * 0.3 + (isBright[Math.floor(at / size)] ?? 0),
        ),
        labels: Int32Array.from(
          { length: count * places },
          (_, at) => isBright[Math.floor(at / places)] ?? 0,
        ),
        steps: 20,
        learningRate: 1e-3,
      },
    )
    expect(last).toBeLessThan(first / 3)
  })
})

/** Boxes that the detector judges: 3, 2, 2 and 3 a place at strides of 8, 16, 32 and 64. */
function placesOf(height: number, width: number): number {
  return [
    [8, 3],
    [16, 2],
    [32, 2],
    [64, 3],
  ].reduce(
    (sum, [stride = 1, boxes = 0]) =>
      sum + boxes * Math.ceil(height / stride) * Math.ceil(width / stride),
    0,
  )
}

describe.skipIf(!FILES.silero)('the PyTorch export of a voice detector', () => {
  /** Of its four graphs in graphs the rate of 16 kHz decides all; what it remembers begins empty. */
  const wanted = (batch: number): Specialization => ({
    inputs: {
      input: { shape: ['batch', 576] },
      state: { shape: [2, batch, 128], values: 0 },
      sr: { shape: [], values: 16_000 },
    },
    outputs: ['output'],
  })

  test('has the gradients of finite differences', { timeout: TEST_MS }, async () => {
    const bytes = read(FILES.silero, wanted(2))
    const { trainable, checked } = await expectRightGradients(bytes, { batch: 2 })
    expect(checked).toEqual(new Set(trainable))
    expect(checked.size).toBe(15)
  })

  test('learns to tell a tone from noise', { timeout: TEST_MS }, async () => {
    const random = seededRandom(SEED)
    const [count, size] = [64, 576]
    const isTone = Array.from({ length: count }, (_, index) => index % 2)
    const { first, last } = await train(
      read(FILES.silero, wanted(16)),
      {
        loss: { kind: 'binary-cross-entropy', fromLogits: false },
        batch: 16,
        frozen: ['model.stft.forward_basis_buffer'],
      },
      {
        inputs: Float32Array.from({ length: count * size }, (_, at) =>
          (isTone[Math.floor(at / size)] ?? 0) === 1 ? tone(at % size, random) : random() - 0.5,
        ),
        labels: Float32Array.from(isTone),
        steps: 24,
        learningRate: 1e-3,
      },
    )
    expect(last).toBeLessThan(first / 3)
  })
})

/** 440 Hz at 16 kHz, with a little noise. */
function tone(place: number, random: Random): number {
  return 0.4 * Math.sin((2 * Math.PI * 440 * place) / 16_000) + 0.02 * standardNormal(random)
}
