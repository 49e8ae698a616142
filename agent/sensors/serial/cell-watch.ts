import type { CellSignal } from '../../../firmware-bridge/drivers/at-modem.ts'
import type { CellFigures } from '../../../protocol/urp.ts'
import type { Clock } from '../../../runtime/clock.ts'

/** A modem is asked each second: what it has not repeated for so long holds no more. */
const AGE_MS_MAX = 30_000

/** What a modem has said lately of its cell, of several answers that each tell a part. */
export class CellWatch {
  readonly #clock: Clock
  #answers = new Map<string, { readonly signal: CellSignal; readonly atMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(signal: CellSignal): void {
    this.#answers.set(signal.source, { signal, atMs: this.#clock.now() })
  }

  /** Null while nothing was said lately. */
  figures(): CellFigures | null {
    const now = this.#clock.now()
    const fresh = [...this.#answers.values()].filter(({ atMs }) => now - atMs < AGE_MS_MAX)
    if (fresh.length === 0) return null
    // The one that came last is right where two tell the same.
    const said = fresh.sort((a, b) => a.atMs - b.atMs).map(({ signal }) => signal)
    const { source: _, ...fields } = Object.assign({}, ...said) as CellSignal
    const lastMs = fresh.at(-1)?.atMs ?? now
    return { ...fields, measuredAt: new Date(lastMs).toISOString() }
  }
}
