/** A line of ffmpeg is a path and a reason; what is longer is an accident. */
const LINE_CHARACTERS_MAX = 500

/**
 * The last lines that a program wrote: what it died of. Those before are counted and forgotten, so
 * that a program that complains for years is no leak.
 */
export class LineTail {
  readonly #onLine: (line: string) => void
  readonly #linesMax: number
  readonly #lines: string[] = []
  #pending = ''
  #count = 0

  constructor(options: { readonly linesMax: number; readonly onLine?: (line: string) => void }) {
    this.#linesMax = options.linesMax
    this.#onLine = options.onLine ?? (() => undefined)
  }

  get count(): number {
    return this.#count
  }

  /** The last ones, oldest first, with what came after the last line break. */
  get lines(): readonly string[] {
    return this.#pending === '' ? this.#lines : [...this.#lines, this.#pending]
  }

  push(text: string): void {
    const lines = (this.#pending + text).split(/[\r\n]+/)
    this.#pending = (lines.pop() ?? '').slice(0, LINE_CHARACTERS_MAX)
    for (const line of lines) if (line !== '') this.#keep(line.slice(0, LINE_CHARACTERS_MAX))
  }

  #keep(line: string): void {
    this.#count += 1
    this.#lines.push(line)
    if (this.#lines.length > this.#linesMax) this.#lines.shift()
    this.#onLine(line)
  }
}
