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

export class CorrelationRow {
  readonly counts: Counts
  readonly #onNew: () => void
  readonly #models = new Map<string, { readonly counts: Counts; readonly correlation: number }>()

  constructor(counts: Counts, onNew: () => void) {
    this.counts = counts
    this.#onNew = onNew
  }

  correlation(modelId: string, counts: Counts, compute: () => number): number {
    const kept = this.#models.get(modelId)
    if (kept && isSame(kept.counts, counts)) return kept.correlation
    const correlation = compute()
    if (!kept) this.#onNew()
    this.#models.set(modelId, { counts, correlation })
    return correlation
  }
}

function isSame(a: Counts, b: Counts): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let bin = 0; bin < a.length; bin++) if (a[bin] !== b[bin]) return false
  return true
}
