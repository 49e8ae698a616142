import { GainnetError } from '../../runtime/errors.ts'
import { type Random, seededRandom, shuffle } from '../../runtime/seeded-random.ts'
import { float32Values } from '../onnx/tensor.ts'
import { loadOrt, type Ort } from '../trainer/ort-session.ts'
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
 *   |g·d − D| / max(|g·d|, |D|, s‖g‖, 0.01 · size of the probe)
 *
 * s‖g‖ is how large g·d is as a rule: a direction that happens to be across g does not count more.
 * The last term keeps rounding from counting where a tensor hardly matters, or not at all, as a bias
 * in front of a normalization; a wrong gradient shows as soon as its tensor moves 1e-5 of the probe. Loads ONNX Runtime into this process.
 */
export async function probeGradients(
  bytes: Uint8Array,
  options: ProbeOptions,
): Promise<ProbeReport> {
  const ort = await loadOrt()
  const random = seededRandom(options.seed + 2)
  const choose = (count: number) => chosenTensors(count, options.tensorsMax, random)
  const { tensors: found, ...report } = await probeAtPoint(ort, bytes, options, choose)
  const tensors = new Map(found)
  for (let point = 1; point < POINTS_MAX; point += 1) {
    const doubtful = [...tensors].flatMap(([index, one]) => (errorOf(one) > DOUBT ? [index] : []))
    if (doubtful.length === 0) break
    const there = { ...options, seed: options.seed + point * POINT_STRIDE }
    const again = await probeAtPoint(ort, bytes, there, () => doubtful)
    for (const [index, one] of again.tensors) {
      const before = tensors.get(index)
      if (before && errorOf(one) < errorOf(before)) tensors.set(index, one)
    }
  }
  const worstFirst = [...tensors.values()].sort((a, b) => errorOf(b) - errorOf(a))
  return { ...report, tensors: worstFirst, relativeErrorMax: worstFirst[0]?.relativeError ?? 0 }
}

/**
 * Where float32 and float64 lie on different sides of a kink, by chance of their last digits, both are
 * right and differ all the same: among a million ReLUs that happens. A larger error than this is looked
 * at again at other points, and what is wrong is wrong there, too.
 */
const DOUBT = 1e-4
const POINTS_MAX = 4
const POINT_STRIDE = 7919

/** The tensors chosen, by their place among the parameters, on the inputs of one seed. */
async function probeAtPoint(
  ort: Ort,
  bytes: Uint8Array,
  options: ProbeOptions,
  choose: (tensorCount: number) => readonly number[],
): Promise<
  Omit<ProbeReport, 'tensors' | 'relativeErrorMax'> & {
    readonly tensors: ReadonlyMap<number, TensorProbe>
  }
> {
  const prepared = await prepareProbe(ort, bytes, options)
  const { parameters, gradients, probed, opsets, observed, outputs } = prepared
  const values = parameters.map(tensor => Float64Array.from(float32Values(tensor)))
  const probe = await openProbeFunction(ort, probed, values, opsets)
  const random = seededRandom(options.seed + 3)
  try {
    const once = await probe.value(values)
    if (once !== (await probe.value(values))) {
      throw new GainnetError('MODEL_INVALID', 'the model gives other outputs each time it is run')
    }
    const order = choose(parameters.length)
    const tensors = new Map<number, TensorProbe>()
    for (const index of order) {
      const { name = '', dims: shape } = parameters[index] ?? { dims: [] }
      const given = { index, values, gradient: gradients[index], random, scale: probed.scale }
      const measured = { name, shape, ...(await probeTensor(probe, given)) }
      tensors.set(index, measured)
      options.onTensor?.(measured, tensors.size, order.length)
    }
    return {
      precision: probe.float32Ops.length === 0 ? 'float64' : 'mixed',
      float32Ops: probe.float32Ops,
      inputs: observed.inputs.map(({ name = '', dims: shape }) => ({ name, shape })),
      outputs: outputs.map(({ name }) => name),
      tensorCount: parameters.length,
      tensors,
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
