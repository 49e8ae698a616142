import type { DeviceNodes, StateGraph } from './state-graph.ts'

const ITERATIONS_MAX = 150
/** So many iterations without a bound that is lower by more than a share of itself end the search. */
const PATIENCE = 25
const IMPROVEMENT_MIN = 1e-4
/** First step of the prices, in gain: about a fifth of what one choice brings. */
const STEP_FIRST = 0.02

export interface CapacityPrices {
  /** λ by stage·M + model, ≥ 0. */
  readonly prices: Float64Array
  /** UB(λ): no plan within the capacities gains more. */
  readonly bound: number
}

/**
 * Models that take a limited number of devices a round couple the devices: a multi-period
 * generalised assignment problem, which is NP-hard. Priced out, it falls apart again:
 *
 *   UB(λ) = Σ_n V_n(g - λ) + Σ_{m,r} λ_{m,r}·cap_m,   λ ≥ 0
 *
 * with V_n by dynamic programming. Every UB(λ) bounds every plan; the least of them equals the bound
 * of the linear program over each device's sequences of actions. It is approached by subgradients:
 * use - cap says where a price is too low (Fisher 1981, Held and Karp 1971).
 */
export function capacityPrices(
  graph: StateGraph,
  devices: readonly DeviceNodes[],
  capacities: readonly number[],
): CapacityPrices {
  const models = capacities.length
  const prices = new Float64Array(graph.stages.length * models)
  const use = new Float64Array(prices.length)
  let best: CapacityPrices = { prices: prices.slice(), bound: Number.POSITIVE_INFINITY }
  let improvedAt = 0
  for (let iteration = 0; iteration - improvedAt <= PATIENCE; iteration++) {
    if (iteration === ITERATIONS_MAX) break
    use.fill(0)
    let bound = 0
    for (const nodes of devices) {
      bound += graph.solve(nodes, { prices })
      countUse(graph, nodes, models, use)
    }
    for (let at = 0; at < prices.length; at++) {
      bound += (prices[at] ?? 0) * (capacities[at % models] ?? 0)
    }
    if (bound < best.bound * (1 - IMPROVEMENT_MIN)) improvedAt = iteration
    if (bound < best.bound) best = { prices: prices.slice(), bound }
    if (!follow(prices, use, capacities, STEP_FIRST / Math.sqrt(1 + iteration))) break
  }
  return best
}

/** One step along use - cap, relative to cap. False where no price moved: the bound is met. */
function follow(
  prices: Float64Array,
  use: Float64Array,
  capacities: readonly number[],
  step: number,
): boolean {
  let moved = false
  for (let at = 0; at < prices.length; at++) {
    const capacity = capacities[at % capacities.length] ?? 0
    const excess = ((use[at] ?? 0) - capacity) / Math.max(1, capacity)
    const price = Math.max(0, (prices[at] ?? 0) + step * excess)
    if (price !== prices[at]) moved = true
    prices[at] = price
  }
  return moved
}

function countUse(graph: StateGraph, nodes: DeviceNodes, models: number, use: Float64Array): void {
  for (const [stage, edge] of graph.planOf(nodes).entries()) {
    const model = graph.edgeModel.values[edge] ?? -1
    if (model >= 0) use[stage * models + model] = (use[stage * models + model] ?? 0) + 1
  }
}
