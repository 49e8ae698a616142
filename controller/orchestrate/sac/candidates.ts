import { type ActionBatch, actionBatchOf } from '../action-features.ts'
import type { DecisionStage } from '../decision-stage.ts'
import { IDLE } from '../horizon/transition.ts'
import type { SlotArrays } from '../slot-kernels.ts'

/**
 * Actions of a device that a learned policy weighs: those that the plan of the present view holds
 * for the best, down to a quarter of a round's gain below it. In nearly all decisions the
 * clairvoyant optimum takes one of them, mostly one of the first two; so the cost of a decision
 * hardly grows with the number of models, and learning is spent where it can change something.
 */
export const CANDIDATES = 6
const MARGIN_ROUNDS = 0.25

/** Rounds after this one that the plan behind the features looks ahead. */
export const LOOK_AHEAD_ROUNDS = 4

/** The candidates of all devices, the best by the plan first. */
export interface CandidateBatch {
  readonly deviceCount: number
  readonly featureCount: number
  /** [device][candidate][feature], zeros where there is none. */
  readonly features: Float32Array
  /** [device][candidate]: 1 where there is one. The first always is. */
  readonly mask: Float32Array
  /** [device][candidate]: action of the batch, 0 to idle. */
  readonly actions: Int32Array
  /** [device][candidate]: gain of this round and of the plan after it. */
  readonly totals: Float64Array
}

/** Features say how many rounds are left as a share of this many. */
const ROUNDS_MAX = 10
/** What is said where there is no end. */
const ROUNDS_LEFT_ENDLESS = 5

/** All that a learned policy sees of a decision. */
export function observe(
  stage: DecisionStage,
  pools: SlotArrays,
  roundsLeft = ROUNDS_LEFT_ENDLESS,
): { readonly batch: ActionBatch; readonly candidates: CandidateBatch } {
  const batch = actionBatchOf(stage, pools, {
    roundsLeft: Math.min(roundsLeft, ROUNDS_MAX),
    roundsInAll: ROUNDS_MAX,
    lookAheadRounds: LOOK_AHEAD_ROUNDS,
  })
  const rounds = 1 + Math.min(LOOK_AHEAD_ROUNDS, roundsLeft - 1)
  return { batch, candidates: candidatesOf(batch, 1 - MARGIN_ROUNDS / rounds) }
}

/** `share` of the greatest total is what a candidate must reach. */
function candidatesOf(batch: ActionBatch, share: number): CandidateBatch {
  const { deviceCount, actionCount, featureCount } = batch
  const rows = deviceCount * CANDIDATES
  const candidates: CandidateBatch = {
    deviceCount,
    featureCount,
    features: new Float32Array(rows * featureCount),
    mask: new Float32Array(rows),
    actions: new Int32Array(rows),
    totals: new Float64Array(rows),
  }
  const best = new BestActions()
  for (let device = 0; device < deviceCount; device++) {
    best.clear()
    const from = device * actionCount
    for (let action = 0; action < actionCount; action++) {
      const row = from + action
      const total = (batch.gains[row] ?? 0) + (batch.afterwards[row] ?? 0)
      if (batch.mask[row] === 1) best.offer(action, total)
    }
    const least = share * best.totalAt(0)
    for (let place = 0; place < best.size && best.totalAt(place) >= least; place++) {
      const [at, row] = [device * CANDIDATES + place, from + best.actionAt(place)]
      candidates.mask[at] = 1
      candidates.actions[at] = best.actionAt(place)
      candidates.totals[at] = best.totalAt(place)
      const values = batch.features.subarray(row * featureCount, (row + 1) * featureCount)
      candidates.features.set(values, at * featureCount)
    }
  }
  return candidates
}

/** Model of an action, or IDLE. */
export function modelOf(action: number): number {
  return action === 0 ? IDLE : action - 1
}

/** The few of the greatest totals, of equal ones those that were offered first. */
class BestActions {
  size = 0
  readonly #actions = new Int32Array(CANDIDATES)
  readonly #totals = new Float64Array(CANDIDATES)

  clear(): void {
    this.size = 0
  }

  actionAt(place: number): number {
    return this.#actions[place] ?? 0
  }

  totalAt(place: number): number {
    return this.#totals[place] ?? 0
  }

  offer(action: number, total: number): void {
    if (this.size === CANDIDATES && total <= (this.#totals[CANDIDATES - 1] ?? 0)) return
    let place = Math.min(this.size, CANDIDATES - 1)
    for (; place > 0 && total > (this.#totals[place - 1] ?? 0); place--) {
      this.#actions[place] = this.#actions[place - 1] ?? 0
      this.#totals[place] = this.#totals[place - 1] ?? 0
    }
    this.#actions[place] = action
    this.#totals[place] = total
    if (this.size < CANDIDATES) this.size++
  }
}
