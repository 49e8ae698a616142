import { ACTION_FEATURES, ActionFeatures } from '../action-features.ts'
import type { DecisionStage } from '../decision-stage.ts'
import { type FirstRound, greatest, PlanSearch } from '../horizon/plan-search.ts'
import { IDLE } from '../horizon/transition.ts'
import type { SlotArrays } from '../slot-kernels.ts'

/**
 * Actions of a device that a learned policy weighs: those that the plan of the present view holds
 * for the best, down to a tenth of a round's gain below it. In nearly all decisions the clairvoyant
 * optimum takes one of them, mostly one of the first two; so the cost of a decision hardly grows with
 * the number of models, and learning is spent where it can change something.
 */
export const CANDIDATES = 4
const MARGIN_ROUNDS = 0.1

/** Rounds after this one that the plan behind the features looks ahead. */
export const LOOK_AHEAD_ROUNDS = 4

/** All that a learned policy sees of a decision: the candidates of all devices, the plan's first. */
export interface CandidateBatch {
  readonly deviceCount: number
  readonly featureCount: number
  /** [device][candidate][feature], zeros where there is none. */
  readonly features: Float32Array
  /** [device][candidate]: 1 where there is one. The first always is. */
  readonly mask: Float32Array
  /** [device][candidate]: 0 to idle, m + 1 for model m. */
  readonly actions: Int32Array
  /** [device][candidate]: gain of this round and of the plan after it. */
  readonly totals: Float64Array
  /** [device]: gain of the plan after idling. */
  readonly afterIdling: Float64Array
}

/** Features say how many rounds are left as a share of this many. */
const ROUNDS_MAX = 10
/** What is said where there is no end. */
const ROUNDS_LEFT_ENDLESS = 5

export function observe(
  stage: DecisionStage,
  pools: SlotArrays,
  roundsLeft = ROUNDS_LEFT_ENDLESS,
): CandidateBatch {
  const { deviceCount } = stage
  const rows = deviceCount * CANDIDATES
  const batch: CandidateBatch = {
    deviceCount,
    featureCount: ACTION_FEATURES.length,
    features: new Float32Array(rows * ACTION_FEATURES.length),
    mask: new Float32Array(rows),
    actions: new Int32Array(rows),
    totals: new Float64Array(rows),
    afterIdling: new Float64Array(deviceCount),
  }
  const writer = new ActionFeatures(stage, pools, {
    roundsLeft: Math.min(roundsLeft, ROUNDS_MAX),
    roundsInAll: ROUNDS_MAX,
  })
  const rounds = 1 + Math.max(0, Math.min(LOOK_AHEAD_ROUNDS, roundsLeft - 1))
  const search = new PlanSearch(new Array<DecisionStage>(rounds).fill(stage))
  const best = new BestActions(1 - MARGIN_ROUNDS / rounds)
  for (let device = 0; device < deviceCount; device++) {
    const first = search.firstRound(device, pools)
    offerAll(best, search, first)
    // Where nothing follows from a choice, there is nothing to learn about it.
    if (!search.hasConsequences) best.keepFirst()
    writeBest(batch, device, { best, writer, sensed: first.sensed })
  }
  return batch
}

/** From the greatest gain down, until not even a free pool afterwards could bring an action close. */
function offerAll(best: BestActions, search: PlanSearch, { gains, workloads }: FirstRound): void {
  best.clear(search.after(IDLE, 0))
  for (;;) {
    const model = greatest(gains)
    const gain = gains[model] ?? 0
    if (gain <= 0 || gain + search.boundAfter < best.least) return
    gains[model] = 0
    const workload = workloads[model] ?? 0
    best.offer({ model, gain, workload, after: search.after(model, workload) })
  }
}

function writeBest(
  batch: CandidateBatch,
  device: number,
  o: {
    readonly best: BestActions
    readonly writer: ActionFeatures
    readonly sensed: Float64Array
  },
): void {
  const afterIdling = o.best.afterIdling
  batch.afterIdling[device] = afterIdling
  for (const [place, { model, gain, workload, after }] of o.best.close().entries()) {
    const at = device * CANDIDATES + place
    batch.mask[at] = 1
    batch.actions[at] = model + 1
    batch.totals[at] = gain + after
    const action = { model, gain, workload, lookAhead: after - afterIdling }
    const offset = at * batch.featureCount
    o.writer.write(device, action, { sensed: o.sensed, features: batch.features, offset })
  }
}

/** Model of an action, or IDLE. */
export function modelOf(action: number): number {
  return action === 0 ? IDLE : action - 1
}

interface Offer {
  readonly model: number
  readonly gain: number
  readonly workload: number
  readonly after: number
}

/** The few of the greatest totals, of equal ones those that were offered first. */
class BestActions {
  afterIdling = 0
  readonly #share: number
  #offers: Offer[] = []

  /** `share` of the greatest total is what an action must reach to be close. */
  constructor(share: number) {
    this.#share = share
  }

  clear(afterIdling: number): void {
    this.afterIdling = afterIdling
    this.#offers = [{ model: IDLE, gain: 0, workload: 0, after: afterIdling }]
  }

  get least(): number {
    const [first] = this.#offers
    return first === undefined ? 0 : this.#share * totalOf(first)
  }

  offer(one: Offer): void {
    const total = totalOf(one)
    if (total < this.least) return
    const place = this.#offers.findIndex(other => total > totalOf(other))
    this.#offers.splice(place < 0 ? this.#offers.length : place, 0, one)
    this.#offers.length = Math.min(this.#offers.length, CANDIDATES)
  }

  keepFirst(): void {
    this.#offers.length = 1
  }

  close(): readonly Offer[] {
    const { least } = this
    return this.#offers.filter(one => totalOf(one) >= least)
  }
}

function totalOf({ gain, after }: Offer): number {
  return gain + after
}
