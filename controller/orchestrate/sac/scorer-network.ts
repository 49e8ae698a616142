import { CANDIDATES } from './candidates.ts'

/** Tensors of one network of `training/models/action-scorer.ts`, matrices row by row. */
export interface ScorerWeights {
  readonly features: number
  readonly hidden: number
  readonly edge0: Layer
  readonly edge1: Layer
  readonly own: Layer
  readonly mean: Float64Array
  readonly most: Float64Array
  readonly score: Float64Array
  readonly prior: Float64Array
}

interface Layer {
  readonly weight: Float64Array
  readonly bias: Float64Array
}

/**
 * Evaluates a scorer on one device at a time, on plain arrays. ONNX Runtime for Node runs only
 * asynchronously, and a policy is a pure function that answers at once; for four actions of 2,700
 * multiplications each a run would cost as much as the work in it. Scores come without the scale of
 * logits: that of an actor does not move its greatest.
 */
export class ScorerNetwork {
  readonly #weights: ScorerWeights
  /** h_j of each action. */
  readonly #edges: Float64Array
  readonly #first: Float64Array
  readonly #mean: Float64Array
  readonly #most: Float64Array
  readonly #pools: Float64Array
  readonly #joined: Float64Array

  constructor(weights: ScorerWeights) {
    this.#weights = weights
    const { hidden } = weights
    const empty = (): Float64Array => new Float64Array(hidden)
    this.#edges = new Float64Array(CANDIDATES * hidden)
    this.#first = empty()
    this.#mean = empty()
    this.#most = empty()
    this.#pools = empty()
    this.#joined = empty()
  }

  /** Scores of the first `count` actions, whose features begin at `from`. */
  score(
    features: Float32Array,
    { from, count }: { readonly from: number; readonly count: number },
    scores: Float64Array,
  ): void {
    const w = this.#weights
    this.#embed(features, from, count)
    this.#pools.set(w.own.bias)
    addProduct(this.#pools, this.#mean, 0, w.mean)
    addProduct(this.#pools, this.#most, 0, w.most)
    for (let action = 0; action < count; action++) {
      this.#joined.set(this.#pools)
      addProduct(this.#joined, this.#edges, action * w.hidden, w.own.weight, w.hidden)
      let score = 0
      for (let unit = 0; unit < w.hidden; unit++) {
        score += Math.max(0, this.#joined[unit] ?? 0) * (w.score[unit] ?? 0)
      }
      const at = from + action * w.features
      for (let feature = 0; feature < w.features; feature++) {
        score += (features[at + feature] ?? 0) * (w.prior[feature] ?? 0)
      }
      scores[action] = score
    }
  }

  /** h_j of each action, and their mean and maximum. */
  #embed(features: Float32Array, from: number, count: number): void {
    const { edge0, edge1, hidden, features: width } = this.#weights
    this.#mean.fill(0)
    this.#most.fill(0)
    for (let action = 0; action < count; action++) {
      this.#first.set(edge0.bias)
      addProduct(this.#first, features, from + action * width, edge0.weight, width)
      rectify(this.#first)
      const edge = this.#edges.subarray(action * hidden, (action + 1) * hidden)
      edge.set(edge1.bias)
      addProduct(edge, this.#first, 0, edge1.weight)
      rectify(edge)
      for (let unit = 0; unit < hidden; unit++) {
        const value = edge[unit] ?? 0
        this.#mean[unit] = (this.#mean[unit] ?? 0) + value / count
        if (value > (this.#most[unit] ?? 0)) this.#most[unit] = value
      }
    }
  }
}

/** sum += x · W, for x of `count` numbers from `from` on; zeros, of which ReLU leaves many, cost nothing. */
function addProduct(
  sum: Float64Array,
  x: Float64Array | Float32Array,
  from: number,
  weight: Float64Array,
  count = x.length,
): void {
  const size = sum.length
  for (let row = 0; row < count; row++) {
    const value = x[from + row] ?? 0
    if (value === 0) continue
    const at = row * size
    for (let column = 0; column < size; column++) {
      sum[column] = (sum[column] ?? 0) + value * (weight[at + column] ?? 0)
    }
  }
}

function rectify(values: Float64Array): void {
  for (let index = 0; index < values.length; index++) {
    if ((values[index] ?? 0) < 0) values[index] = 0
  }
}
