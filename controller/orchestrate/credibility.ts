import { median } from 'simple-statistics'

/** Rounds that are looked back at. */
const ROUNDS_KEPT = 5
/** A forecast may be wrong by a factor of two; a claim that is wrong by more is no forecast. */
const KEPT_SHARE = 0.5
/** From here on part of a claim counts as delivered in full. */
const FULL_SHARE = 0.9
/** Lower shares tell no more than that next to nothing came. */
const SHARE_MIN = 1e-4

interface Credit {
  /** Delivered over claimed, the oldest first; 1 before anything is known. */
  readonly shares: readonly number[]
  /** Part of its claim that was asked for. */
  readonly asked: number
}

const UNKNOWN: Credit = { shares: new Array<number>(ROUNDS_KEPT).fill(1), asked: 1 }

/**
 * How much of what each device claims its records support, in (0, 1]: the median over the last rounds
 * of samples delivered over samples promised, begun with ones. So one or two failed rounds change
 * nothing, and a claim that never holds counts from the third round on. Who is asked for part of
 * its claim and delivers it is believed twice as much, and again.
 */
export class Credibility {
  readonly #credits = new Map<string, Credit>()

  of(agentId: string): number {
    return this.#credits.get(agentId)?.asked ?? 1
  }

  /** What became of one order. */
  learn(agentId: string, o: { readonly promised: number; readonly delivered: number }): void {
    const kept = o.delivered / o.promised
    if (!Number.isFinite(kept)) return
    const { shares, asked } = this.#credits.get(agentId) ?? UNKNOWN
    const isKept = kept >= (asked === 1 ? KEPT_SHARE : FULL_SHARE)
    const share = isKept ? 2 * asked : kept * asked
    const next = [...shares.slice(1), Math.min(1, Math.max(SHARE_MIN, share))]
    this.#credits.set(agentId, { shares: next, asked: median([...next]) })
  }
}
