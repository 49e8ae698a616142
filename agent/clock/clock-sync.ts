import type { ClockFigures } from '../../protocol/urp.ts'
import type { Clock } from '../../runtime/clock.ts'
import { messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Stoppable } from '../../runtime/shutdown.ts'
import type { CostLedger } from '../cost/cost-ledger.ts'
import { ClockEstimate } from './clock-estimate.ts'
import type { SessionExchange } from './clock-exchange.ts'
import { JumpWatch } from './jump-watch.ts'

/** Of one refresh: enough that one of them was not held up by a queue. */
const EXCHANGES_MAX = 4
/** Good enough to end a refresh early: a slot is hundreds of times as long. */
const ERROR_MS_ENOUGH = 2
/** Question and answer as JSON with numbers of usual length, for the account of what is spent. */
const ASK_BYTES = 108
const TELL_BYTES = 156

export interface ClockSyncOptions {
  readonly peer: { exchangeClock(): Promise<SessionExchange> }
  /** Counts on whatever happens to the system's date. */
  readonly clock: Pick<Clock, 'now'>
  /** The system's date, which may jump. */
  readonly wallMs?: () => number
  readonly cost?: Pick<CostLedger, 'add'>
  readonly log: Logger
}

/** Keeps the estimate of the controller's clock, and renews it when a clock has jumped. */
export class ClockSync implements Stoppable {
  readonly #options: ClockSyncOptions
  readonly #estimate = new ClockEstimate()
  readonly #watch: JumpWatch
  readonly #correctedListeners = new Set<() => void | Promise<void>>()
  #refreshing: Promise<void> | undefined

  constructor(options: ClockSyncOptions) {
    this.#options = options
    this.#watch = new JumpWatch({
      wallMs: options.wallMs ?? Date.now,
      monotonicMs: () => options.clock.now(),
      onJump: byMs => void this.#onJump(byMs),
    })
  }

  /** Controller's clock minus ours, in ms; 0 until the controller has answered once. */
  get offsetMs(): number {
    return this.#estimate.at(this.#options.clock.now())?.offsetMs ?? 0
  }

  /** The offset with its bound, as the URP says it; undefined until the controller has answered. */
  get figures(): ClockFigures | undefined {
    const reading = this.#estimate.at(this.#options.clock.now())
    if (!reading) return undefined
    const { offsetMs, errorMs, measuredAtMs, drift } = reading
    return {
      offsetMs: toMicroseconds(offsetMs),
      errorMs: toMicroseconds(errorMs),
      measuredAt: new Date(measuredAtMs).toISOString(),
      ...(drift.isMeasured ? { driftPpm: Math.round(drift.ppm * 10) / 10 } : {}),
    }
  }

  start(): void {
    this.#watch.start()
  }

  stop(): Promise<void> {
    return this.#watch.stop()
  }

  /** Called when the offset was measured anew after a jump: plans on the old one are to be redone. */
  onCorrected(listener: () => void | Promise<void>): void {
    this.#correctedListeners.add(listener)
  }

  /** Looks at the clocks now; the watch does so by itself every two seconds. */
  check(): void {
    this.#watch.check()
  }

  /**
   * Exchanges until one is good enough, the quickest counts. A controller that is away is no error.
   * Who asks while it is under way waits for the same exchanges.
   */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #refresh(): Promise<void> {
    const { peer, clock, cost, log } = this.#options
    try {
      for (let done = 0; done < EXCHANGES_MAX; done++) {
        const exchange = await peer.exchangeClock()
        cost?.add('clock', { sentBytes: ASK_BYTES, receivedBytes: TELL_BYTES })
        this.#estimate.add(exchange, clock.now())
        const reading = this.#estimate.at(clock.now())
        if (reading && reading.errorMs <= ERROR_MS_ENOUGH) return
      }
    } catch (error) {
      log.debug({ reason: messageOf(error) }, 'clock exchange failed')
    }
  }

  /** After a sleep the offset is off by its length; after a step of the date it is as it was. */
  async #onJump(byMs: number): Promise<void> {
    this.#estimate.jumped(byMs)
    this.#options.log.info({ byMs: Math.round(byMs) }, 'date or monotonic clock jumped')
    await this.refresh()
    for (const listener of this.#correctedListeners) await listener()
  }
}

function toMicroseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
