import type { Tensor } from 'onnxruntime-node'
import { GainnetError } from '../../runtime/errors.ts'
import type { LabelType } from '../loss/loss.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { elementCount } from '../onnx/tensor.ts'
import type { Ort } from '../trainer/ort-session.ts'

export type SampleValues = Int32Array | Float32Array

/** A data set: one row of inputs a sample, and what the loss compares predictions with. */
export interface Samples {
  /** Rows of the model's only input, or of each of its inputs by name; row-major. */
  readonly inputs: SampleValues | Readonly<Record<string, SampleValues>>
  /** Elements of a row, for one array; given by name, the widths are those of the model. */
  readonly inputWidth?: number
  /** Classes, or numbers to be predicted; left out where the loss needs none. Row-major. */
  readonly labels?: SampleValues
  /** How much each sample counts, beside the others; all 1 where left out. */
  readonly sampleWeights?: Float32Array
}

type Rows = Pick<Samples, 'inputs' | 'inputWidth'>

/** An input as the data set holds it: `elementType` is int32 or float32. */
export interface DataInput {
  readonly name: string
  readonly elementType: number
  readonly sampleShape: readonly number[]
  /** What the graph calls it. */
  readonly input: string
}

/** The samples of each input, in the order of `inputs`; fails where they do not fit the model. */
export function matchInputs(
  samples: Rows,
  inputs: readonly Pick<DataInput, 'name' | 'sampleShape'>[],
): { readonly columns: readonly SampleValues[]; readonly sampleCount: number } {
  const named = byName(samples, inputs)
  const columns = inputs.map(({ name, sampleShape }) => {
    const [values, width] = [named[name], elementCount(sampleShape)]
    if (!values) refuse(`the samples lack the input ${name}`)
    const given = ArrayBuffer.isView(samples.inputs) ? (samples.inputWidth ?? width) : width
    if (given !== width || values.length % width !== 0) {
      refuse(
        `samples of width ${width} were expected, not ${values.length} values of width ${given}`,
      )
    }
    return { name, values, sampleCount: values.length / width }
  })
  const sampleCount = columns[0]?.sampleCount ?? 0
  const other = columns.find(column => column.sampleCount !== sampleCount)
  if (other) refuse(`there are ${sampleCount} samples, but ${other.sampleCount} of ${other.name}`)
  return { columns: columns.map(({ values }) => values), sampleCount }
}

function byName(
  { inputs }: Rows,
  wanted: readonly { readonly name: string }[],
): Readonly<Record<string, SampleValues>> {
  const names = wanted.map(({ name }) => name)
  if (ArrayBuffer.isView(inputs)) {
    if (names.length === 1) return { [names[0] ?? '']: inputs }
    refuse(`the model has the inputs ${names.join(', ')}: give the samples of each by name`)
  }
  const unknown = Object.keys(inputs).find(name => !names.includes(name))
  if (unknown !== undefined) {
    refuse(`the model has no input ${unknown}, but ${names.join(', ')}`)
  }
  return inputs
}

export function countSamples(
  samples: Rows,
  inputs: readonly Pick<DataInput, 'name' | 'sampleShape'>[],
): number {
  return matchInputs(samples, inputs).sampleCount
}

/** Samples by the names of the graph's inputs; fails where they do not fit them. */
export function inputTensors(
  ort: Ort,
  inputs: readonly DataInput[],
  samples: Rows,
): Readonly<Record<string, Tensor>> {
  const { columns, sampleCount } = matchInputs(samples, inputs)
  return Object.fromEntries(
    inputs.map(({ input, elementType, sampleShape }, index) => {
      const rows = { values: columns[index], shape: [sampleCount, ...sampleShape] }
      return [input, inputTensor(ort, elementType, rows)] as const
    }),
  )
}

function inputTensor(
  { Tensor }: Ort,
  elementType: number,
  { values, shape }: { readonly values: SampleValues | undefined; readonly shape: number[] },
): Tensor {
  if (values instanceof Int32Array && elementType === ELEMENT.int32) {
    return new Tensor('int32', values, shape)
  }
  if (values instanceof Float32Array && elementType === ELEMENT.float) {
    return new Tensor('float32', values, shape)
  }
  refuse('the samples have another element type than the model')
}

/** Labels as the loss takes them; fails where they do not fit it or name a class there is not. */
export function labelTensor(
  { Tensor }: Ort,
  type: LabelType,
  given: { readonly labels: SampleValues | undefined; readonly sampleCount: number },
): Tensor {
  const { elementType, sampleShape } = type
  const { labels, sampleCount } = given
  if (!labels) refuse('the loss needs labels, none were given')
  const wanted = sampleCount * elementCount(sampleShape)
  if (labels.length !== wanted) {
    refuse(`${sampleCount} samples need ${wanted} labels, ${labels.length} were given`)
  }
  const shape = [sampleCount, ...sampleShape]
  if (labels instanceof Int32Array && elementType === 'int32') {
    checkClasses(labels, type)
    return new Tensor('int32', labels, shape)
  }
  if (labels instanceof Float32Array && elementType === 'float32') {
    return new Tensor('float32', labels, shape)
  }
  refuse(`the loss takes ${elementType} labels`)
}

/** A label out of range would end the whole run, or be looked up from the back. */
function checkClasses(labels: Int32Array, { classes, sampleShape }: LabelType): void {
  if (!classes) return
  const { count, ignored } = classes
  const bad = labels.findIndex(label => (label < 0 || label >= count) && label !== ignored)
  if (bad === -1) return
  const sample = Math.floor(bad / elementCount(sampleShape))
  refuse(`sample ${sample} has the label ${labels[bad]}, there are ${count} classes`, {
    sample,
    label: labels[bad],
    classes: count,
  })
}

/** Weights of samples must be numbers from 0 on, and as many as there are samples. */
export function checkSampleWeights(
  sampleWeights: Float32Array | undefined,
  sampleCount: number,
): void {
  if (!sampleWeights) return
  if (sampleWeights.length !== sampleCount) {
    refuse(`${sampleCount} samples have ${sampleWeights.length} weights`)
  }
  const bad = sampleWeights.findIndex(weight => !(weight >= 0 && Number.isFinite(weight)))
  if (bad === -1) return
  refuse(`sample ${bad} has the weight ${sampleWeights[bad]}`, { sample: bad })
}

function refuse(message: string, details: Readonly<Record<string, unknown>> = {}): never {
  throw new GainnetError('TRAINING_FAILED', message, details)
}
