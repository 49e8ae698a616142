import { GainnetError } from '../../runtime/errors.ts'
import { type Random, seededRandom, shuffle } from '../../runtime/seeded-random.ts'
import { float32Values } from '../onnx/tensor.ts'
import { loadOrt } from '../ort-session.ts'
import { openProbeFunction } from './float64-session.ts'
import { type PreparationOptions, prepareProbe } from './prepare-probe.ts'
import { probeTensor, type TensorProbe } from './tensor-probe.ts'

export interface ProbeOptions extends PreparationOptions {
  /** So many parameter tensors, chosen at random; all where left out. */
  readonly tensorsMax?: number
  readonly onTensor?: (probe: TensorProbe, done: number, count: number) => void
}

export interface ProbeReport {
  readonly precision: 'float64' | 'mixed'
  /** Operators that the differences are computed through in float32. */
  readonly float32Ops: readonly string[]
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[] }[]
  readonly outputs: readonly string[]
  readonly tensorCount: number
  /** The largest error first. */
  readonly tensors: readonly TensorProbe[]
  readonly relativeErrorMax: number
  /** By how much our forward pass differs from the model as it is run, relative to its size. */
  readonly forwardError: number
}

/**
 * Compares the gradients that training would use with finite differences of the model itself, for
 * random inputs, a random gradient of all outputs and a random direction in each parameter tensor.
 *
 * With g our gradient, d the direction (each element N(0, s²), s the root mean square of the tensor)
 * and D the numeric derivative along d, the error is
 *
 *   |g·d − D| / max(|g·d|, |D|, s‖g‖, 0.001 · size of the probe)
 *
 * s‖g‖ is how large g·d is as a rule: a direction that happens to be across g does not count more.
 * The last term keeps rounding from counting where a tensor hardly matters, or not at all, as a bias
 * in front of a normalization. Loads ONNX Runtime into this process.
 */
export async function probeGradients(
  bytes: Uint8Array,
  options: ProbeOptions,
): Promise<ProbeReport> {
  const ort = await loadOrt()
  const { parameters, gradients, probed, opsets, observed, outputs } = await prepareProbe(
    ort,
    bytes,
    options,
  )
  const values = parameters.map(tensor => Float64Array.from(float32Values(tensor)))
  const probe = await openProbeFunction(ort, probed, values, opsets)
  const random = seededRandom(options.seed + 2)
  try {
    const once = await probe.value(values)
    if (once !== (await probe.value(values))) {
      throw new GainnetError('MODEL_INVALID', 'the model gives other outputs each time it is run')
    }
    const order = chosenTensors(parameters.length, options.tensorsMax, random)
    const tensors: TensorProbe[] = []
    for (const index of order) {
      const { name = '', dims: shape } = parameters[index] ?? { dims: [] }
      const given = { index, values, gradient: gradients[index], random, scale: probed.scale }
      const measured = { name, shape, ...(await probeTensor(probe, given)) }
      tensors.push(measured)
      options.onTensor?.(measured, tensors.length, order.length)
    }
    tensors.sort((a, b) => errorOf(b) - errorOf(a))
    return {
      precision: probe.float32Ops.length === 0 ? 'float64' : 'mixed',
      float32Ops: probe.float32Ops,
      inputs: observed.inputs.map(({ name = '', dims: shape }) => ({ name, shape })),
      outputs: outputs.map(({ name }) => name),
      tensorCount: parameters.length,
      tensors,
      relativeErrorMax: tensors[0]?.relativeError ?? 0,
      forwardError: Math.abs(once - probed.expected) / probed.scale,
    }
  } finally {
    await probe.release()
  }
}

/** What is not a number is worse than any error. */
function errorOf({ relativeError }: TensorProbe): number {
  return Number.isNaN(relativeError) ? Number.POSITIVE_INFINITY : relativeError
}

function chosenTensors(count: number, max: number | undefined, random: Random): number[] {
  const all = Array.from({ length: count }, (_, index) => index)
  if (max === undefined || max >= count) return all
  shuffle(all, random)
  return all.slice(0, max)
}
