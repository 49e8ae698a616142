import { connect, type Socket } from 'node:net'
import { sendFiller } from '../../../protocol/probe/filler.ts'
import {
  type ArrivalReport,
  helloOf,
  MAGIC,
  ReportReader,
  startsWithMagic,
} from '../../../protocol/probe/probe-stream.ts'
import { messageOf } from '../../../runtime/errors.ts'
import { GoodputEstimator } from './goodput-estimator.ts'
import type { TcpEnds, TcpInfo } from './tcp-info.ts'

export interface BulkProbeOptions {
  readonly host: string
  readonly port: number
  /** One-time token for this direction, base64url. */
  readonly token: string
  readonly direction: 'down' | 'up'
  readonly bytesMax: number
  readonly durationMsMax?: number
  /** Asked once of an uplink, in the midst of it. */
  readonly readTcpInfo?: ((ends: TcpEnds) => Promise<TcpInfo | undefined>) | undefined
  readonly signal?: AbortSignal | undefined
}

export type BulkOutcome =
  | {
      readonly status: 'ok'
      /** Payload of TCP, at the receiver. */
      readonly bitsPerSecond: number
      /** Half of the 95 % interval over the rate; Infinity where there was too little to tell. */
      readonly ciShare: number
      readonly stoppedBy: 'stable' | 'bytes' | 'time'
      readonly durationMs: number
      readonly discardedMs: number
      readonly bytesSpent: number
      /** What the sender's kernel said, where it was asked and knew. */
      readonly tcp?: TcpInfo
    }
  | { readonly status: 'failed'; readonly reason: string; readonly bytesSpent: number }

/** ndt7: nothing is learnt after 10 s that was not known before. */
const DURATION_MS_MAX = 10_000
const CONNECT_MS_MAX = 5000
/** Longer than a retransmission of a retransmission. */
const SILENCE_MS_MAX = 4000
const CHECK_EVERY_MS = 50
/** Two clocks that count milliseconds do not part by more in 10 s. */
const CLOCK_SLACK_MS = 50
/** Slow start is over on most links, and the probe is not. */
const TCP_INFO_AFTER_MS = 600
const STABLE_CI_SHARE = 0.03
const STABLE_MS_MIN = 1000
const KEPT_MS_MIN = 600
/** BBR looks for more every eight round trips: before the third time its plateau may be half-way. */
const STABLE_ROUND_TRIPS_MIN = 24
const RTT_MS_MAX = 150
const RECEIVE_BUFFER_BYTES = 256 * 1024

/**
 * One TCP transfer in one direction, timed at the receiver: at this end for a downlink, by the
 * reports of the server for an uplink. Ends early when the rate is known well enough. Never rejects.
 */
export function runBulkProbe(options: BulkProbeOptions): Promise<BulkOutcome> {
  return new BulkProbe(options).run()
}

class BulkProbe {
  readonly #options: BulkProbeOptions
  readonly #estimator = new GoodputEstimator()
  readonly #reports = new ReportReader()
  #socket: Socket | undefined
  #greeting: Buffer = Buffer.alloc(0)
  #isWelcome = false
  #isSent = false
  #startedAtMs = 0
  /** Of the handshake. */
  #rttMs = 0
  #heardAtMs = 0
  #firstAtMs: number | undefined
  #received = 0
  #tcpInfo: Promise<TcpInfo | undefined> | undefined
  #end: (outcome: BulkOutcome) => void = () => undefined

  constructor(options: BulkProbeOptions) {
    this.#options = options
  }

  async run(): Promise<BulkOutcome> {
    const { signal } = this.#options
    if (signal?.aborted) return this.#failed(messageOf(signal.reason))
    this.#startedAtMs = performance.now()
    this.#heardAtMs = this.#startedAtMs
    const ended = new Promise<BulkOutcome>(resolve => {
      this.#end = resolve
    })
    const timer = setInterval(() => this.#check(), CHECK_EVERY_MS)
    const onAbort = (): void => this.#end(this.#failed(messageOf(signal?.reason)))
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#open()
    const outcome = await ended
    clearInterval(timer)
    signal?.removeEventListener('abort', onAbort)
    // What is queued here or there is of no use any more.
    this.#socket?.resetAndDestroy()
    const tcp = await this.#tcpInfo
    return tcp && outcome.status === 'ok' ? { ...outcome, tcp } : outcome
  }

  #open(): void {
    const { host, port, token } = this.#options
    const socket = connect({
      host,
      port,
      noDelay: true,
      // One buffer for all reads: at 300 Mbit/s the garbage would cost more than the probe.
      onread: {
        buffer: Buffer.alloc(RECEIVE_BUFFER_BYTES),
        callback: (count, buffer) => {
          this.#onBytes(Buffer.from(buffer.buffer, buffer.byteOffset, count))
          return true
        },
      },
    })
    this.#socket = socket
    socket.on('connect', () => {
      this.#rttMs = performance.now() - this.#startedAtMs
      socket.write(helloOf(Buffer.from(token, 'base64url')))
    })
    socket.on('error', error => this.#end(this.#failed(messageOf(error))))
    socket.on('close', () => this.#end(this.#closed()))
  }

  #onBytes(bytes: Buffer): void {
    const now = performance.now()
    this.#heardAtMs = now
    if (!this.#isWelcome) {
      this.#welcome(bytes, now)
      return
    }
    if (this.#options.direction === 'up') {
      for (const report of this.#reports.read(bytes)) this.#onReport(report, now)
      return
    }
    this.#received += bytes.length
    // The first bytes only start the time.
    if (this.#firstAtMs === undefined) {
      this.#firstAtMs = now
      this.#received = 0
    }
    this.#estimator.add(now - this.#firstAtMs, this.#received)
  }

  /** No more bytes can have arrived than were sent, nor at a later time than now. */
  #onReport({ atMs, bytesTotal }: ArrivalReport, now: number): void {
    const elapsedMs = now - this.#startedAtMs
    const sent = this.#socket?.bytesWritten ?? 0
    if (
      !(atMs >= 0 && atMs <= elapsedMs + CLOCK_SLACK_MS && bytesTotal >= 0 && bytesTotal <= sent)
    ) {
      this.#end(this.#failed('the other end reports what cannot be'))
    } else this.#estimator.add(atMs, bytesTotal)
  }

  #welcome(bytes: Buffer, now: number): void {
    this.#greeting = Buffer.concat([this.#greeting, bytes])
    if (this.#greeting.length < MAGIC.length) return
    if (!startsWithMagic(this.#greeting)) {
      this.#end(this.#failed('the other end is no probe server'))
      return
    }
    this.#isWelcome = true
    this.#startedAtMs = now
    const rest = this.#greeting.subarray(MAGIC.length)
    if (rest.length > 0) this.#onBytes(rest)
    const { direction, bytesMax } = this.#options
    if (direction === 'up' && this.#socket) void this.#send(this.#socket, bytesMax)
  }

  /** With its end the server reports the rest. */
  async #send(socket: Socket, bytesMax: number): Promise<void> {
    await sendFiller(socket, bytesMax)
    this.#isSent = socket.writable
    if (socket.writable) socket.end()
  }

  #stableMsMin(): number {
    // A handshake with a lost packet took a second longer.
    const rttMs = Math.min(this.#rttMs, RTT_MS_MAX)
    return Math.max(STABLE_MS_MIN, rttMs * STABLE_ROUND_TRIPS_MIN)
  }

  /** The sender knows most of a connection: of a downlink that is the other end. */
  #askTcpInfo(now: number): void {
    const { readTcpInfo, direction } = this.#options
    const { localPort, remotePort } = this.#socket ?? {}
    if (!readTcpInfo || this.#tcpInfo || direction !== 'up') return
    if (localPort === undefined || remotePort === undefined) return
    if (!this.#isWelcome || now - this.#startedAtMs < TCP_INFO_AFTER_MS) return
    this.#tcpInfo = readTcpInfo({ localPort, remotePort })
  }

  #check(): void {
    const now = performance.now()
    this.#askTcpInfo(now)
    const { durationMsMax = DURATION_MS_MAX } = this.#options
    if (!this.#isWelcome) {
      const waitedMs = now - this.#startedAtMs
      if (waitedMs > CONNECT_MS_MAX) this.#end(this.#failed(`no answer in ${CONNECT_MS_MAX} ms`))
    } else if (now - this.#heardAtMs > SILENCE_MS_MAX) {
      this.#end(this.#failed(`nothing came for ${SILENCE_MS_MAX} ms`))
    } else if (now - this.#startedAtMs > durationMsMax) this.#end(this.#told('time'))
    else if (this.#estimator.durationMs >= this.#stableMsMin()) {
      const estimate = this.#estimator.estimate()
      const isStable = estimate && estimate.ciShare < STABLE_CI_SHARE
      if (isStable && estimate.keptMs >= KEPT_MS_MIN) this.#end(this.#told('stable'))
    }
  }

  /** The server ends a probe when its bytes are spent, and before that only by mistake. */
  #closed(): BulkOutcome {
    if (!this.#isWelcome) return this.#failed('the server closed the connection: token not taken')
    const { direction, bytesMax } = this.#options
    const isComplete = direction === 'up' ? this.#isSent : this.#bytesSpent() >= bytesMax
    return isComplete ? this.#told('bytes') : this.#failed('the connection was lost')
  }

  #told(stoppedBy: 'stable' | 'bytes' | 'time'): BulkOutcome {
    const estimate = this.#estimator.estimate()
    if (!estimate) return this.#failed('nothing arrived that took any time')
    const { bitsPerSecond, ciShare, discardedMs } = estimate
    const { durationMs } = this.#estimator
    const bytesSpent = this.#bytesSpent()
    return { status: 'ok', bitsPerSecond, ciShare, stoppedBy, durationMs, discardedMs, bytesSpent }
  }

  #failed(reason: string): BulkOutcome {
    return { status: 'failed', reason, bytesSpent: this.#bytesSpent() }
  }

  /** In both directions; of an uplink what the kernel was given. */
  #bytesSpent(): number {
    const socket = this.#socket
    return socket ? socket.bytesRead + socket.bytesWritten - socket.writableLength : 0
  }
}
