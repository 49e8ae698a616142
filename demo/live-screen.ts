import type { WriteStream } from 'node:tty'
import { type Line, paintLine } from './styled-text.ts'

const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
const CLEAR_TO_LINE_END = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'

/** Redraws the same rows of a terminal in place; what was there before stays above. */
export class LiveScreen {
  readonly #stream: WriteStream
  readonly #hasColours: boolean
  /** Also when the process ends by a way that nobody foresaw. */
  readonly #restore = (): void => {
    this.#stream.write(SHOW_CURSOR)
  }
  #rowsDrawn = 0

  constructor(stream: WriteStream, { hasColours }: { readonly hasColours: boolean }) {
    this.#stream = stream
    this.#hasColours = hasColours
    stream.write(HIDE_CURSOR)
    process.once('exit', this.#restore)
  }

  /** Rows that fit: one is left for the cursor. */
  get rows(): number {
    return this.#stream.rows - 1
  }

  draw(lines: readonly Line[]): void {
    const shown = lines.slice(0, Math.max(1, this.rows))
    const columns = this.#stream.columns
    const painted = shown.map(
      line => `${paintLine(line, { hasColours: this.#hasColours, columns })}${CLEAR_TO_LINE_END}\n`,
    )
    const up = Math.min(this.#rowsDrawn, this.rows)
    this.#stream.write(`${up > 0 ? `\x1b[${up}A\r` : ''}${painted.join('')}${CLEAR_BELOW}`)
    this.#rowsDrawn = shown.length
  }

  /** Leaves the last picture where it is and gives the cursor back. */
  end(): void {
    process.off('exit', this.#restore)
    this.#restore()
  }
}
