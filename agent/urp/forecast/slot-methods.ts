import { meanOfKnown } from './mean-of-known.ts'
import { median } from './median.ts'
import { ROUNDS_FOR_SLOTS } from './slot-quantiles.ts'
import { slotSeason } from './slot-season.ts'

/** What is known of a row when the coming round is forecast. */
export interface SlotView {
  /** Oldest first, each with its slots in order; NaN is not measured. */
  readonly rounds: readonly ArrayLike<number>[]
  readonly slots: number
  /** Forecast of the mean of the coming round. */
  readonly level: number
}

/** The coming slots as they will probably be; null or NaN where a method cannot tell. */
export type SlotMethod = (view: SlotView) => number[] | null

/** Ways to say what each slot will be like. A new one is a function and a line. */
export const SLOT_METHODS = {
  'level forecast': ({ slots, level }) => Array(slots).fill(level),
  'level forecast with slot pattern': ({ rounds, slots, level }) => {
    const pattern = slotPattern(rounds, slots)
    return pattern?.map(deviation => level + deviation) ?? null
  },
  'season of slots': ({ rounds, slots }) => slotSeason(rounds, slots),
} as const satisfies Readonly<Record<string, SlotMethod>>

/** How far each slot usually lies from its round's mean; null before there are three rounds. */
function slotPattern(rounds: readonly ArrayLike<number>[], slots: number): number[] | null {
  if (rounds.length < ROUNDS_FOR_SLOTS) return null
  const means = rounds.map(round => meanOfKnown(round))
  return Array.from({ length: slots }, (_, slot) =>
    median(rounds.map((round, index) => (round[slot] ?? Number.NaN) - (means[index] ?? 0))),
  )
}
