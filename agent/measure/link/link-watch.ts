import { messageOf } from '../../../runtime/errors.ts'
import type { Logger } from '../../../runtime/logger.ts'
import type { ByteBudget } from './byte-budget.ts'
import { ChangeDetector, type Verdict } from './change-detector.ts'
import type { InterfaceFigures } from './link-interface.ts'
import type { LinkPeer } from './link-probe.ts'
import type { LinkSeries } from './link-series.ts'
import { LookJudge } from './look-judge.ts'
import type { LookKind, LookPlan } from './look-plan.ts'
import { type LinkMeasurement, measureGranted } from './measure-link.ts'
import type { PassiveSample } from './passive-goodput.ts'
import { type Direction, TransferWatch } from './transfer-meter.ts'

export interface LinkWatchOptions {
  /** The other end, or undefined while there is none. */
  readonly peer: () => LinkPeer | undefined
  readonly series: LinkSeries
  readonly budget: ByteBudget
  readonly plan: LookPlan
  /** The interface that the link goes through. */
  readonly readInterface: () => Promise<InterfaceFigures | undefined>
  /** Fills the link to measure it. */
  readonly measureNow: () => Promise<unknown>
  readonly onSpent: (spent: { readonly sentBytes: number; readonly receivedBytes: number }) => void
  readonly log: Logger
  /** Monotonic, in ms. */
  readonly now?: () => number
}

/** With less a link whose rate nobody knows is not worth filling. */
const BULK_BYTES_MIN = 256 * 1024
const FAR_FACTOR = 1.5
const DIRECTIONS = ['down', 'up'] as const

interface Look {
  readonly kind: LookKind
  readonly rates: Readonly<Record<Direction, number | undefined>>
}

/**
 * Watches the link between its measurements: small looks, at most one a round but for a second one
 * where the first is doubtful, and all real transfers. Has it measured anew when its rate has changed.
 */
export class LinkWatch {
  readonly meter: TransferWatch
  readonly #options: LinkWatchOptions
  readonly #now: () => number
  readonly #ending = new AbortController()
  readonly #looked = { down: new LookJudge(), up: new LookJudge() }
  readonly #transferred = { down: new ChangeDetector(), up: new ChangeDetector() }
  #interface: InterfaceFigures | undefined
  #kind: LookKind | undefined
  #isChanged = false
  #measurementsSeen = 0
  #running: Promise<void> | undefined

  constructor(options: LinkWatchOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.meter = new TransferWatch((direction, sample) => this.#onTransfer(direction, sample))
  }

  /** A communication round has begun. Joins a look that is under way; never rejects. */
  onRound(): Promise<void> {
    this.#running ??= this.#round()
      .catch(error => this.#options.log.debug({ reason: messageOf(error) }, 'link not looked at'))
      .finally(() => {
        this.#running = undefined
      })
    return this.#running
  }

  /** Waits for a measurement that is under way: whoever measures is to be stopped before. */
  async stop(): Promise<void> {
    this.#ending.abort(new Error('the agent stops'))
    await this.#running
  }

  /** Bytes that may be spent now on filling the link, of so many; or why none. */
  async allow(bytes: number): Promise<number | { readonly reason: string }> {
    await this.#readInterface()
    if (this.#interface?.isMetered) {
      return {
        reason: `${this.#interface.name} is metered: measure.linkMetered lets no bytes be spent`,
      }
    }
    const { budget, plan } = this.#options
    const left = budget.left({ nowMs: this.#now(), bitsPerSecond: this.#rates() })
    const expected = plan.bulkBytes(this.#rate('down'), this.#rate('up')) ?? BULK_BYTES_MIN
    const isEnough = left.bytes >= Math.min(bytes, expected)
    return isEnough ? Math.min(bytes, left.bytes) : { reason: left.boundBy }
  }

  spend(bytes: number): void {
    this.#options.budget.spend(bytes, this.#now())
  }

  async #round(): Promise<void> {
    if (!this.#options.peer()?.grant || this.#ending.signal.aborted) return
    await this.#readInterface()
    const isKnown = this.#rates() !== undefined
    const isMetered = this.#interface?.isMetered ?? false
    if ((!isKnown || this.#isChanged) && !isMetered) await this.#measure()
    else if ((await this.#look({ isSecond: false })) === 'doubtful') {
      await this.#look({ isSecond: true })
      if (this.#isChanged) await this.#measure()
    }
  }

  async #measure(): Promise<void> {
    const { series, plan, measureNow } = this.#options
    const before = series.measurements
    const told = { down: this.#rate('down'), up: this.#rate('up') }
    await measureNow()
    // What was refused now is wanted in the next round too.
    if (series.measurements === before) return
    // A change that was none: the train rode on saved tokens.
    if (this.#isChanged && DIRECTIONS.some(one => isFar(told[one], this.#rate(one)))) {
      plan.lengthen()
    }
    this.#isChanged = false
  }

  async #look({ isSecond }: { readonly isSecond: boolean }): Promise<Verdict> {
    const { plan, budget } = this.#options
    const rates = { down: this.#rate('down'), up: this.#rate('up') }
    if (this.#options.series.measurements !== this.#measurementsSeen) this.#recalibrate()
    this.#measurementsSeen = this.#options.series.measurements
    const isMetered = this.#interface?.isMetered ?? false
    const next = plan.next({ rates, isMetered, isSecond, nowMs: this.#now() })
    if (!next) return 'same'
    const bitsPerSecond = this.#rates()
    if (budget.left({ nowMs: this.#now(), bitsPerSecond }).bytes < next.bytes) return 'same'
    const peer = this.#options.peer()
    if (!peer?.grant) return 'same'
    const { signal } = this.#ending
    const measured = await measureGranted(
      async wish =>
        (await peer.grant?.(wish, signal)) ?? Promise.reject(new Error('no probe port')),
      { ...next.extent, signal },
    )
    this.#account(measured)
    return this.#judge({ kind: next.kind, rates: this.#ratesOf(measured) })
  }

  #account({ datagrams, downlink, uplink }: LinkMeasurement): void {
    const { series, plan, onSpent } = this.#options
    const small = (datagrams?.bytesSpent ?? 0) / 2
    const receivedBytes = Math.round(small + (downlink?.bytesSpent ?? 0))
    const sentBytes = Math.round(small + (uplink?.bytesSpent ?? 0))
    this.spend(sentBytes + receivedBytes)
    onSpent({ sentBytes, receivedBytes })
    if (datagrams?.status === 'ok') series.addDatagrams(datagrams, new Date().toISOString())
    else if (datagrams?.isUnanswered) plan.onUnanswered()
  }

  #ratesOf({ datagrams, downlink, uplink }: LinkMeasurement): Look['rates'] {
    if (datagrams?.status === 'ok') {
      return { down: datagrams.downCapacity, up: datagrams.upCapacity }
    }
    return {
      down: downlink?.status === 'ok' ? downlink.bitsPerSecond : undefined,
      up: uplink?.status === 'ok' ? uplink.bitsPerSecond : undefined,
    }
  }

  #judge({ kind, rates }: Look): Verdict {
    if (kind !== this.#kind) this.#recalibrate()
    this.#kind = kind
    const isTrain = kind === 'train'
    const verdicts = DIRECTIONS.map(direction => {
      const rate = rates[direction]
      const goodput = this.#rate(direction)
      const verdict = this.#looked[direction].judge({ rate, goodput, isTrain })
      if (verdict === 'changed' && rate !== undefined) this.#onChanged(direction, { kind, rate })
      return verdict
    })
    if (verdicts.includes('blind')) this.#options.plan.lengthen()
    return verdicts.includes('doubtful') ? 'doubtful' : 'same'
  }

  #recalibrate(): void {
    for (const direction of DIRECTIONS) this.#looked[direction].recalibrate()
  }

  #onChanged(direction: Direction, { kind, rate }: { kind: LookKind; rate: number }): void {
    if (kind === 'echoes') return
    const { series, log } = this.#options
    const fields = { direction, before: series.rate(direction), now: rate, seenBy: kind }
    log.info(fields, 'rate of the link has changed')
    this.#isChanged = true
    series.restart(direction, { seenBy: kind, rate, measuredAt: new Date().toISOString() })
  }

  #onTransfer(direction: Direction, sample: PassiveSample): void {
    const { series, log } = this.#options
    const measuredAt = new Date().toISOString()
    log.debug({ direction, ...sample }, 'transfer measured the link')
    const isChanged = this.#transferred[direction].add(sample.bitsPerSecond) === 'changed'
    if (isChanged) this.#onChanged(direction, { kind: 'transfer', rate: sample.bitsPerSecond })
    else series.addPassive(direction, sample, measuredAt)
  }

  async #readInterface(): Promise<void> {
    this.#interface = await this.#options.readInterface()
    this.#options.series.noteInterface(this.#interface)
  }

  #rate(direction: Direction): number | undefined {
    return this.#options.series.rate(direction)
  }

  /** Of both directions together, undefined while one is not known. */
  #rates(): number | undefined {
    const [down, up] = [this.#rate('down'), this.#rate('up')]
    return down === undefined || up === undefined ? undefined : down + up
  }
}

/** By more than looks and measurements differ. */
function isFar(told: number | undefined, measured: number | undefined): boolean {
  return told !== undefined && measured !== undefined && told > FAR_FACTOR * measured
}
