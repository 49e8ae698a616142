import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { ELEMENT } from '../onnx/element-type.ts'

/** What is done to the gradient of the loss before the optimizer sees it. */
export interface GradientTerms {
  /** FedProx: pulls parameters back to an anchor. Asks the job for `proximal`. */
  readonly proximal: boolean
  /** SCAFFOLD: takes the drift of this client out. Asks the job for `control`. */
  readonly control: boolean
  /** The largest norm of all gradients together; none where undefined. */
  readonly gradientNormMax: number | undefined
}

/** Inputs of a run that stay the same for all of its steps; a body sees them by these names. */
export const TERM_INPUT = {
  proximal: 'term.proximal',
  anchor: (parameter: string) => `anchor.${parameter}`,
  control: (parameter: string) => `control.${parameter}`,
} as const

interface TrainedTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly parameter: ValueName
  readonly gradient: ValueName
}

/**
 * The gradients with their terms, in this order:
 *
 *   g ← g + μ · (w − w₀)                     of μ / 2 · ‖w − w₀‖²: FedProx, Li et al. 2020, eq. 2
 *   g ← g + (c − cᵢ)                         SCAFFOLD, Karimireddy et al. 2020, algorithm 1
 *   g ← g · max / max(max, ‖all g‖)          Pascanu et al. 2013, algorithm 1
 *
 * The loss that a step gives is without these terms.
 */
export function emitGradientTerms(
  graph: GraphEmitter,
  tensors: readonly TrainedTensor[],
  { proximal, control, gradientNormMax }: GradientTerms,
): readonly ValueName[] {
  const float = (name: string, shape: readonly number[]) =>
    graph.declare(name, { elementType: ELEMENT.float, shape })
  const strength = proximal ? float(TERM_INPUT.proximal, []) : undefined
  const gradients = tensors.map(({ name, shape, parameter, gradient }) => {
    let whole = gradient
    if (strength) {
      const drift = graph.sub(parameter, float(TERM_INPUT.anchor(name), shape))
      whole = graph.add(whole, graph.mul(drift, strength))
    }
    return control ? graph.add(whole, float(TERM_INPUT.control(name), shape)) : whole
  })
  return gradientNormMax === undefined ? gradients : clip(graph, gradients, gradientNormMax)
}

function clip(
  graph: GraphEmitter,
  gradients: readonly ValueName[],
  normMax: number,
): readonly ValueName[] {
  const squares = gradients.map(gradient =>
    graph.emit('ReduceSumSquare', [gradient], [attr.int('keepdims', 0)]),
  )
  const norm = graph.emit('Sqrt', [graph.emit('Sum', squares)])
  const limit = graph.scalar(normMax, norm)
  const factor = graph.div(limit, graph.emit('Max', [limit, norm]))
  return gradients.map(gradient => graph.mul(gradient, factor))
}
