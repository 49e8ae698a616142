import type { Clock } from '../../runtime/clock.ts'
import { TokenBucket } from './token-bucket.ts'

/** What an order grants to one transfer: bits over its slots, on the agent's clock. */
export interface TransferGrant {
  readonly bits: number
  readonly startsAtMs: number
  readonly endsAtMs: number
}

/**
 * A transfer that fills its grant to the last bit must be through, headers of MQTT included and
 * confirmed, before its slots end: it goes by this much faster than bits over time.
 */
const HEADROOM = 1.03
/** Who begins late, because training took its time, has the same bits in less: to that part of it. */
const LATENESS_MAX = 1 / 3
/** A timer of a busy board fires some ten ms late, which is no reason to lose them. */
const BURST_MS = 50
/** Messages on their way to one transfer: enough for a round trip over a slow network. */
const IN_FLIGHT_MS = 500
/** Of one message while a link is shared: what the bucket lets go at once. */
const MESSAGE_MS = 20
/** A turn of the event loop is no wait. */
const WAIT_MS_MIN = 1
/** Beyond it the hashes and headers of small blocks would take more than they are worth. */
const BLOCKS_MAX = 256
const BLOCK_BYTES_MIN = 8 * 1024

/**
 * Paces one transfer by what it was granted. It has no tokens before its slots begin. What is not
 * through when they end goes on at the same rate, and is counted as beyond them: the rest of a round
 * may still wait for it, and a steady rate leaves others their part of the link.
 */
export class TransferPace {
  readonly #clock: Clock
  readonly #grant: TransferGrant
  readonly #bucket: TokenBucket
  readonly #bytesPerSecond: number
  #turn: Promise<void> = Promise.resolve()
  #usedBytes = 0
  #bytesBeyond = 0
  #hasWaited = false

  private constructor(clock: Clock, grant: TransferGrant) {
    const { bits, endsAtMs } = grant
    const latestMs = grant.startsAtMs + LATENESS_MAX * (endsAtMs - grant.startsAtMs)
    const startsAtMs = Math.max(grant.startsAtMs, Math.min(clock.now(), latestMs))
    this.#clock = clock
    this.#grant = grant
    this.#bytesPerSecond = ((bits / 8) * HEADROOM * 1000) / (endsAtMs - startsAtMs)
    this.#bucket = new TokenBucket({
      clock,
      perSecond: this.#bytesPerSecond,
      burstMs: BURST_MS,
      startsAtMs,
    })
  }

  /** Undefined where nothing is granted: then there is nothing to pace by. */
  static of(clock: Clock, grant: TransferGrant): TransferPace | undefined {
    const isGrant = grant.bits > 0 && grant.endsAtMs > grant.startsAtMs
    return isGrant ? new TransferPace(clock, grant) : undefined
  }

  /** Granted for the whole transfer. */
  get grantedBytes(): number {
    return this.#grant.bits / 8
  }

  /** Bytes that were let go, headers of MQTT included. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  /** Those of them after the end of the slots. */
  get bytesBeyond(): number {
    return this.#bytesBeyond
  }

  /** Whether it was this pace, and not the link, that held the transfer back. */
  get hasWaited(): boolean {
    return this.#hasWaited
  }

  /** The rate at which it lets bytes go. */
  get bitsPerSecond(): number {
    return this.#bytesPerSecond * 8
  }

  /** Bytes that may be on their way at once, so that a link that recovers brings no burst. */
  get windowBytes(): number {
    return (this.#bytesPerSecond * IN_FLIGHT_MS) / 1000
  }

  /** Whether so few bytes are not worth cutting: they go at once. */
  isBurst(bytes: number): boolean {
    return bytes * 1000 <= this.#bytesPerSecond * MESSAGE_MS
  }

  /** Resolves when the bytes may go; rejects when aborted first. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const askedAtMs = this.#clock.now()
    // One after the other: what gives up while it waits for its turn has taken nothing.
    const turn = this.#turn.then(() => this.#bucket.take(bytes, signal))
    this.#turn = turn.catch(() => undefined)
    await turn
    this.#hasWaited ||= this.#clock.now() - askedAtMs > WAIT_MS_MIN
    this.#count(bytes)
  }

  /** Counts what goes at once because others wait for it; what follows is the later for it. */
  spend(bytes: number): void {
    this.#bucket.reserve(bytes)
    this.#count(bytes)
  }

  /** Size of the blocks of an upload: small ones make an even flow, many ones cost hashes. */
  blockBytesFor(payloadBytes: number, bytesMax: number): number {
    const even = (this.#bytesPerSecond * MESSAGE_MS) / 1000
    const wanted = Math.max(even, payloadBytes / BLOCKS_MAX, BLOCK_BYTES_MIN)
    return Math.min(bytesMax, Math.ceil(wanted))
  }

  #count(bytes: number): void {
    this.#usedBytes += bytes
    if (this.#clock.now() > this.#grant.endsAtMs) this.#bytesBeyond += bytes
  }
}
