import { expect, test } from 'vitest'
import { csiWindows } from '../../../../bench/accuracy/csi-windows.ts'
import { radarWindows } from '../../../../bench/accuracy/radar-windows.ts'
import { runTrial } from '../../../../bench/accuracy/run-trial.ts'
import { hasShared } from '../../../../bench/accuracy/shared-file.ts'
import { noiseSchedule } from '../../../../training/models/diffusion/noise-schedule.ts'
import { noisedSamples } from '../../../../training/models/diffusion/noised-samples.ts'
import { buildModel, type ModelOptions, usualLoss } from '../../../../training/models/registry.ts'
import { readFashionMnist } from '../../../support/fashion-mnist.ts'
import { learn } from './learn.ts'

const SEED = 1

test.for([csiWindows, radarWindows])(
  '$name is better than nearest neighbours',
  {
    timeout: 60_000,
  },
  async (trial, { skip }) => {
    if (!hasShared(trial.folder)) return skip(`this machine has no shared data/${trial.folder}`)
    const { tests } = await runTrial(trial, SEED)
    for (const { name, accuracy, floor } of tests) {
      expect(accuracy, `${name}, seed ${SEED}`).toBeGreaterThan(floor)
    }
  },
)

const classes = 10
const imageShape: [number, number, number] = [1, 28, 28]
const ofImages: readonly ModelOptions[] = [
  { kind: 'autoencoder', inputSize: 784 },
  { kind: 'cnn', imageShape, classes },
  { kind: 'mlp', inputSize: 784, outputSize: classes },
  { kind: 'resnet', imageShape, classes, stages: [8, 16] },
]

test.for(ofImages)('$kind: the loss on clothes falls in twenty steps', async (options, context) => {
  const images = readFashionMnist('train10k', 640)
  if (!images) return context.skip('this machine has no shared data/fashion-mnist')
  const { inputs, inputWidth, labels } = images
  const loss = usualLoss(options.kind)
  const samples = { inputs, inputWidth, ...(loss === 'reconstruction' ? {} : { labels }) }
  const lesson = { loss, batch: 32, steps: 20, learningRate: 0.005 }
  const { before, after } = await learn(buildModel({ ...options, seed: SEED }), {
    ...lesson,
    training: samples,
    heldBack: samples,
  })
  expect(after, `seed ${SEED}`).toBeLessThan(0.9 * before)
})

test('ddpm-unet: the loss on noised clothes falls in twenty steps', async ({ skip }) => {
  const images = readFashionMnist('train10k', 160)
  if (!images) return skip('this machine has no shared data/fashion-mnist')
  const schedule = noiseSchedule({ steps: 100 })
  // From −1 to 1, as Ho et al. 2020 (section 3.3) have them.
  const samples = images.inputs.map(pixel => 2 * pixel - 1)
  const noised = noisedSamples({ schedule, samples, size: 784, copies: 1, seed: SEED })
  const options: ModelOptions = { kind: 'ddpm-unet', imageShape, channels: [8, 16], seed: SEED }
  const { before, after } = await learn(buildModel(options), {
    loss: usualLoss(options.kind),
    batch: 8,
    steps: 20,
    learningRate: 0.005,
    training: noised,
    heldBack: noised,
  })
  expect(after, `seed ${SEED}`).toBeLessThan(0.7 * before)
})
