import { GAIN_SCALE } from '../action-features.ts'
import { CANDIDATES, type CandidateBatch, modelOf } from './candidates.ts'
import type { PolicyNetworks } from './policy-file.ts'
import type { ScorerNetwork } from './scorer-network.ts'

/** Where the actor prefers another choice to that of the plan. */
export interface Correction {
  /** IDLE, or the model. */
  readonly model: number
  /** What is to be added to the plan's total of this choice, in gain. */
  readonly bonus: number
  /** How much more than the plan's choice it is held to be worth. */
  readonly lead: number
}

/** Corrections by device, and how many more the critics did not agree with. */
export interface Corrections {
  readonly ofDevice: readonly (Correction | undefined)[]
  readonly refusedCount: number
}

/**
 * What the actor would do other than the plan. With `critics`, only where both of them hold the
 * actor's choice for worth more, by the lesser lead of the two; else by what the actor's own scores
 * say, which are in the unit of values.
 */
export function correctionsOf(
  batch: CandidateBatch,
  {
    actor,
    critics,
  }: Pick<PolicyNetworks, 'actor'> & { readonly critics: readonly ScorerNetwork[] },
): Corrections {
  const scores = new Float64Array(CANDIDATES)
  const values = new Float64Array(CANDIDATES)
  let refusedCount = 0
  const ofDevice = Array.from({ length: batch.deviceCount }, (_, device) => {
    const from = device * CANDIDATES
    const rows = { from: from * batch.featureCount, count: countOf(batch, from) }
    if (rows.count < 2) return undefined
    actor.score(batch.features, rows, scores)
    const place = greatestOf(scores, rows.count)
    if (place === 0) return undefined
    let lead = critics.length === 0 ? leadOf(scores, place) : Number.POSITIVE_INFINITY
    for (const critic of critics) {
      critic.score(batch.features, rows, values)
      lead = Math.min(lead, leadOf(values, place))
    }
    if (lead <= 0) {
      refusedCount++
      return undefined
    }
    const behind = (batch.totals[from] ?? 0) - (batch.totals[from + place] ?? 0)
    return { model: modelOf(batch.actions[from + place] ?? 0), bonus: lead + behind, lead }
  })
  return { ofDevice, refusedCount }
}

function countOf({ mask }: CandidateBatch, from: number): number {
  let count = 0
  while (count < CANDIDATES && mask[from + count] === 1) count++
  return count
}

function greatestOf(scores: Float64Array, count: number): number {
  let best = 0
  for (let place = 1; place < count; place++) {
    if ((scores[place] ?? 0) > (scores[best] ?? 0)) best = place
  }
  return best
}

function leadOf(values: Float64Array, place: number): number {
  return ((values[place] ?? 0) - (values[0] ?? 0)) / GAIN_SCALE
}
