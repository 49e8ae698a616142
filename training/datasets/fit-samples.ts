import { GainnetError } from '../../runtime/errors.ts'
import { seededRandom, shuffle } from '../../runtime/seeded-random.ts'
import { elementCount } from '../onnx/tensor.ts'
import type { SampleValues } from '../samples/samples.ts'
import type { DataArray, DataValues } from './array.ts'
import type { LabelledData } from './labelled.ts'

/** What a model and its loss take. */
export interface WantedSamples {
  readonly input: {
    readonly elementType: 'int32' | 'float32'
    readonly sampleShape: readonly number[]
  }
  /** Undefined where the loss needs none. */
  readonly labels:
    | { readonly elementType: 'int32' | 'float32'; readonly sampleShape: readonly number[] }
    | undefined
}

/** Samples of one input, row by row. */
export interface FittedSamples {
  readonly inputs: SampleValues
  readonly inputWidth: number
  readonly labels?: SampleValues
  readonly sampleCount: number
}

/** How raw numbers become those that the model sees: (x − mean) / deviation, or x · scale. */
export interface Scaling {
  /** Of every number; 1 / 255 for bytes where left out, else 1. */
  readonly scale?: number
  /** One of each column. */
  readonly columns?: { readonly means: readonly number[]; readonly deviations: readonly number[] }
}

/** The samples in the elements and widths that the model takes; fails where they do not fit. */
export function fitSamples(
  { inputs, labels }: LabelledData,
  wanted: WantedSamples,
  scaling: Scaling,
): FittedSamples {
  const inputWidth = elementCount(wanted.input.sampleShape)
  const [sampleCount = 0, ...rest] = inputs.shape
  if (elementCount(rest) !== inputWidth) {
    refuse(
      `the samples have the shape [${rest.join(', ')}], ${elementCount(rest)} numbers each; the ` +
        `model takes [${wanted.input.sampleShape.join(', ')}], ${inputWidth}`,
    )
  }
  if (sampleCount === 0) refuse('there are no samples')
  const fitted = { inputs: fitInputs(inputs, wanted, scaling), inputWidth, sampleCount }
  if (!wanted.labels) return fitted
  if (!labels) refuse('the loss needs labels: give --labels, or a CSV file with a column of them')
  return { ...fitted, labels: fitLabels(labels, wanted.labels, sampleCount) }
}

function fitInputs(
  { values }: DataArray,
  { input }: WantedSamples,
  { scale, columns }: Scaling,
): SampleValues {
  if (input.elementType === 'int32') return toInt32(values)
  const factor = scale ?? (values instanceof Uint8Array ? 1 / 255 : 1)
  const fitted = new Float32Array(values.length)
  const width = columns?.means.length ?? 1
  for (let index = 0; index < fitted.length; index += 1) {
    const value = Number(values[index]) * factor
    const column = index % width
    fitted[index] = columns
      ? (value - (columns.means[column] ?? 0)) / (columns.deviations[column] || 1)
      : value
  }
  return fitted
}

/** Mean and deviation of each column, of samples that are scaled already or need not be. */
export function measureColumns(samples: FittedSamples): NonNullable<Scaling['columns']> {
  const { inputs, inputWidth: width, sampleCount } = samples
  const means = new Array<number>(width).fill(0)
  const squares = new Array<number>(width).fill(0)
  for (const [index, value] of inputs.entries()) {
    means[index % width] = (means[index % width] ?? 0) + value / sampleCount
  }
  for (const [index, value] of inputs.entries()) {
    const off = value - (means[index % width] ?? 0)
    squares[index % width] = (squares[index % width] ?? 0) + (off * off) / sampleCount
  }
  return { means, deviations: squares.map(Math.sqrt) }
}

function fitLabels(
  { values, shape }: DataArray,
  wanted: NonNullable<WantedSamples['labels']>,
  sampleCount: number,
): SampleValues {
  const width = elementCount(wanted.sampleShape)
  const [count = 0] = shape
  if (count !== sampleCount || values.length !== sampleCount * width) {
    refuse(
      `there are ${sampleCount} samples, which need ${width} labels each, but labels of the shape ` +
        `[${shape.join(', ')}]`,
    )
  }
  return wanted.elementType === 'int32' ? toInt32(values) : Float32Array.from(values, Number)
}

/** Whole numbers that fit 32 bits, which ids and classes do. */
function toInt32(values: DataValues): Int32Array {
  const whole = Int32Array.from(values, Number)
  const bad = whole.findIndex((value, index) => value !== Number(values[index]))
  if (bad === -1) return whole
  refuse(`element ${bad} is ${values[bad]}, where a whole number of 32 bits is wanted`)
}

/** Two parts, the second with about that share of the samples, drawn by the seed. */
export function holdBack(
  samples: FittedSamples,
  { share, seed }: { readonly share: number; readonly seed: number },
): { readonly training: FittedSamples; readonly heldBack: FittedSamples | undefined } {
  const { sampleCount } = samples
  const count = share === 0 ? 0 : Math.max(1, Math.round(sampleCount * share))
  if (count === 0 || count >= sampleCount) return { training: samples, heldBack: undefined }
  const order = Int32Array.from({ length: sampleCount }, (_, index) => index)
  shuffle(order, seededRandom(seed))
  return {
    training: takeSamples(samples, order.subarray(count)),
    heldBack: takeSamples(samples, order.subarray(0, count)),
  }
}

function takeSamples(samples: FittedSamples, rows: Int32Array): FittedSamples {
  const { inputs, inputWidth, labels, sampleCount } = samples
  const take = (values: SampleValues, width: number): SampleValues => {
    const length = rows.length * width
    const taken = values instanceof Int32Array ? new Int32Array(length) : new Float32Array(length)
    for (const [place, row] of rows.entries()) {
      taken.set(values.subarray(row * width, (row + 1) * width), place * width)
    }
    return taken
  }
  return {
    inputs: take(inputs, inputWidth),
    inputWidth,
    ...(labels ? { labels: take(labels, labels.length / sampleCount) } : {}),
    sampleCount: rows.length,
  }
}

function refuse(why: string): never {
  throw new GainnetError('DATA_INVALID', why)
}
