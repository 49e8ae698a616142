import type { BenchRow } from '../../bench/bench-report.ts'
import { shareOf } from './interval.ts'

/** Figures of one row, seed by seed, beside what they are a share of. */
interface Figures {
  readonly gains: number[]
  readonly references: number[]
}

/** Collects what studies find, in the order in which rows are first named. */
export class Tally {
  readonly #rows = new Map<string, Figures>()

  add(name: string, gain: number, reference: number): void {
    const row = this.#rows.get(name) ?? { gains: [], references: [] }
    row.gains.push(gain)
    row.references.push(reference)
    this.#rows.set(name, row)
  }

  /** Each row as a share in per cent, or as a ratio, with its interval. */
  rows(): BenchRow[] {
    return [...this.#rows].map(([name, { gains, references }]) => {
      const share = shareOf(gains, references)
      if (!name.startsWith('zeros') && !name.endsWith('.joules')) {
        return { name, unit: '%', ...share }
      }
      const { value, low, high, n } = share
      return { name, unit: 'ratio', value: value / 100, low: low / 100, high: high / 100, n }
    })
  }
}
