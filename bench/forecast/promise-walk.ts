import { RowAccount } from '../../agent/urp/forecast/row-account.ts'
import { slotQuantiles } from '../../agent/urp/forecast/slot-quantiles.ts'

/** As an agent has them where nothing else is configured (config/agent-schema.ts). */
const QUANTILE = 0.25
const ROUNDS_MAX = 16

/** Sums over the slots that were promised; losses in Mbit/s. */
export interface PromiseScore {
  readonly slots: number
  readonly loss: number
  /** Of the quantile of the recent rounds, slot by slot. */
  readonly recentLoss: number
  readonly kept: number
}

/** What an agent would have promised, each time half a slot ahead: the last slot is not yet known. */
export function walkPromises(rates: Float64Array, slots: number): PromiseScore {
  const account = new RowAccount({ slots, roundsMax: ROUNDS_MAX, quantile: QUANTILE })
  const history: Float64Array[] = []
  const score = { slots: 0, loss: 0, recentLoss: 0, kept: 0 }
  for (let crId = 0; (crId + 2) * slots <= rates.length; crId++) {
    const round = rates.slice(crId * slots, (crId + 1) * slots)
    const current = round.with(slots - 1, Number.NaN)
    const promised = account.forecast(crId + 1, current)
    const recent = slotQuantiles([...history, current], { slots, quantile: QUANTILE })
    account.observe(crId, round)
    history.push(round)
    if (history.length > ROUNDS_MAX) history.shift()
    for (let slot = 0; slot < slots; slot++) {
      const came = rates[(crId + 1) * slots + slot] ?? Number.NaN
      const [ours, usual] = [promised?.[slot], recent?.[slot]]
      if (Number.isNaN(came) || ours === undefined || usual === undefined) continue
      score.slots++
      score.loss += quantileLoss(came - ours)
      score.recentLoss += quantileLoss(came - usual)
      if (came >= ours) score.kept++
    }
  }
  return score
}

/** Koenker and Bassett 1978. */
function quantileLoss(over: number): number {
  return over * (QUANTILE - (over < 0 ? 1 : 0))
}
