import { WriteStream } from 'node:tty'
import type { FleetEvent } from './fleet-events.ts'
import type { FleetWatch } from './fleet-watch.ts'
import { LiveScreen } from './live-screen.ts'
import { renderScreen } from './screen.ts'
import { type Line, paintLine } from './styled-text.ts'

/** Five pictures a second: slots are half a second long. */
const REDRAW_MS = 200
const ROWS_MAX = 30

/** How a run shows itself while it goes on. */
export interface Presenter {
  event(event: FleetEvent): void
  /** From when on there is a fleet to show. */
  watch(watch: FleetWatch, logsFolder: string): void
  /** May be called twice. */
  end(): void
}

/** One screen on a terminal, a line for each event elsewhere. */
export function createPresenter(stream: NodeJS.WritableStream): Presenter {
  return stream instanceof WriteStream ? new ScreenPresenter(stream) : new PlainPresenter(stream)
}

export function coloursWanted(stream: NodeJS.WritableStream): boolean {
  return stream instanceof WriteStream && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
}

export function printLines(stream: NodeJS.WritableStream, lines: readonly Line[]): void {
  const hasColours = coloursWanted(stream)
  const columns = stream instanceof WriteStream ? stream.columns : Number.POSITIVE_INFINITY
  for (const line of lines) stream.write(`${paintLine(line, { hasColours, columns }).trimEnd()}\n`)
}

class PlainPresenter implements Presenter {
  readonly #stream: NodeJS.WritableStream
  readonly #startedAt = performance.now()

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream
  }

  event({ text }: FleetEvent): void {
    const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(1).padStart(6)
    this.#stream.write(`${seconds} s  ${text}\n`)
  }

  watch(_: FleetWatch, logsFolder: string): void {
    this.event({ tone: 'note', text: `logs in ${logsFolder}` })
  }

  end(): void {}
}

class ScreenPresenter implements Presenter {
  readonly #screen: LiveScreen
  readonly #stream: WriteStream
  #timer: NodeJS.Timeout | undefined
  #hasEnded = false
  #draw: () => void = () => {}

  constructor(stream: WriteStream) {
    this.#stream = stream
    this.#screen = new LiveScreen(stream, { hasColours: coloursWanted(stream) })
  }

  /** Before there is a fleet, lines; afterwards the screen shows the watch's events. */
  event({ text }: FleetEvent): void {
    if (!this.#timer) this.#stream.write(` ${text}\n`)
  }

  watch(watch: FleetWatch, logsFolder: string): void {
    this.#draw = () => {
      const rows = Math.min(ROWS_MAX, this.#screen.rows)
      const nowMs = performance.timeOrigin + performance.now()
      this.#screen.draw(renderScreen(watch.view, { nowMs, events: watch.events, logsFolder, rows }))
    }
    this.#draw()
    this.#timer = setInterval(this.#draw, REDRAW_MS)
  }

  end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    clearInterval(this.#timer)
    this.#draw()
    this.#screen.end()
  }
}
