import { type ActionBatch, GAIN_SCALE } from '../action-features.ts'
import { IDLE } from '../horizon/transition.ts'
import type { LatentGraph } from '../latent-graph.ts'
import { LearningCurve } from '../learning-curve.ts'
import {
  CANDIDATES,
  type CandidateBatch,
  LOOK_AHEAD_ROUNDS,
  modelOf,
  observe,
} from '../sac/candidates.ts'
import type { PolicyNetworks } from '../sac/policy-file.ts'
import type { ScorerNetwork } from '../sac/scorer-network.ts'
import { type PlannedStep, plannedMatching } from './planned-matching.ts'
import type { Matching, Policy, PolicyContext } from './policy.ts'
import { pricedDpPolicy } from './priced-dp-policy.ts'
import { Room } from './room.ts'

/**
 * Soft actor-critic on discrete actions, one network for every device and model (GainNet, III-B;
 * Christodoulou 2019). It learned in the simulator what the plan of the present view gets wrong
 * because views, links and targets move on.
 *
 * `sac` takes what its actor prefers. `sac-guarded` leaves the plan only where both critics hold the
 * actor's choice for worth more, and is what a fleet should run. Where models take a limited number
 * of devices, of which training knows nothing, it leaves the decision to the priced plan.
 */
export function sacPolicies(networks: PolicyNetworks): readonly [sac: Policy, guarded: Policy] {
  const { actor, critics } = networks
  return [
    {
      name: 'sac',
      label: 'SAC',
      propose: (graph, context) => propose(graph, context, { actor, critics: [] }),
    },
    {
      name: 'sac-guarded',
      label: 'SAC, else the plan',
      propose: (graph, context) =>
        context.capacities === undefined
          ? propose(graph, context, { actor, critics })
          : pricedDpPolicy.propose(graph, context),
    },
  ]
}

interface Judges {
  readonly actor: ScorerNetwork
  /** Both, or none to trust the actor. */
  readonly critics: readonly ScorerNetwork[]
}

function propose(graph: LatentGraph, context: PolicyContext, judges: Judges): Matching {
  const { batch, candidates } = observe(graph.stage, graph.pools, context.roundsLeft)
  const chooser = new Chooser(graph, context, { batch, candidates, judges })
  const first = Float64Array.from(
    graph.devices,
    (_, device) => candidates.totals[device * CANDIDATES] ?? 0,
  )
  // Devices that have most to gain come first, where they share models.
  const order = [...first.keys()].sort((a, b) => (first[b] ?? 0) - (first[a] ?? 0) || a - b)
  const steps: PlannedStep[] = []
  for (const device of order) steps[device] = chooser.choose(device)
  const { roundsLeft = Number.POSITIVE_INFINITY } = context
  return plannedMatching(graph, steps, {
    rounds: Math.min(1 + LOOK_AHEAD_ROUNDS, roundsLeft),
    gain: steps.reduce((sum, { total }) => sum + total, 0),
    bound: first.reduce((sum, total) => sum + total, 0),
  })
}

/** Chooses device by device, knowing what others took before. */
class Chooser {
  readonly #room: Room
  readonly #batch: ActionBatch
  readonly #candidates: CandidateBatch
  readonly #judges: Judges
  /** Of models whose matches count as absorbed at once; null where they do not. */
  readonly #curves: readonly LearningCurve[] | null
  readonly #factor: Float64Array
  readonly #scores = new Float64Array(CANDIDATES)
  readonly #values = new Float64Array(CANDIDATES)
  /** What candidates have lost to devices before this one, in the unit of gains; −∞ without room. */
  readonly #losses = new Float64Array(CANDIDATES)

  constructor(
    { stage }: LatentGraph,
    context: PolicyContext,
    o: {
      readonly batch: ActionBatch
      readonly candidates: CandidateBatch
      readonly judges: Judges
    },
  ) {
    this.#room = new Room(context)
    this.#batch = o.batch
    this.#candidates = o.candidates
    this.#judges = o.judges
    this.#factor = stage.factor
    this.#curves =
      (stage.inputs.gain.countsMatched ?? true)
        ? stage.curves.map(one => new LearningCurve(one.effectiveSamples, one.exponent))
        : null
  }

  /** A device of which no candidate has room idles. */
  choose(device: number): PlannedStep {
    const from = device * CANDIDATES
    const count = this.#weighLosses(device)
    const place = this.#preferred(device, count)
    const action = place < 0 ? 0 : (this.#candidates.actions[from + place] ?? 0)
    if (place < 0 || action === 0)
      return { model: IDLE, gain: 0, total: this.#totalAt(from, place) }
    const model = modelOf(action)
    const gain = this.#gainNow(device, action)
    this.#room.take(model)
    this.#curves?.[model]?.absorb(this.#workload(device, action))
    return { model, gain, total: this.#totalAt(from, place) }
  }

  /** Losses of a device's candidates; how many it has. */
  #weighLosses(device: number): number {
    const from = device * CANDIDATES
    let count = 0
    for (; count < CANDIDATES && this.#candidates.mask[from + count] === 1; count++) {
      const action = this.#candidates.actions[from + count] ?? 0
      const row = device * this.#batch.actionCount + action
      const isOpen = action === 0 || this.#room.has(modelOf(action))
      this.#losses[count] = isOpen
        ? this.#gainNow(device, action) - (this.#batch.gains[row] ?? 0)
        : Number.NEGATIVE_INFINITY
    }
    return count
  }

  /** Place of the candidate to take, −1 where none has room. */
  #preferred(device: number, count: number): number {
    const { actor, critics } = this.#judges
    const { features, featureCount, totals } = this.#candidates
    const from = device * CANDIDATES
    const rows = { from: from * featureCount, count }
    const planned = this.#greatest(totals.subarray(from, from + count), count, 1)
    if (count < 2) return planned
    actor.score(features, rows, this.#scores)
    const best = this.#greatest(this.#scores, count, GAIN_SCALE)
    if (best === planned) return best
    const isBetter = critics.every(critic => {
      critic.score(features, rows, this.#values)
      const worth = (place: number): number => this.#worth(this.#values, place, GAIN_SCALE)
      return worth(best) > worth(planned)
    })
    return isBetter ? best : planned
  }

  #greatest(scores: Float64Array, count: number, gainScale: number): number {
    let best = -1
    for (let place = 0; place < count; place++) {
      if (this.#losses[place] === Number.NEGATIVE_INFINITY) continue
      const isFirst = best < 0
      if (isFirst || this.#worth(scores, place, gainScale) > this.#worth(scores, best, gainScale)) {
        best = place
      }
    }
    return best
  }

  #worth(scores: Float64Array, place: number, gainScale: number): number {
    return (scores[place] ?? 0) + gainScale * (this.#losses[place] ?? 0)
  }

  /** Gain after what was matched before. */
  #gainNow(device: number, action: number): number {
    const { gains, actionCount } = this.#batch
    const stated = gains[device * actionCount + action] ?? 0
    if (action === 0 || this.#curves === null) return stated
    const pair = device * (actionCount - 1) + modelOf(action)
    const curve = this.#curves[modelOf(action)]
    return curve ? (this.#factor[pair] ?? 0) * curve.share(this.#workload(device, action)) : stated
  }

  #workload(device: number, action: number): number {
    return this.#batch.workloads[device * this.#batch.actionCount + action] ?? 0
  }

  #totalAt(from: number, place: number): number {
    return place < 0 ? 0 : (this.#candidates.totals[from + place] ?? 0) + (this.#losses[place] ?? 0)
  }
}
