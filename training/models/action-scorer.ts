import type { ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { filledWith, heNormal, type InitialWeights, scaled } from './initial-weights.ts'
import { activate } from './layers.ts'
import { ModelBuilder } from './model-builder.ts'

export interface ActionScorerSizes {
  /** Actions that a sample has room for. */
  readonly actions: number
  readonly features: number
  readonly hidden: number
}

/** One network of a file: its parameters are named `<name>.…`, its output is `<name>`. */
export interface ActionScorer {
  readonly name: string
  /** Weight of each feature in a score before anything is learned. */
  readonly prior: readonly number[]
  /** What scores are multiplied by on the way out: 1 for values, 1/α for logits. */
  readonly scale: number
  /** Parameters by their names, where they are not drawn anew. */
  readonly trained?: ReadonlyMap<string, Float32Array>
}

/** Of actions that cannot be made. */
export const ABSENT_SCORE = -1e9

/**
 * Scores the actions of a decision, permutation-equivariant: an action has the same score wherever
 * it stands, and places that the mask leaves out change nothing (deep sets, Zaheer et al. 2017, with
 * mean and maximum as pools). For action j of a device, over its available actions 𝒜:
 *
 *   h_j     = MLP₂(x_j)
 *   hidden  = ReLU(A h_j + B mean_{i∈𝒜} h_i + C max_{i∈𝒜} h_i + b)
 *   score_j = scale · (p · x_j + w · hidden)
 *
 * w begins at zero, so that a score begins as its prior p · x_j and learns what that leaves over.
 *
 * ONNX: `features` float32 [batch, actions, features], `mask` float32 [batch, actions] → for each
 * network a float32 [batch, actions], −10⁹ where the mask is 0. A sample has at least one action.
 */
export function buildActionScorers(
  sizes: ActionScorerSizes & { readonly seed: number },
  scorers: readonly ActionScorer[],
): Uint8Array {
  const model = new ModelBuilder({ name: 'action-scorer', seed: sizes.seed })
  const features = model.input('features', [sizes.actions, sizes.features])
  const mask = model.input('mask', [sizes.actions])
  const { graph } = model
  const isThere = graph.emit('Greater', [mask, graph.scalar(0.5, mask)])
  const outputs = scorers.map(scorer => {
    const scores = scoresOf(model, { sizes, features, mask, scorer })
    const absent = graph.scalar(ABSENT_SCORE, scores)
    return model.node('Where', [isThere, scores, absent], { output: scorer.name })
  })
  return model.finish(outputs)
}

function scoresOf(
  model: ModelBuilder,
  given: {
    readonly sizes: ActionScorerSizes
    readonly features: ValueName
    readonly mask: ValueName
    readonly scorer: ActionScorer
  },
): ValueName {
  const { graph } = model
  const { sizes, features, mask, scorer } = given
  const { actions, hidden } = sizes
  const product = (x: ValueName, part: string, size: number, initial: InitialWeights) =>
    graph.matMul(x, parameterOf(model, scorer, part, [graph.shape(x).at(-1) ?? 0, size], initial))
  const biased = (x: ValueName, part: string) =>
    graph.add(x, parameterOf(model, scorer, part, [hidden], filledWith(0)))
  const relu = (x: ValueName, part: string) => activate(model, biased(x, part), 'relu')
  const first = relu(product(features, 'edge.0.weight', hidden, heNormal), 'edge.0.bias')
  const own = relu(product(first, 'edge.1.weight', hidden, heNormal), 'edge.1.bias')
  const there = model.reshape(mask, [actions, 1])
  const present = graph.mul(own, there)
  const mean = graph.div(graph.sum(present, [1]), graph.sum(there, [1]))
  // Nothing is below zero after ReLU, so that an absent action is never the greatest alone.
  const most = graph.emit('ReduceMax', [present, graph.ints([1])], [attr.int('keepdims', 1)])
  const third = scaled(heNormal, Math.sqrt(1 / 3))
  const pools = graph.add(
    product(mean, 'mean.weight', hidden, third),
    product(most, 'most.weight', hidden, third),
  )
  const joined = relu(graph.add(product(own, 'own.weight', hidden, third), pools), 'own.bias')
  const learned = product(joined, 'score.weight', 1, filledWith(0))
  const prior = product(features, 'prior.weight', 1, listed(scorer.prior))
  const scores = model.reshape(graph.add(prior, learned), [actions])
  return graph.mul(scores, graph.scalar(scorer.scale, scores))
}

function parameterOf(
  model: ModelBuilder,
  { name, trained }: ActionScorer,
  part: string,
  shape: readonly [number] | readonly [number, number],
  initial: InitialWeights,
): ValueName {
  const [fanIn, fanOut = 1] = shape
  const known = trained?.get(`${name}.${part}`)
  const weights = known === undefined ? initial : listed(known)
  return model.parameter(`${name}.${part}`, shape, weights, { fanIn, fanOut })
}

/** Weights one by one, in the order of the tensor. */
function listed(values: ArrayLike<number>): InitialWeights {
  return () => {
    let at = 0
    return () => values[at++] ?? Number.NaN
  }
}
