import { expect, onTestFinished, test } from 'vitest'
import {
  fillStandardNormal,
  seededRandom,
  standardNormal,
} from '../../../../runtime/seeded-random.ts'
import { buildInferenceForm } from '../../../../training/forms/inference-form.ts'
import { readForwardModel } from '../../../../training/forward/forward-graph.ts'
import { carryParameters } from '../../../../training/models/carry-parameters.ts'
import { denoise } from '../../../../training/models/diffusion/denoise.ts'
import { noiseSchedule } from '../../../../training/models/diffusion/noise-schedule.ts'
import { noisedSamples } from '../../../../training/models/diffusion/noised-samples.ts'
import { buildModel } from '../../../../training/models/registry.ts'
import { buildVaeDecoder, vaeSchema } from '../../../../training/models/vae.ts'
import { floatOutput, loadOrt, openOrtSession } from '../../../../training/trainer/ort-session.ts'
import { readFashionMnist } from '../../../support/fashion-mnist.ts'
import { learn } from './learn.ts'

const SEED = 5

async function open(bytes: Uint8Array) {
  const session = await openOrtSession(await loadOrt(), bytes)
  onTestFinished(() => session.release())
  return session
}

test('a denoiser learns to generate for a condition', async () => {
  // Around (c, −c), as wide as 0.1: what is generated must lie there for the c asked for.
  const random = seededRandom(SEED)
  const count = 512
  const conditions = Float32Array.from({ length: count }, () => (random() < 0.5 ? -1 : 1))
  const samples = Float32Array.from({ length: 2 * count }, (_, place) => {
    const c = conditions[place >> 1] ?? 0
    return (place % 2 === 0 ? c : -c) + 0.1 * standardNormal(random)
  })
  const schedule = noiseSchedule({ kind: 'cosine', steps: 20 })
  const bytes = buildModel({
    kind: 'ddpm-denoiser',
    size: 2,
    conditionSize: 1,
    hiddenSize: 32,
    blocks: 2,
    timeSize: 16,
  })
  const noised = (copies: number, seed: number) =>
    noisedSamples({ schedule, samples, size: 2, conditions, copies, seed })
  const { before, after, parameters } = await learn(bytes, {
    loss: 'mean-squared-error',
    batch: 64,
    steps: 600,
    learningRate: { kind: 'cosine', rate: 0.005, steps: 600 },
    training: noised(20, SEED),
    heldBack: noised(1, SEED + 1),
  })
  expect(after).toBeLessThan(0.5 * before)
  const learned = buildInferenceForm(bytes, { ...readForwardModel(bytes), values: parameters })
  const [session, { Tensor }] = [await open(learned), await loadOrt()]
  const wanted = Float32Array.from({ length: 100 }, (_, row) => (row < 50 ? -1 : 1))
  const generated = await denoise({
    schedule,
    count: 100,
    size: 2,
    valueMax: 1.5,
    random,
    predictNoise: async (x, t) => {
      const ran = await session.run({
        x: new Tensor('float32', x, [100, 2]),
        t: new Tensor('int32', t, [100]),
        condition: new Tensor('float32', wanted, [100, 1]),
      })
      return floatOutput(ran, 'noise')
    },
  })
  const distances = Array.from(wanted, (c, row) =>
    Math.hypot((generated[2 * row] ?? 0) - c, (generated[2 * row + 1] ?? 0) + c),
  )
  const near = distances.filter(distance => distance < 0.5).length
  expect(near, `seed ${SEED}: ${distances}`).toBeGreaterThanOrEqual(90)
})

test('a variational autoencoder learns clothes, and its decoder draws some', async ({ skip }) => {
  const training = readFashionMnist('train10k', 2000)
  const heldBack = readFashionMnist('t2k', 256)
  if (!training || !heldBack) return skip('this machine has no shared data/fashion-mnist')
  const random = seededRandom(SEED)
  const settings = vaeSchema.parse({
    kind: 'vae',
    inputSize: 784,
    hiddenSizes: [128],
    latentSize: 8,
    seed: SEED,
  })
  const withNoise = ({ inputs }: { readonly inputs: Float32Array }) => ({
    inputs: {
      sample: inputs,
      noise: fillStandardNormal(new Float32Array((8 * inputs.length) / 784), random),
    },
  })
  const bytes = buildModel(settings)
  const loss = { kind: 'model-output', output: 'loss' } as const
  const { before, after, parameters } = await learn(bytes, {
    loss,
    batch: 32,
    steps: 400,
    learningRate: 0.002,
    training: withNoise(training),
    heldBack: withNoise(heldBack),
  })
  expect(after).toBeLessThan(before)
  // Without a look at the image, the best guess of a pixel is its mean.
  expect(after).toBeLessThan(0.85 * lossOfMeans(training.inputs, heldBack.inputs))

  const whole = { ...readForwardModel(bytes, { prediction: 'loss' }), values: parameters }
  const decoder = await open(carryParameters(buildVaeDecoder(settings), whole))
  const { Tensor } = await loadOrt()
  const ran = await decoder.run({
    latent: new Tensor('float32', fillStandardNormal(new Float32Array(8 * 16), random), [16, 8]),
  })
  const drawn = floatOutput(ran, 'reconstruction')
  const mean = drawn.reduce((sum, pixel) => sum + pixel, 0) / drawn.length
  const meanReal = heldBack.inputs.reduce((sum, p) => sum + p, 0) / heldBack.inputs.length
  expect(drawn.every(pixel => pixel >= 0 && pixel <= 1)).toBe(true)
  expect(Math.abs(mean - meanReal)).toBeLessThan(0.15)
})

/** Nats an image, each pixel judged by the mean of that pixel. */
function lossOfMeans(training: Float32Array, heldBack: Float32Array): number {
  const means = new Float64Array(784)
  for (const [place, pixel] of training.entries()) {
    means[place % 784] = (means[place % 784] ?? 0) + (784 * pixel) / training.length
  }
  const losses = heldBack.map((pixel, place) => {
    const mean = Math.min(0.999, Math.max(0.001, means[place % 784] ?? 0))
    return -pixel * Math.log(mean) - (1 - pixel) * Math.log(1 - mean)
  })
  return (784 * losses.reduce((sum, loss) => sum + loss, 0)) / heldBack.length
}
