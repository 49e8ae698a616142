import { type Random, standardNormal } from '../../runtime/seeded-random.ts'
import { type DifferenceSteps, differentiate } from './finite-difference.ts'
import type { ProbeFunction } from './float64-session.ts'

/** One parameter tensor, moved along one random direction. */
export interface TensorProbe {
  readonly name: string
  readonly shape: readonly number[]
  /** Along the direction: ours, and that of the finite differences. */
  readonly ours: number
  readonly numeric: number
  /** How far the numeric one may be off, by its own account. */
  readonly uncertainty: number
  readonly relativeError: number
}

/** In float64: truncation and rounding are far below what float32 gradients can show. */
const STEPS_FLOAT64: DifferenceSteps = { first: 1e-4, factor: 4, levels: 9, enough: 1e-7 }
/** Where float32 is on the way, steps must be wide for the differences to rise out of its noise. */
const STEPS_MIXED: DifferenceSteps = { first: 0.2, factor: 2, levels: 7, enough: 1e-5 }

/** A tensor of zeros has no size of its own to be moved by. */
const SIZE_OF_ZEROS = 0.1
/** A tensor that moves the probe by less than this share of its size is measured by that share. */
const EFFECT_MIN = 1e-2

/** Moves one tensor along a random direction; the error is that of probeGradients. */
export async function probeTensor(
  probe: ProbeFunction,
  given: {
    readonly index: number
    readonly values: readonly Float64Array[]
    readonly gradient: Float32Array | undefined
    readonly random: Random
    readonly scale: number
  },
): Promise<Omit<TensorProbe, 'name' | 'shape'>> {
  const { index, values, gradient, random, scale } = given
  const start = values[index] ?? new Float64Array()
  const size = rootMeanSquare(start) || SIZE_OF_ZEROS
  const direction = Float64Array.from(start, () => size * standardNormal(random))
  // Without a path to the outputs there is no gradient, which is one of zero.
  const ours = gradient ? dot(gradient, direction) : 0
  const usual = gradient ? size * Math.sqrt(dot(gradient, gradient)) : 0
  const least = Math.max(Math.abs(ours), usual, EFFECT_MIN * scale)
  const steps = probe.float32Ops.length === 0 ? STEPS_FLOAT64 : STEPS_MIXED
  const { derivative: numeric, uncertainty } = await differentiate(
    step => {
      const moved = start.map((value, place) => value + step * (direction[place] ?? 0))
      return probe.value(values.map((all, position) => (position === index ? moved : all)))
    },
    { ...steps, enough: steps.enough * least },
  )
  const relativeError = Math.abs(ours - numeric) / Math.max(Math.abs(numeric), least)
  return { ours, numeric, uncertainty, relativeError }
}

function rootMeanSquare(values: Float64Array): number {
  return Math.sqrt(dot(values, values) / Math.max(1, values.length))
}

function dot(a: Float32Array | Float64Array, b: Float32Array | Float64Array): number {
  let sum = 0
  for (let index = 0; index < a.length; index += 1) sum += (a[index] ?? 0) * (b[index] ?? 0)
  return sum
}
