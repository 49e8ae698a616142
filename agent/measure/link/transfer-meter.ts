import type { Arrival } from './goodput-estimator.ts'
import { type PassiveSample, passiveGoodput } from './passive-goodput.ts'

export type Direction = 'down' | 'up'

/** One transfer that is being watched. */
export interface WatchedTransfer {
  /** So many more bytes have arrived at the other end, or here. */
  add(bytes: number): void
  /** `paceBitsPerSecond`: what the transfer was held to, where it was. */
  end(o?: { readonly paceBitsPerSecond?: number | undefined }): void
}

/** Real transfers as measurements of the link; nothing is sent for it. */
export interface TransferMeter {
  watch(direction: Direction, counter?: () => number): WatchedTransfer
}

/** A transfer that comes this close to its pace was held back by it, and not by the link. */
const PACE_SHARE = 0.9
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
  readonly #now: () => number
  readonly #running = { down: new Set<Running>(), up: new Set<Running>() }

  /** `now` is monotonic, in ms. */
  constructor(
    onSample: (direction: Direction, sample: PassiveSample) => void,
    now = () => performance.now(),
  ) {
    this.#onSample = onSample
    this.#now = now
  }

  /** With `counter`, bytes received so far of a connection, arrivals are read from it. */
  watch(direction: Direction, counter?: () => number): WatchedTransfer {
    const arrivals: Arrival[] = []
    const note = (bytesTotal: number): void => {
      if (arrivals.length >= ARRIVALS_MAX) arrivals.shift()
      arrivals.push({ atMs: this.#now(), bytesTotal })
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
      end: ({ paceBitsPerSecond = Number.POSITIVE_INFINITY } = {}) => {
        clearInterval(timer)
        if (!this.#running[direction].delete(running)) return
        if (counter) note(counter())
        // A counter is of all that comes; acknowledgements are of one transfer among others.
        if (running.isShared && !counter) return
        const sample = passiveGoodput(arrivals)
        const isOfLink = sample && sample.bitsPerSecond < PACE_SHARE * paceBitsPerSecond
        if (isOfLink) this.#onSample(direction, sample)
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
