import type { ParameterInfo } from '../../../training/forward/forward-graph.ts'
import type { SampleRows } from '../../../training/samples/next-byte-samples.ts'

/**
 * The byte language model and its loss in plain float64 loops: what the graph must agree with, and
 * exact enough to take differences of.
 */
export function referenceLoss(options: {
  readonly parameters: readonly ParameterInfo[]
  readonly values: Float64Array
  readonly windows: SampleRows
}): number {
  const { parameters, values, windows } = options
  const [embedding, ...layers] = parameters.map(({ shape, offset, count }) => ({
    shape,
    values: values.subarray(offset, offset + count),
  }))
  if (!embedding) throw new RangeError('no embedding')
  const size = embedding.shape[1] ?? 0
  const { inputs, inputWidth, labels } = windows
  let sum = 0
  for (const [row, label] of labels.entries()) {
    let signal: number[] = []
    for (let place = 0; place < inputWidth; place++) {
      const byte = inputs[row * inputWidth + place] ?? 0
      signal.push(...embedding.values.subarray(byte * size, (byte + 1) * size))
    }
    for (let index = 0; index < layers.length; index += 2) {
      const [weight, bias] = [layers[index]?.values ?? [], layers[index + 1]?.values ?? []]
      const sums = Array.from(bias, (start, column) =>
        signal.reduce((total, x, k) => total + x * (weight[k * bias.length + column] ?? 0), start),
      )
      signal = index + 2 < layers.length ? sums.map(Math.tanh) : sums
    }
    const largest = Math.max(...signal)
    const mass = signal.reduce((total, x) => total + Math.exp(x - largest), 0)
    sum += largest + Math.log(mass) - (signal[label] ?? 0)
  }
  return sum / labels.length
}
