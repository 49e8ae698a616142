import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { buildNode } from '../onnx/build.ts'

/** Bounds of ln σ, those of the authors' program: a policy neither freezes nor overflows. */
export const LOG_DEVIATION = { min: -20, max: 2 } as const

/**
 * Draws actions in (−1, 1) from the distribution that an actor tells, and their log likelihood, so
 * that gradients reach the actor through both (Haarnoja et al. 2018a, equation 11; 2018b, appendix C,
 * equation 26). The last axis of the distribution is the means, then the log deviations. With the
 * noise ε ~ N(0, 1):
 *
 *   u = μ + σ · ε      a = tanh u
 *   ln π(a) = Σ −½ ε² − ln σ − ½ ln 2π − ln(1 − tanh² u)
 *   ln(1 − tanh² u) = 2 (ln 2 − u − softplus(−2 u))       which stays finite for every u
 *
 * The log likelihood is [batch, 1]: the sum over all else.
 */
export function emitTanhGaussian(
  graph: GraphEmitter,
  { distribution, noise }: { readonly distribution: ValueName; readonly noise: ValueName },
): { readonly action: ValueName; readonly logLikelihood: ValueName } {
  const scalar = (value: number) => graph.scalar(value, distribution)
  const [mean, told] = halves(graph, distribution)
  const bounds = [scalar(LOG_DEVIATION.min), scalar(LOG_DEVIATION.max)]
  const logDeviation = graph.emit('Clip', [told, ...bounds])
  const u = graph.add(mean, graph.mul(graph.emit('Exp', [logDeviation]), noise))
  const action = graph.emit('Tanh', [u])
  const normal = graph.add(graph.mul(graph.mul(noise, noise), scalar(-0.5)), scalar(-HALF_LN_2PI))
  const softplus = graph.emit('Softplus', [graph.mul(u, scalar(-2))])
  const squeezed = graph.mul(graph.sub(scalar(Math.LN2), graph.add(u, softplus)), scalar(2))
  const each = graph.sub(graph.sub(normal, logDeviation), squeezed)
  const [batch = 0] = graph.shape(each)
  const rows = graph.reshape(each, [
    batch,
    graph
      .shape(each)
      .slice(1)
      .reduce((a, b) => a * b, 1),
  ])
  return { action, logLikelihood: graph.sum(rows, [1]) }
}

const HALF_LN_2PI = 0.5 * Math.log(2 * Math.PI)

function halves(graph: GraphEmitter, x: ValueName): readonly [ValueName, ValueName] {
  const size = (graph.shape(x).at(-1) ?? 0) / 2
  const outputs = [graph.unique('mean'), graph.unique('logDeviation')] as const
  const inputs = [x, graph.ints([size, size])]
  graph.addNode(buildNode({ opType: 'Split', inputs, outputs, attributes: [attr.int('axis', -1)] }))
  return outputs
}

/** The same in numbers, for acting: rows of [means, log deviations] and as much noise; 0 is the mode. */
export function tanhGaussianActions(
  distribution: Float32Array,
  { size, noise }: { readonly size: number; readonly noise: () => number },
): Float32Array {
  return Float32Array.from({ length: distribution.length / 2 }, (_, index) => {
    const mean = 2 * index - (index % size)
    const { min, max } = LOG_DEVIATION
    const logDeviation = Math.min(max, Math.max(min, distribution[mean + size] ?? 0))
    return Math.tanh((distribution[mean] ?? 0) + Math.exp(logDeviation) * noise())
  })
}
