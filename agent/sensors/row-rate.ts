/** Rows of the last ten seconds tell the rate: enough for one a second, and soon true again. */
const WINDOW_MS = 10_000

/** How fast rows come, over the last seconds. */
export class RowRate {
  readonly #startedAtMs: number
  /** Time and count of what came at one moment, oldest first. */
  #noted: { readonly atMs: number; readonly rows: number }[] = []

  constructor(nowMs: number) {
    this.#startedAtMs = nowMs
  }

  note(nowMs: number, rows: number): void {
    const last = this.#noted.at(-1)
    // A tenth of a second is one moment: what is kept has a bound, however fast rows come.
    if (last && nowMs - last.atMs < WINDOW_MS / 100) {
      this.#noted[this.#noted.length - 1] = { atMs: last.atMs, rows: last.rows + rows }
    } else this.#noted.push({ atMs: nowMs, rows })
    this.#forget(nowMs)
  }

  /** Rows a second; 0 before anything came. */
  perSecond(nowMs: number): number {
    this.#forget(nowMs)
    const rows = this.#noted.reduce((sum, one) => sum + one.rows, 0)
    const spanMs = Math.min(WINDOW_MS, nowMs - this.#startedAtMs)
    return spanMs > 0 ? (rows * 1000) / spanMs : 0
  }

  #forget(nowMs: number): void {
    const from = this.#noted.findIndex(({ atMs }) => atMs > nowMs - WINDOW_MS)
    this.#noted = from < 0 ? [] : this.#noted.slice(from)
  }
}
