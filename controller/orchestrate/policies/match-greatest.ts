import { learningShare } from '../gai-gain.ts'
import { gainAfter, IDLE } from '../horizon/transition.ts'
import type { LatentGraph } from '../latent-graph.ts'
import { GreatestFirst } from './greatest-first.ts'
import { greatestGains, type PolicyContext } from './policy.ts'
import { Room } from './room.ts'

/** What a choice costs a device in the rounds after this one. */
export interface Consequences {
  /** Never above 0. */
  readonly of: (device: number, model: number) => number
  readonly ofIdling: (device: number) => number
}

/** One device's part of a matching. */
export interface Match {
  /** IDLE, or the model. */
  readonly model: number
  /** Gain after what was matched before. */
  readonly gain: number
  /** Gain of the second best, and its model; IDLE where there is none. */
  readonly second: { readonly model: number; readonly gain: number }
}

/** By the decision that they belong to. */
const known = new WeakMap<
  LatentGraph,
  { readonly capacities: PolicyContext['capacities']; readonly matches: readonly Match[] }
>()

/** Matches by gain alone, which several parts of one decision ask for. */
export function greedyMatches(graph: LatentGraph, context: PolicyContext): readonly Match[] {
  const { capacities } = context
  const last = known.get(graph)
  if (last && last.capacities === capacities) return last.matches
  const matches = matchGreatest(graph, context, NOTHING)
  known.set(graph, { capacities, matches })
  return matches
}

const NOTHING: Consequences = { of: () => 0, ofIdling: () => 0 }

/** Bounds are products of rounded numbers. */
const ROUNDING = 1 + 1e-9

/**
 * Takes the device and model that are worth most, gain and consequences together, then again among
 * the devices that are left, ties to the lower index. Each match counts: where matches count as
 * absorbed, the model is worth less to the devices that follow (docs/decisions/001-absorbed-samples.md);
 * a model without room is worth nothing.
 *
 * Values only fall as models absorb, so a device whose best value is still the greatest when it is
 * computed anew is the next match, and the others need not be looked at (lazy greedy, Minoux 1978).
 */
export function matchGreatest(
  graph: LatentGraph,
  context: PolicyContext,
  consequences: Consequences,
): Match[] {
  const values = new PairValues(graph, context, consequences)
  const matches: Match[] = []
  const order = new GreatestFirst(greatestGains(graph))
  for (let device = order.top(); device >= 0; device = order.top()) {
    context.tick?.()
    const best = values.bestOf(device)
    order.lowerTop(best.value)
    if (order.top() !== device) continue
    order.pop()
    matches[device] = values.take(device, best.model)
  }
  return matches
}

/** What pairs are worth as the matching goes on. */
class PairValues {
  readonly #graph: LatentGraph
  readonly #consequences: Consequences
  readonly #room: Room
  readonly #models: number
  readonly #countsMatched: boolean
  /** Samples matched to each model so far. */
  readonly #matched: Float64Array
  /** Gain of each pair as it was last computed, over what was left to its model's greatest workload. */
  readonly #gainMost: Float64Array
  /**
   * What absorbing left of φ of the greatest workload on a model's edges. That of lesser ones falls
   * more, so that no gain can be above `gainMost` times it.
   */
  readonly #shareLeft: Float64Array
  readonly #workloadMax: Float64Array
  /** Model that was last best for a device: it often still is. */
  readonly #lastBest: Int32Array
  readonly #best = { model: IDLE, value: 0 }

  constructor(graph: LatentGraph, context: PolicyContext, consequences: Consequences) {
    this.#graph = graph
    this.#consequences = consequences
    this.#room = new Room(context)
    this.#models = graph.models.length
    this.#countsMatched = graph.stage.inputs.gain.countsMatched ?? true
    this.#matched = new Float64Array(this.#models)
    this.#gainMost = graph.gains.slice()
    this.#shareLeft = new Float64Array(this.#models).fill(1)
    this.#workloadMax = this.#countsMatched ? greatestWorkloads(graph) : this.#shareLeft
    this.#lastBest = new Int32Array(graph.devices.length).fill(IDLE)
  }

  /** The object is used again. */
  bestOf(device: number): { readonly model: number; readonly value: number } {
    const best = this.#best
    const last = this.#lastBest[device] ?? IDLE
    best.model = IDLE
    best.value = this.#consequences.ofIdling(device)
    if (last !== IDLE) this.#offer(device, last)
    for (let model = 0; model < this.#models; model++) {
      if (model !== last) this.#offer(device, model)
    }
    this.#lastBest[device] = best.model
    return best
  }

  /** Makes a model the best where it is; of equal ones the lower is. */
  #offer(device: number, model: number): void {
    const best = this.#best
    const pair = device * this.#models + model
    if (this.#mostOf(pair, model) <= best.value || !this.#room.has(model)) return
    const value = this.#gainOf(pair, model) + this.#consequences.of(device, model)
    const isLower = value === best.value && best.model !== IDLE && model < best.model
    if (value <= best.value && !isLower) return
    best.model = model
    best.value = value
  }

  /** Bound of a pair's gain. */
  #mostOf(pair: number, model: number): number {
    return (this.#gainMost[pair] ?? 0) * (this.#shareLeft[model] ?? 0) * ROUNDING
  }

  take(device: number, model: number): Match {
    if (model === IDLE) return { model, gain: 0, second: { model, gain: 0 } }
    const pair = device * this.#models + model
    const match = { model, gain: this.#gainOf(pair, model), second: this.#second(device, model) }
    this.#room.take(model)
    if (this.#countsMatched) this.#absorb(model, this.#graph.workloads[pair] ?? 0)
    return match
  }

  /** By its gain alone, whether or not there is room. */
  #second(device: number, taken: number): Match['second'] {
    const second = { model: IDLE, gain: 0 }
    for (let model = 0; model < this.#models; model++) {
      const pair = device * this.#models + model
      if (model === taken || this.#mostOf(pair, model) <= second.gain) continue
      const gain = this.#gainOf(pair, model)
      if (gain <= second.gain) continue
      second.model = model
      second.gain = gain
    }
    return second
  }

  #gainOf(pair: number, model: number): number {
    const { stage, gains, workloads } = this.#graph
    const matched = this.#matched[model] ?? 0
    if (matched === 0) return gains[pair] ?? 0
    const gain = gainAfter(stage, pair, workloads[pair] ?? 0, matched)
    this.#gainMost[pair] = gain / (this.#shareLeft[model] ?? 1)
    return gain
  }

  #absorb(model: number, samples: number): void {
    const matched = (this.#matched[model] ?? 0) + samples
    this.#matched[model] = matched
    const curve = this.#graph.stage.curves[model]
    const workload = this.#workloadMax[model] ?? 0
    if (curve === undefined || workload === 0) return
    const { effectiveSamples, exponent } = curve
    const after = { workload, exponent, effectiveSamples: effectiveSamples + matched }
    this.#shareLeft[model] =
      learningShare(after) / learningShare({ workload, exponent, effectiveSamples })
  }
}

/** By model, the greatest workload on its edges. */
function greatestWorkloads({ workloads, models }: LatentGraph): Float64Array {
  const greatest = new Float64Array(models.length)
  for (let pair = 0; pair < workloads.length; ) {
    for (let model = 0; model < models.length; model++, pair++) {
      const workload = workloads[pair] ?? 0
      if (workload > (greatest[model] ?? 0)) greatest[model] = workload
    }
  }
  return greatest
}
