import { expect, test } from 'vitest'
import { csiWindows } from '../../../../bench/accuracy/csi-windows.ts'
import { radarWindows } from '../../../../bench/accuracy/radar-windows.ts'
import { runTrial } from '../../../../bench/accuracy/run-trial.ts'
import { hasShared } from '../../../../bench/accuracy/shared-file.ts'
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
