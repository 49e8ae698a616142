import type { OptimizerSettings } from '../../../training/optimizer/registry.ts'
import { TENSORS } from './linear-regression.ts'

/** Moves the parameters in place by one step; steps count from 1. */
export type ReferenceStep = (o: {
  readonly values: Float64Array
  readonly gradient: Float64Array
  readonly step: number
  readonly learningRate: number
}) => void

type Reference<Kind extends OptimizerSettings['kind']> = (
  settings: Extract<OptimizerSettings, { kind: Kind }>,
  zeros: () => Float64Array,
) => ReferenceStep

const at = (values: Float64Array, place: number) => values[place] ?? Number.NaN

/** torch.optim.SGD, as its documentation has it (dampening 0). */
const sgd: Reference<'sgd'> = ({ momentum, nesterov, weightDecay }, zeros) => {
  const buffer = zeros()
  return ({ values, gradient, learningRate }) => {
    for (const [place, w] of values.entries()) {
      const g = at(gradient, place) + weightDecay * w
      buffer[place] = momentum * at(buffer, place) + g
      const move = nesterov ? g + momentum * at(buffer, place) : at(buffer, place)
      values[place] = w - learningRate * move
    }
  }
}

/** m̂ / (√v̂ + ε): Kingma and Ba 2015, algorithm 1. */
function adamDirection(
  { beta1, beta2, epsilon }: Readonly<Record<'beta1' | 'beta2' | 'epsilon', number>>,
  zeros: () => Float64Array,
) {
  const [m, v] = [zeros(), zeros()]
  return (gradient: Float64Array, step: number) =>
    gradient.map((g, place) => {
      m[place] = beta1 * at(m, place) + (1 - beta1) * g
      v[place] = beta2 * at(v, place) + (1 - beta2) * g * g
      const mean = at(m, place) / (1 - beta1 ** step)
      return mean / (Math.sqrt(at(v, place) / (1 - beta2 ** step)) + epsilon)
    })
}

const adam: Reference<'adam'> = (settings, zeros) => {
  const direction = adamDirection(settings, zeros)
  return ({ values, gradient, step, learningRate }) => {
    for (const [place, d] of direction(gradient, step).entries()) {
      values[place] = at(values, place) - learningRate * d
    }
  }
}

/** Loshchilov and Hutter 2019, algorithm 2, with the rate in front of the decay as in torch. */
const adamW: Reference<'adam-w'> = (settings, zeros) => {
  const direction = adamDirection(settings, zeros)
  return ({ values, gradient, step, learningRate }) => {
    for (const [place, d] of direction(gradient, step).entries()) {
      const w = at(values, place)
      values[place] = w - learningRate * settings.weightDecay * w - learningRate * d
    }
  }
}

/** You et al. 2020, algorithm 2; a layer is a tensor. */
const lamb: Reference<'lamb'> = (settings, zeros) => {
  const direction = adamDirection(settings, zeros)
  return ({ values, gradient, step, learningRate }) => {
    const adapted = direction(gradient, step)
    for (const { offset, count } of TENSORS) {
      const layer = values.subarray(offset, offset + count)
      const r = layer.map((w, place) => at(adapted, offset + place) + settings.weightDecay * w)
      const [norm, moved] = [Math.hypot(...layer), Math.hypot(...r)]
      const ratio = norm > 0 && moved > 0 ? norm / moved : 1
      for (const [place, w] of layer.entries()) {
        layer[place] = w - learningRate * ratio * at(r, place)
      }
    }
  }
}

/** Tieleman and Hinton 2012; momentum as in torch.optim.RMSprop. */
const rmsProp: Reference<'rms-prop'> = ({ smoothing, epsilon, momentum }, zeros) => {
  const [square, buffer] = [zeros(), zeros()]
  return ({ values, gradient, learningRate }) => {
    for (const [place, g] of gradient.entries()) {
      square[place] = smoothing * at(square, place) + (1 - smoothing) * g * g
      const unit = g / (Math.sqrt(at(square, place)) + epsilon)
      buffer[place] = momentum * at(buffer, place) + unit
      values[place] = at(values, place) - learningRate * at(buffer, place)
    }
  }
}

/** Duchi, Hazan and Singer 2011; torch.optim.Adagrad without its own decay of the rate. */
const adagrad: Reference<'adagrad'> = ({ epsilon }, zeros) => {
  const squares = zeros()
  return ({ values, gradient, learningRate }) => {
    for (const [place, g] of gradient.entries()) {
      squares[place] = at(squares, place) + g * g
      values[place] =
        at(values, place) - (learningRate * g) / (Math.sqrt(at(squares, place)) + epsilon)
    }
  }
}

const references: { readonly [Kind in OptimizerSettings['kind']]: Reference<Kind> } = {
  adagrad,
  adam,
  'adam-w': adamW,
  lamb,
  'rms-prop': rmsProp,
  sgd,
}

export function createReference(settings: OptimizerSettings, count: number): ReferenceStep {
  // The table is typed by kind, so the reference found takes just these settings.
  const create = references[settings.kind] as (
    settings: OptimizerSettings,
    zeros: () => Float64Array,
  ) => ReferenceStep
  return create(settings, () => new Float64Array(count))
}
