import { median, quantile } from 'simple-statistics'
import type { LinkFigures, Quantity } from '../../../protocol/urp.ts'
import { ECHO_METHOD, EXCHANGE_METHOD } from './link-figures.ts'
import { BULK_METHOD, type Datagrams, type Goodput, type LinkValues } from './link-probe.ts'
import { TRAIN_BITS_PER_SECOND_MAX } from './look-plan.ts'
import type { PassiveSample } from './passive-goodput.ts'
import { type RateSample, UNCERTAINTY, weightedQuantile, weightOf } from './rate-samples.ts'
import type { Direction } from './transfer-meter.ts'

/**
 * Bytes of one clock exchange on the wire: two JSON bodies of about 120 bytes, two topics of about
 * 50. Known only to the order, and stated because measuring is never free.
 */
const EXCHANGE_BYTES = 340
const RTTS_MAX = 512
const DATAGRAMS_MAX = 32
/** Payload of TCP in a packet of Ethernet's 1500 bytes (time stamps on), of what IP carries. */
const TCP_SHARE_OF_IP = 1448 / 1500
const FAR_SHARE = 0.25
const FAR_DEVIATIONS = 4
const CAPACITY_METHOD = 'dispersion of UDP trains'
export const PASSIVE_METHOD = 'real transfers, timed at the receiver'

interface SeriesOptions {
  readonly measurementsMax?: number
  /** Monotonic, in ms. */
  readonly now?: () => number
}

/**
 * What is known of one link: measurements and real transfers of each direction, weighted by how
 * certain and how old they are; round trips, loss and jitter. The oldest are dropped beyond a limit.
 */
export class LinkSeries {
  readonly #measurementsMax: number
  readonly #now: () => number
  readonly #rates: Record<Direction, RateSample[]> = { down: [], up: [] }
  readonly #datagrams: Datagrams[] = []
  #rtts: { readonly ms: number; readonly bytesSpent: number }[] = []
  #rttMethod = EXCHANGE_METHOD
  #rttAt = ''
  #datagramsAt = ''
  #tcp: Pick<LinkFigures, 'retransmittedShare' | 'congestionControl'> = {}
  #interface: LinkFigures['interface']
  #measurements = 0

  constructor({ measurementsMax = 24, now = () => performance.now() }: SeriesOptions = {}) {
    this.#measurementsMax = measurementsMax
    this.#now = now
  }

  /** How often the link was measured by filling it. */
  get measurements(): number {
    return this.#measurements
  }

  noteInterface(figures: LinkFigures['interface']): void {
    this.#interface = figures
  }

  add(values: LinkValues, measuredAt: string): void {
    this.#measurements += 1
    const { rttsMs, downlink, uplink, datagrams, retransmittedShare, congestionControl } = values
    this.#addRate('down', this.#measured(downlink, measuredAt))
    this.#addRate('up', this.#measured(uplink, measuredAt))
    if (datagrams) this.addDatagrams(datagrams, measuredAt)
    else this.#addRtts(rttsMs, { method: EXCHANGE_METHOD, bytesSpent: EXCHANGE_BYTES, measuredAt })
    this.#tcp = {
      ...(retransmittedShare === undefined ? {} : { retransmittedShare }),
      ...(congestionControl === undefined ? {} : { congestionControl }),
    }
  }

  addPassive(direction: Direction, { bitsPerSecond }: PassiveSample, measuredAt: string): void {
    this.#addRate(direction, {
      bitsPerSecond,
      method: PASSIVE_METHOD,
      uncertainty: UNCERTAINTY.passive,
      bytesSpent: 0,
      atMs: this.#now(),
      measuredAt,
    })
  }

  /**
   * The rate has changed to about this: what was measured before is of another link. It serves until
   * the link is measured.
   */
  restart(
    direction: Direction,
    o: {
      readonly seenBy: 'train' | 'transfer'
      readonly rate: number
      readonly measuredAt: string
    },
  ): void {
    const { seenBy, rate, measuredAt } = o
    this.#rates[direction] = []
    this.#datagrams.splice(0, this.#datagrams.length - 1)
    const isTrain = seenBy === 'train'
    this.#addRate(direction, {
      bitsPerSecond: isTrain ? rate * TCP_SHARE_OF_IP : rate,
      method: isTrain ? CAPACITY_METHOD : 'short TCP transfer',
      uncertainty: UNCERTAINTY.look,
      bytesSpent: 0,
      atMs: this.#now(),
      measuredAt,
    })
  }

  addDatagrams(datagrams: Datagrams, measuredAt: string): void {
    this.#datagrams.push(datagrams)
    if (this.#datagrams.length > DATAGRAMS_MAX) this.#datagrams.shift()
    this.#datagramsAt = measuredAt
    const { rttsMs } = datagrams
    const bytesSpent = Math.round(datagrams.bytesSpent / rttsMs.length)
    this.#addRtts(rttsMs, { method: ECHO_METHOD, bytesSpent, measuredAt })
  }

  /** Median rate, undefined before the first measurement. */
  rate(direction: Direction): number | undefined {
    return this.#rates[direction].length === 0 ? undefined : this.#quantile(direction, 0.5)
  }

  /** For the URP; undefined before anything was measured. */
  figures(link: string): LinkFigures | undefined {
    const { down, up } = this.#rates
    if (down.length === 0 && up.length === 0 && this.#rtts.length === 0) return undefined
    return {
      link,
      ...(down.length > 0 ? { downlinkBitsPerSecond: this.#goodput('down') } : {}),
      ...(up.length > 0 ? { uplinkBitsPerSecond: this.#goodput('up') } : {}),
      ...(this.#rtts.length > 0 ? { rttMs: this.#roundTrips() } : {}),
      ...this.#datagramFigures(),
      ...this.#tcp,
      ...(this.#interface ? { interface: this.#interface } : {}),
    }
  }

  #measured({ bitsPerSecond, bytesSpent, method, ciShare }: Goodput, measuredAt: string) {
    const isBulk = method === BULK_METHOD && ciShare !== undefined && Number.isFinite(ciShare)
    const uncertainty = isBulk ? Math.max(UNCERTAINTY.bulk, ciShare / 2) : UNCERTAINTY.trains
    return { bitsPerSecond, method, uncertainty, bytesSpent, atMs: this.#now(), measuredAt }
  }

  /** What a look told serves until there is better. */
  #addRate(direction: Direction, sample: RateSample): void {
    const better = this.#rates[direction].filter(
      ({ uncertainty }) => uncertainty < UNCERTAINTY.look,
    )
    const kept = this.#isOfAnotherLink(direction, sample) ? [] : better
    this.#rates[direction] = [...kept, sample].slice(-this.#measurementsMax)
  }

  /** A link that was filled knows its rate: where that is far from the others, they are of before. */
  #isOfAnotherLink(direction: Direction, { bitsPerSecond, uncertainty, method }: RateSample) {
    const rate = this.rate(direction)
    if (method !== BULK_METHOD || rate === undefined) return false
    return Math.abs(bitsPerSecond / rate - 1) > Math.max(FAR_SHARE, FAR_DEVIATIONS * uncertainty)
  }

  #addRtts(
    rttsMs: readonly number[],
    o: { readonly method: string; readonly bytesSpent: number; readonly measuredAt: string },
  ): void {
    // Echoes and exchanges through the broker are of two different ways.
    const kept = o.method === this.#rttMethod ? this.#rtts : []
    const added = rttsMs.map(ms => ({ ms, bytesSpent: o.bytesSpent }))
    this.#rtts = [...kept, ...added].slice(-RTTS_MAX)
    this.#rttMethod = o.method
    this.#rttAt = o.measuredAt
  }

  #quantile(direction: Direction, share: number): number {
    const now = this.#now()
    const weighted = this.#rates[direction].map(sample => ({
      value: sample.bitsPerSecond,
      weight: weightOf(sample, now),
    }))
    return weightedQuantile(weighted, share)
  }

  #goodput(direction: Direction): Quantity {
    const rates = this.#rates[direction]
    const methods = [...new Set(rates.map(({ method }) => method))]
    return {
      p10: this.#quantile(direction, 0.1),
      p50: this.#quantile(direction, 0.5),
      p90: this.#quantile(direction, 0.9),
      n: rates.length,
      method: methods.join(' and ').slice(0, 80),
      measuredAt: rates.at(-1)?.measuredAt ?? '',
      bytesSpent: rates.reduce((sum, { bytesSpent }) => sum + bytesSpent, 0),
    }
  }

  #roundTrips(): NonNullable<LinkFigures['rttMs']> {
    const rtts = this.#rtts.map(({ ms }) => ms)
    return {
      min: Math.min(...rtts),
      p10: quantile(rtts, 0.1),
      p50: quantile(rtts, 0.5),
      p90: quantile(rtts, 0.9),
      p95: quantile(rtts, 0.95),
      n: rtts.length,
      method: this.#rttMethod,
      measuredAt: this.#rttAt,
      bytesSpent: this.#rtts.reduce((sum, { bytesSpent }) => sum + bytesSpent, 0),
    }
  }

  #datagramFigures(): Partial<LinkFigures> {
    if (this.#datagrams.length === 0) return {}
    const told = { method: ECHO_METHOD, measuredAt: this.#datagramsAt }
    const middle = (way: Direction, key: 'jitterMs' | 'delayVariationMs') =>
      median(this.#datagrams.map(({ [way]: one }) => one[key]))
    const [downCapacity, upCapacity] = [this.#capacity('down'), this.#capacity('up')]
    return {
      loss: { down: this.#lost('down'), up: this.#lost('up'), ...told },
      jitterMs: {
        down: middle('down', 'jitterMs'),
        up: middle('up', 'jitterMs'),
        delayVariationDown: middle('down', 'delayVariationMs'),
        delayVariationUp: middle('up', 'delayVariationMs'),
        ...told,
      },
      ...(downCapacity ? { downlinkCapacityBitsPerSecond: downCapacity } : {}),
      ...(upCapacity ? { uplinkCapacityBitsPerSecond: upCapacity } : {}),
    }
  }

  #lost(way: Direction): { share: number; n: number } {
    const sum = (key: 'sent' | 'lost') =>
      this.#datagrams.reduce((all, { [way]: one }) => all + one[key], 0)
    return { share: sum('lost') / sum('sent'), n: sum('sent') }
  }

  #capacity(way: Direction): Quantity | undefined {
    const told = this.#datagrams.flatMap(datagrams => {
      const bitsPerSecond = way === 'down' ? datagrams.downCapacity : datagrams.upCapacity
      return bitsPerSecond === undefined ? [] : [bitsPerSecond]
    })
    // Of a faster link trains tell how the receiver wakes up, and not what the link could carry.
    if (told.length === 0 || median(told) > TRAIN_BITS_PER_SECOND_MAX) return undefined
    return {
      p10: quantile(told, 0.1),
      p50: quantile(told, 0.5),
      p90: quantile(told, 0.9),
      n: told.length,
      method: CAPACITY_METHOD,
      measuredAt: this.#datagramsAt,
      bytesSpent: 0,
    }
  }
}
