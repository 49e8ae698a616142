import { smoothedShares } from './gai-gain.ts'

type Counts = readonly number[]

/** Pairs of a fleet of 10,000 devices and 50 models; beyond it a memo starts anew. */
const PAIRS_MAX = 500_000

/**
 * Correlations of sketches, kept while neither changes: a device reports the same sketch for many
 * rounds, and two histograms of 256 bins cost more than all else about an edge. Sketches are
 * compared by what they hold, since each report is a new object.
 */
export class CorrelationMemo {
  readonly #rows = new Map<string, CorrelationRow>()
  #pairs = 0

  /** What is kept of a device, by any name for it and its sensors; emptied where its sketch changed. */
  rowOf(device: string, counts: Counts): CorrelationRow {
    const known = this.#rows.get(device)
    if (known && isSame(known.counts, counts)) return known
    if (this.#pairs >= PAIRS_MAX) {
      this.#rows.clear()
      this.#pairs = 0
    }
    const fresh = new CorrelationRow(counts, () => this.#pairs++)
    this.#rows.set(device, fresh)
    return fresh
  }
}

interface Kept {
  readonly modelId: string
  readonly counts: Counts
  readonly correlation: number
}

export class CorrelationRow {
  readonly counts: Counts
  readonly #onNew: () => void
  /** By the place of the model in its list, which seldom changes. */
  readonly #kept: (Kept | undefined)[] = []
  #shares: readonly number[] | undefined

  constructor(counts: Counts, onNew: () => void) {
    this.counts = counts
    this.#onNew = onNew
  }

  /** The counts as smoothed shares. */
  shares(smoothing: number): readonly number[] {
    this.#shares ??= smoothedShares(this.counts, smoothing)
    return this.#shares
  }

  known(place: number, modelId: string, counts: Counts): number | undefined {
    const kept = this.#kept[place]
    const holds = kept !== undefined && kept.modelId === modelId && isSame(kept.counts, counts)
    return holds ? kept.correlation : undefined
  }

  keep(place: number, kept: Kept): void {
    if (this.#kept[place] === undefined) this.#onNew()
    this.#kept[place] = kept
  }
}

function isSame(a: Counts, b: Counts): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let bin = 0; bin < a.length; bin++) if (a[bin] !== b[bin]) return false
  return true
}
