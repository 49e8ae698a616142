import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { MqttClient } from 'mqtt'
import { GainnetError, messageOf } from '../runtime/errors.ts'
import { type BrokerAddress, openSocket } from './broker-address.ts'
import { tlsTrouble } from './broker-tls.ts'

export interface PublishOptions {
  readonly qos: 0 | 1
  readonly retain: boolean
}

export interface Will extends PublishOptions {
  readonly topic: string
  readonly payload: Uint8Array
}

/** How one connection came to its end; what the supervisor decides on. */
export type LinkEnd =
  | { readonly kind: 'unreachable'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string; readonly returnCode: number }
  | { readonly kind: 'closed-by-peer'; readonly reason: string }
  | { readonly kind: 'silent'; readonly reason: string }
  | { readonly kind: 'stopped'; readonly reason: string }

export interface LinkOptions {
  readonly address: BrokerAddress
  /** For an address with TLS; what Node.js trusts where left out. */
  readonly secureContext?: SecureContext | undefined
  readonly clientId: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly keepaliveSeconds: number
  readonly will?: Will | undefined
  readonly connectDeadlineMs: number
  /** How long acknowledgements may stand still while some are owed. */
  readonly ackDeadlineMs: number
  readonly onMessage: (topic: string, payload: Buffer) => void
}

/** Un-acknowledged messages handed to the library at once; 32 blocks are 8 MiB. */
const IN_FLIGHT_MAX = 32
/** Messages that wait for a place in flight: beyond it the caller must keep them itself. */
const WAITING_MAX = 4096
/** Bytes the socket may owe before messages without acknowledgement are turned away. */
const UNSENT_BYTES_MAX = 8 * 1024 * 1024
/** CONNACK return codes 1, 2, 4 and 5 stay until somebody changes something; 3 passes. */
const LASTING_REFUSALS = new Set([1, 2, 4, 5])

const CLOSED = 'closed by the other side'
/** How a peer ends a connection that it does not understand. */
const BROKEN_OFF = new RegExp(`^${CLOSED}$|ECONNRESET|EPIPE`)

interface Pending {
  readonly since: number
  reject(error: Error): void
}

/**
 * The life of one MQTT 3.1.1 connection: one socket, one client object of the library, used once.
 * Nothing of it survives its end, so that no state of the library can stall the next one.
 */
export class BrokerLink {
  /** True at CONNACK, false where it never comes. */
  readonly opened: Promise<boolean>
  readonly ended: Promise<LinkEnd>
  readonly #socket: Socket
  readonly #client: MqttClient
  readonly #options: LinkOptions
  readonly #pending = new Set<Pending>()
  readonly #waiting: (() => void)[] = []
  readonly #connectTimer: NodeJS.Timeout
  #resolveOpened: (isOpen: boolean) => void = () => {}
  #resolveEnded: (end: LinkEnd) => void = () => {}
  #watchTimer: NodeJS.Timeout | undefined
  #state: 'opening' | 'open' | 'closing' | 'ended' = 'opening'
  #end: LinkEnd | undefined
  #inFlight = 0
  #progressAt = performance.now()

  constructor(options: LinkOptions) {
    this.#options = options
    this.opened = new Promise(resolve => {
      this.#resolveOpened = resolve
    })
    this.ended = new Promise(resolve => {
      this.#resolveEnded = resolve
    })
    this.#socket = openSocket(options.address, options.secureContext)
    this.#client = createClient(this.#socket, options)
    this.#connectTimer = setTimeout(() => {
      const reason = `no answer within ${options.connectDeadlineMs} ms`
      this.#finish({ kind: 'unreachable', reason })
    }, options.connectDeadlineMs)
    this.#listen()
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Address of this end, which tells the network interface; undefined before it is open. */
  get localAddress(): string | undefined {
    return this.#socket.localAddress
  }

  get bytesSent(): number {
    return this.#socket.bytesWritten
  }

  get bytesReceived(): number {
    return this.#socket.bytesRead
  }

  /** Resolves on PUBACK (QoS 1) or when written (QoS 0). */
  async publish(topic: string, payload: Uint8Array, options: PublishOptions): Promise<void> {
    if (!this.isOpen) throw unreachable('not connected', { sent: false })
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
    if (options.qos === 0) {
      if (this.#socket.writableLength > UNSENT_BYTES_MAX) {
        throw unreachable('the network does not keep up', { sent: false })
      }
      return this.#await(done => this.#client.publish(topic, bytes, options, done))
    }
    await this.#enterFlight()
    try {
      await this.#await(done => this.#client.publish(topic, bytes, options, done))
    } finally {
      this.#leaveFlight()
    }
  }

  /** Resolves at SUBACK with the filters that the broker refused. */
  async subscribe(filters: readonly string[]): Promise<readonly string[]> {
    if (filters.length === 0) return []
    if (!this.isOpen) throw unreachable('not connected', { sent: false })
    const refused: string[] = []
    await this.#await(done =>
      this.#client.subscribe([...filters], { qos: 1 }, (error, _, suback) => {
        // The answers stand in the order of the filters; 128 says no (MQTT 3.1.1, 3.9.3).
        const answers = [...(suback?.granted ?? [])]
        refused.push(...filters.filter((_filter, index) => answers[index] === 128))
        // A refused filter is a result; only a broken connection is a failure.
        done(error && refused.length === 0 && this.isOpen ? error : undefined)
      }),
    )
    return refused
  }

  async unsubscribe(filter: string): Promise<void> {
    if (!this.isOpen) return
    await this.#await(done => this.#client.unsubscribe(filter, done))
  }

  /** Says DISCONNECT, so that the broker keeps the will to itself; cuts the socket at the deadline. */
  async close(deadlineMs: number): Promise<void> {
    if (this.#state === 'opening') this.#finish({ kind: 'stopped', reason: 'stopped' })
    if (this.#state === 'open') {
      this.#state = 'closing'
      const timer = setTimeout(() => {
        this.#finish({ kind: 'stopped', reason: 'the broker did not close in time' })
      }, deadlineMs)
      this.#client.end(false)
      await this.ended
      clearTimeout(timer)
    }
    await this.ended
  }

  #listen(): void {
    let problem: string | undefined
    this.#client.on('connect', () => {
      clearTimeout(this.#connectTimer)
      this.#state = 'open'
      this.#progressAt = performance.now()
      this.#watch()
      this.#resolveOpened(true)
    })
    this.#client.on('message', (topic, payload) => {
      this.#progressAt = performance.now()
      this.#options.onMessage(topic, payload)
    })
    this.#client.on('error', error => {
      problem = describeError(error)
      const returnCode = 'code' in error ? error.code : undefined
      if (typeof returnCode === 'number' && LASTING_REFUSALS.has(returnCode)) {
        this.#finish({ kind: 'refused', reason: error.message, returnCode })
      } else this.#lose(problem)
    })
    this.#client.on('close', () => this.#lose(problem ?? CLOSED))
  }

  #lose(reason: string): void {
    const kind =
      this.#state === 'closing'
        ? 'stopped'
        : this.#state === 'open'
          ? 'closed-by-peer'
          : 'unreachable'
    const isUnanswered = kind === 'unreachable' && BROKEN_OFF.test(reason)
    this.#finish({ kind, reason: isUnanswered ? `${reason}: ${this.#tlsHint()}` : reason })
  }

  /** Who speaks TLS to a port without it, or the other way round, is only cut off. */
  #tlsHint(): string {
    return this.#options.address.tls
      ? 'if this port is without TLS, use mqtt://, or the port with TLS (mostly 8883)'
      : 'if this port is with TLS, use mqtts://'
  }

  /**
   * Pings, and judges by bytes that arrive: the library's own keep-alive takes a slow download that
   * delays the PINGRESP for a dead connection (mqttjs/MQTT.js#1778).
   */
  #watch(): void {
    const keepaliveMs = this.#options.keepaliveSeconds * 1000
    const everyMs = Math.min(1000, keepaliveMs / 4)
    let [watchedAt, heardAt, pingedAt] = [performance.now(), performance.now(), performance.now()]
    let [bytesRead, bytesUnsent] = [0, 0]
    this.#watchTimer = setInterval(() => {
      const now = performance.now()
      const { bytesRead: bytesReadNow, writableLength } = this.#socket
      // After a standstill of this process what has arrived is not yet read: no verdict now.
      if (bytesReadNow !== bytesRead || now - watchedAt > 3 * everyMs) heardAt = now
      const isMoving = this.#pending.size === 0 || writableLength < bytesUnsent
      if (isMoving || now - watchedAt > 3 * everyMs) this.#progressAt = now
      watchedAt = now
      bytesRead = bytesReadNow
      bytesUnsent = writableLength
      if (now - heardAt > keepaliveMs * 1.5) {
        this.#finish({
          kind: 'silent',
          reason: `nothing heard for ${Math.round(now - heardAt)} ms`,
        })
      } else if (this.#isStuck(now)) {
        this.#finish({ kind: 'silent', reason: `${this.#pending.size} acknowledgements are owed` })
      } else if (now - pingedAt >= keepaliveMs / 2) {
        pingedAt = now
        this.#client.sendPing()
      }
    }, everyMs)
  }

  #isStuck(now: number): boolean {
    const { ackDeadlineMs } = this.#options
    if (now - this.#progressAt > ackDeadlineMs) return true
    const [oldest] = this.#pending
    return oldest !== undefined && now - oldest.since > 10 * ackDeadlineMs
  }

  async #enterFlight(): Promise<void> {
    if (this.#inFlight >= IN_FLIGHT_MAX) {
      if (this.#waiting.length >= WAITING_MAX) {
        throw unreachable('too many messages wait for the broker', { sent: false })
      }
      await new Promise<void>(resolve => this.#waiting.push(resolve))
      // The place was handed over.
      if (this.isOpen) return
      throw this.#lost(false)
    }
    this.#inFlight += 1
  }

  /** Hands the place to who waits longest, so that nobody overtakes. */
  #leaveFlight(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#inFlight -= 1
  }

  #await(start: (done: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const pending: Pending = { since: performance.now(), reject }
      this.#pending.add(pending)
      start(error => {
        if (!this.#pending.delete(pending)) return
        this.#progressAt = performance.now()
        if (error) reject(unreachable(error.message, { sent: true }))
        else resolve()
      })
    })
  }

  #lost(sent: boolean): GainnetError {
    const { kind, reason } = this.#end ?? { kind: 'stopped', reason: 'stopping' }
    return unreachable(reason, { sent, ending: kind })
  }

  #finish(end: LinkEnd): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#end = end
    clearTimeout(this.#connectTimer)
    clearInterval(this.#watchTimer)
    const pending = [...this.#pending]
    this.#pending.clear()
    for (const { reject } of pending) reject(this.#lost(true))
    for (const wake of this.#waiting.splice(0)) wake()
    this.#client.end(true)
    this.#socket.destroy()
    this.#resolveOpened(false)
    this.#resolveEnded(end)
  }
}

function createClient(socket: Socket, options: LinkOptions): MqttClient {
  const { clientId, username, password, keepaliveSeconds, will } = options
  return new MqttClient(() => socket, {
    protocolVersion: 4,
    clean: true,
    clientId,
    keepalive: keepaliveSeconds,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(will ? { will: { ...will, payload: Buffer.from(will.payload) } } : {}),
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    connectTimeout: options.connectDeadlineMs + 1000,
    // Keeps the library's keep-alive asleep: BrokerLink pings and judges itself.
    timerVariant: { set: () => 0, clear: () => {} },
  })
}

function unreachable(reason: string, details: Record<string, unknown>): GainnetError {
  return new GainnetError('BROKER_UNREACHABLE', reason, details)
}

/** An attempt over several addresses fails with an AggregateError, whose message is empty. */
function describeError(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ')
  return tlsTrouble(error) ?? error.message
}
