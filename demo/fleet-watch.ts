import { GainnetError } from '../runtime/errors.ts'
import { eventsOf, type FleetEvent } from './fleet-events.ts'
import { type FleetMessage, type FleetView, stepView } from './fleet-view.ts'

/** What the screen can show, and some to look back. */
const EVENTS_KEPT = 50

interface Wait {
  readonly isDone: (view: FleetView) => boolean
  readonly settle: (error?: Error) => void
}

/** The view as messages arrive, and waits on it that end: with what was waited for, or with why not. */
export class FleetWatch {
  readonly #onEvent: (event: FleetEvent) => void
  readonly #waits = new Set<Wait>()
  #view: FleetView
  #events: readonly FleetEvent[] = []
  #failure: Error | null = null

  constructor(view: FleetView, onEvent: (event: FleetEvent) => void) {
    this.#view = view
    this.#onEvent = onEvent
  }

  get view(): FleetView {
    return this.#view
  }

  get events(): readonly FleetEvent[] {
    return this.#events
  }

  take(message: FleetMessage): void {
    const events = eventsOf(this.#view, message)
    this.#view = stepView(this.#view, message)
    for (const event of events) this.tell(event)
    for (const wait of this.#waits) if (wait.isDone(this.#view)) wait.settle()
  }

  tell(event: FleetEvent): void {
    this.#events = [...this.#events, event].slice(-EVENTS_KEPT)
    this.#onEvent(event)
  }

  /** Ends every wait, now and later: there is nothing to wait for any more. */
  fail(error: Error): void {
    this.#failure ??= error
    for (const wait of this.#waits) wait.settle(this.#failure)
  }

  throwIfFailed(): void {
    if (this.#failure) throw this.#failure
  }

  waitFor(
    isDone: (view: FleetView) => boolean,
    { ms, what }: { readonly ms: number; readonly what: string },
  ): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure)
    if (isDone(this.#view)) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        wait.settle(new GainnetError('DEADLINE_PASSED', `waited ${ms / 1000} s for ${what}`))
      }, ms)
      const wait: Wait = {
        isDone,
        settle: error => {
          clearTimeout(timer)
          this.#waits.delete(wait)
          if (error) reject(error)
          else resolve()
        },
      }
      this.#waits.add(wait)
    })
  }
}
