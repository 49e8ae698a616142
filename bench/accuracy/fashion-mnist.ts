import { parseIdx } from '../../training/datasets/idx.ts'
import { unpackShared } from './shared-file.ts'
import type { LabelledSamples, Trial } from './trial.ts'

/** Zalando's pictures of clothes: ten classes, 10,000 images for training and 2,000 for the test. */
export const fashionMnist: Trial = {
  name: 'fashion-mnist.cnn',
  folder: 'fashion-mnist',
  model: { kind: 'cnn', imageShape: [1, 28, 28], classes: 10, channels: [16, 32] },
  epochs: 5,
  batch: 32,
  learningRate: 0.003,
  load: () => ({
    training: readImages('train10k'),
    tests: [{ name: 'accuracy', samples: readImages('t2k'), floor: 0.87, reference: 'goal' }],
  }),
}

export function readImages(part: 'train10k' | 't2k'): LabelledSamples {
  const read = (file: string) => parseIdx(unpackShared(`fashion-mnist/${part}-${file}.gz`), file)
  const { shape, values } = read('images-idx3-ubyte')
  const { values: labels } = read('labels-idx1-ubyte')
  const [count = 0] = shape
  return {
    inputs: Float32Array.from({ length: values.length }, (_, index) => Number(values[index]) / 255),
    inputWidth: values.length / count,
    labels: Int32Array.from({ length: count }, (_, index) => Number(labels[index])),
  }
}
