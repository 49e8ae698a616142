import type { ByteBudgetOptions } from './byte-budget.ts'
import { datagramBytesOf, type LinkPart } from './measure-link.ts'
import type { Direction } from './transfer-meter.ts'

export type LookKind = 'echoes' | 'train' | 'transfer'

export interface PlannedLook {
  readonly kind: LookKind
  readonly bytes: number
  readonly extent: {
    readonly bytesMax: number
    readonly packets?: { readonly down: number; readonly up: number }
    readonly durationMsMax?: number
    readonly parts: readonly LinkPart[]
  }
}

type Rates = Readonly<Record<Direction, number | undefined>>

const PACKETS_MIN = 20
const PACKETS_LONG = 208
const PACKETS_MAX = 2048
const STRETCH_MAX = 128
const PACKET_BITS = 1228 * 8
/**
 * Link time of the half of a train that counts: a factor of two is to be seen, and where a late wake-up
 * of the receiver shows another one, the second train is twice as long.
 */
const TRAIN_MS = 15
/** Above it Node.js is too slow a receiver to time packets. */
export const TRAIN_BITS_PER_SECOND_MAX = 150e6
/** A short transfer: its rate is too low, but the same each time. */
const TRANSFER_MS = 100
const TRANSFER_BYTES_MAX = 4 * 2 ** 20
/** A measurement ends when it is certain, mostly after so long in each direction. */
const BULK_MS = 2500
/** Looks share the budget with measurements. */
const LOOKS_SHARE = 0.5
const DAY_MS = 86_400_000
/** Datagrams that were not answered are tried again after so many looks without. */
const LOOKS_WITHOUT_UDP = 60

/**
 * How the link is looked at, and how often: echoes and a train of packets as long as the rate needs,
 * a short transfer where packets cannot be timed, echoes alone where bytes cost money. Looks are spread
 * so that they take half of the budget at most. Pure.
 */
export class LookPlan {
  readonly #budget: ByteBudgetOptions
  /** Times the packets that the rate needs. */
  #stretch = 1
  #nextAtMs = Number.NEGATIVE_INFINITY
  #looksWithoutUdp = 0

  constructor(budget: ByteBudgetOptions) {
    this.#budget = budget
  }

  /** Undefined where it is too early. `isSecond`: to make sure of the last one, with a longer train. */
  next(o: {
    readonly rates: Rates
    readonly isMetered: boolean
    readonly isSecond: boolean
    readonly nowMs: number
  }): PlannedLook | undefined {
    if (!o.isSecond && o.nowMs < this.#nextAtMs) return undefined
    const look = this.#look(o)
    // A second one is rare: it does not put off the next, which may have to decide between the two.
    if (look && !o.isSecond) this.#nextAtMs = o.nowMs + this.#pauseMs(look.bytes, o.rates)
    return look
  }

  /** The train was too short to say anything. */
  lengthen(): void {
    this.#stretch = Math.min(STRETCH_MAX, this.#stretch * 2)
  }

  /** UDP does not get through: for a while the link is looked at without. */
  onUnanswered(): void {
    this.#looksWithoutUdp = LOOKS_WITHOUT_UDP
  }

  /** What filling the link in both directions will take, undefined while nobody knows. */
  bulkBytes(down: number | undefined, up: number | undefined): number | undefined {
    return down === undefined || up === undefined ? undefined : ((down + up) * BULK_MS) / 8000
  }

  #look(o: {
    readonly rates: Rates
    readonly isMetered: boolean
    readonly isSecond: boolean
  }): PlannedLook | undefined {
    const { rates, isMetered, isSecond } = o
    const rate = Math.max(rates.down ?? 0, rates.up ?? 0)
    const hasUdp = this.#looksWithoutUdp <= 0
    if (!hasUdp) this.#looksWithoutUdp -= 1
    if (isMetered) return hasUdp ? lookWith({ down: 0, up: 0 }, 'echoes') : undefined
    const packets = {
      down: this.#packets(rates.down ?? 0, isSecond),
      up: this.#packets(rates.up ?? 0, isSecond),
    }
    // What no train is long enough for is not seen by the longest either.
    const isBlind =
      !isSecond &&
      this.#stretch > 1 &&
      packets.down === packetsMaxOf(rates.down) &&
      packets.up === packetsMaxOf(rates.up)
    const isTooFast = rate > TRAIN_BITS_PER_SECOND_MAX || isBlind
    return hasUdp && !isTooFast ? lookWith(packets, 'train') : this.#transfer(rate)
  }

  /** As long as its own way needs: a train that suits the downlink would clog a slow uplink. */
  #packets(rate: number, isSecond: boolean): number {
    const needed = Math.max(PACKETS_MIN, Math.ceil((2 * rate * TRAIN_MS) / 1000 / PACKET_BITS))
    return Math.min(packetsMaxOf(rate), needed * this.#stretch * (isSecond ? 2 : 1))
  }

  #transfer(rate: number): PlannedLook {
    const bytesMax = Math.min(TRANSFER_BYTES_MAX, Math.ceil((rate * TRANSFER_MS) / 8000) + 65_536)
    return {
      kind: 'transfer',
      bytes: 2 * bytesMax,
      extent: { bytesMax, durationMsMax: 4 * TRANSFER_MS, parts: ['down', 'up'] },
    }
  }

  #pauseMs(bytes: number, rates: Rates): number {
    const { bytesPerDayMax, capacityShareMax } = this.#budget
    const carried = ((rates.down ?? 0) + (rates.up ?? 0)) / 8000
    // What nobody knows bounds nothing.
    const ofLink = carried > 0 ? capacityShareMax * carried : Number.POSITIVE_INFINITY
    const perMs = Math.min(bytesPerDayMax / DAY_MS, ofLink) * LOOKS_SHARE
    return perMs > 0 ? bytes / perMs : DAY_MS
  }
}

/** 256 kB, which drain the buckets of most shapers, or half a second of the link. */
function packetsMaxOf(rate = 0): number {
  return Math.min(PACKETS_MAX, Math.max(PACKETS_LONG, Math.ceil(rate / 2 / PACKET_BITS)))
}

function lookWith(
  packets: { readonly down: number; readonly up: number },
  kind: LookKind,
): PlannedLook {
  return {
    kind,
    bytes: datagramBytesOf(packets),
    extent: { bytesMax: 0, packets, parts: ['datagrams'] },
  }
}
