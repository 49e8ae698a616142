import type { Arrival } from './goodput-estimator.ts'
import { type PassiveSample, passiveGoodput } from './passive-goodput.ts'

export type Direction = 'down' | 'up'

/** One transfer that is being watched. */
export interface WatchedTransfer {
  /** So many more bytes have arrived at the other end, or here. */
  add(bytes: number): void
  /** `isHeldBack`: something else than the link set the pace; then it tells nothing of the link. */
  end(o?: { readonly isHeldBack?: boolean }): void
}

/** Real transfers as measurements of the link; nothing is sent for it. */
export interface TransferMeter {
  watch(direction: Direction, counter?: () => number): WatchedTransfer
}

/** A counter of received bytes is read so often while a transfer runs. */
const READ_EVERY_MS = 25
/** 50 s of readings; a longer transfer is told by its last ones. */
const ARRIVALS_MAX = 2000

interface Running {
  isShared: boolean
}

/** Watches transfers and tells what each says about the link. */
export class TransferWatch implements TransferMeter {
  readonly #onSample: (direction: Direction, sample: PassiveSample) => void
  readonly #running = { down: new Set<Running>(), up: new Set<Running>() }

  constructor(onSample: (direction: Direction, sample: PassiveSample) => void) {
    this.#onSample = onSample
  }

  /** With `counter`, bytes received so far of a connection, arrivals are read from it. */
  watch(direction: Direction, counter?: () => number): WatchedTransfer {
    const arrivals: Arrival[] = []
    const note = (bytesTotal: number): void => {
      if (arrivals.length >= ARRIVALS_MAX) arrivals.shift()
      arrivals.push({ atMs: performance.now(), bytesTotal })
    }
    const running = this.#begin(direction)
    const timer = counter && setInterval(() => note(counter()), READ_EVERY_MS)
    timer?.unref()
    let bytesTotal = 0
    return {
      add: bytes => {
        bytesTotal += bytes
        if (!counter) note(bytesTotal)
      },
      end: ({ isHeldBack = false } = {}) => {
        clearInterval(timer)
        if (!this.#running[direction].delete(running)) return
        if (counter) note(counter())
        // A counter is of all that comes; acknowledgements are of one transfer among others.
        if (isHeldBack || (running.isShared && !counter)) return
        const sample = passiveGoodput(arrivals)
        if (sample) this.#onSample(direction, sample)
      },
    }
  }

  #begin(direction: Direction): Running {
    const all = this.#running[direction]
    const running = { isShared: all.size > 0 }
    for (const other of all) other.isShared = true
    all.add(running)
    return running
  }
}
