import type { Tensor } from 'onnxruntime-node'
import { GainnetError } from '../runtime/errors.ts'
import type { LabelType } from './loss/loss.ts'
import { ELEMENT } from './onnx/element-type.ts'
import { elementCount } from './onnx/tensor.ts'
import type { Ort } from './ort-session.ts'

/** A data set: one row of inputs a sample, and what the loss compares predictions with. */
export interface Samples {
  /** [samples, inputWidth], row-major. */
  readonly inputs: Int32Array | Float32Array
  readonly inputWidth: number
  /** Classes, or numbers to be predicted; left out where the loss needs none. Row-major. */
  readonly labels?: Int32Array | Float32Array
  /** How much each sample counts, beside the others; all 1 where left out. */
  readonly sampleWeights?: Float32Array
}

export function countSamples({ inputs, inputWidth }: Samples): number {
  return Math.floor(inputs.length / inputWidth)
}

/** Samples as the model's input; fails where they do not fit it. */
export function inputTensor(
  { Tensor }: Ort,
  input: { readonly elementType: number; readonly sampleShape: readonly number[] },
  { inputs, inputWidth }: Samples,
): Tensor {
  const { elementType, sampleShape } = input
  const width = elementCount(sampleShape)
  if (inputWidth !== width || inputs.length % width !== 0) {
    throw new GainnetError(
      'TRAINING_FAILED',
      `samples of width ${width} were expected, ` +
        `not ${inputs.length} values of width ${inputWidth}`,
    )
  }
  const shape = [inputs.length / width, ...sampleShape]
  if (inputs instanceof Int32Array && elementType === ELEMENT.int32) {
    return new Tensor('int32', inputs, shape)
  }
  if (inputs instanceof Float32Array && elementType === ELEMENT.float) {
    return new Tensor('float32', inputs, shape)
  }
  throw new GainnetError('TRAINING_FAILED', 'the samples have another element type than the model')
}

/** Labels as the loss takes them; fails where they do not fit it or name a class there is not. */
export function labelTensor({ Tensor }: Ort, type: LabelType, samples: Samples): Tensor {
  const { elementType, sampleShape } = type
  const { labels } = samples
  const sampleCount = countSamples(samples)
  if (!labels) throw new GainnetError('TRAINING_FAILED', 'the loss needs labels, none were given')
  const wanted = sampleCount * elementCount(sampleShape)
  if (labels.length !== wanted) {
    throw new GainnetError(
      'TRAINING_FAILED',
      `${sampleCount} samples need ${wanted} labels, ${labels.length} were given`,
    )
  }
  const shape = [sampleCount, ...sampleShape]
  if (labels instanceof Int32Array && elementType === 'int32') {
    checkClasses(labels, type)
    return new Tensor('int32', labels, shape)
  }
  if (labels instanceof Float32Array && elementType === 'float32') {
    return new Tensor('float32', labels, shape)
  }
  throw new GainnetError('TRAINING_FAILED', `the loss takes ${elementType} labels`)
}

/** A label out of range would end the whole run, or be looked up from the back. */
function checkClasses(labels: Int32Array, { classes, sampleShape }: LabelType): void {
  if (!classes) return
  const { count, ignored } = classes
  const bad = labels.findIndex(label => (label < 0 || label >= count) && label !== ignored)
  if (bad === -1) return
  const sample = Math.floor(bad / elementCount(sampleShape))
  throw new GainnetError(
    'TRAINING_FAILED',
    `sample ${sample} has the label ${labels[bad]}, there are ${count} classes`,
    { sample, label: labels[bad], classes: count },
  )
}

/** Weights of samples must be numbers from 0 on, and as many as there are samples. */
export function checkSampleWeights(samples: Samples): void {
  const { sampleWeights } = samples
  if (!sampleWeights) return
  const sampleCount = countSamples(samples)
  if (sampleWeights.length !== sampleCount) {
    throw new GainnetError(
      'TRAINING_FAILED',
      `${sampleCount} samples have ${sampleWeights.length} weights`,
    )
  }
  const bad = sampleWeights.findIndex(weight => !(weight >= 0 && Number.isFinite(weight)))
  if (bad === -1) return
  throw new GainnetError('TRAINING_FAILED', `sample ${bad} has the weight ${sampleWeights[bad]}`, {
    sample: bad,
  })
}
