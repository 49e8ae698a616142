import type { RecentParts } from './recent-parts.ts'

/** As far back as this share is judged. */
const ROUNDS = 8
/** Change within rounds is as good as none up to this share of the change from round to round. */
const WITHIN_MOST = 0.25

/**
 * How far rounds hold one number each, from 0 to 1: a row that is measured once a round, whose slots
 * tell nothing of where it is going. 1 where nothing changes within rounds, 0 where a quarter of what
 * changes from round to round does.
 */
export function heldShare(recent: RecentParts): number {
  let [within, between] = [0, 0]
  for (let ago = 0; ago < ROUNDS; ago++) {
    const step = Math.abs(recent.roundMean(ago) - recent.roundMean(ago + 1))
    const change = recent.changeWithin(ago)
    if (Number.isNaN(step + change)) continue
    within += change
    between += step
  }
  return between > 0 ? Math.max(0, 1 - within / between / WITHIN_MOST) : 0
}
