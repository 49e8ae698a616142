import type { SecureContext } from 'node:tls'
import { GainnetError, messageOf } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Random } from '../runtime/seeded-random.ts'
import { type BrokerAddress, parseBrokerUrl } from './broker-address.ts'
import { BrokerLink, type LinkEnd, type PublishOptions, type Will } from './broker-link.ts'
import { readSecureContext, type TlsFiles } from './broker-tls.ts'
import {
  RECONNECT_TIMING,
  ReconnectPolicy,
  type ReconnectTiming,
  type TroubleStatus,
} from './reconnect-policy.ts'
import { matchesFilter } from './topic-filter.ts'

export interface BrokerConnectionOptions {
  readonly url: string
  readonly tls?: TlsFiles | undefined
  readonly clientId: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly keepaliveSeconds: number
  readonly will?: Will | undefined
  readonly log: Logger
  readonly random: Random
  readonly reconnect?: Partial<ReconnectTiming>
  readonly connectDeadlineMs?: number
  readonly ackDeadlineMs?: number
}

export interface Subscription {
  unsubscribe(): Promise<void>
}

export type OnMessage = (topic: string, payload: Uint8Array) => void | Promise<void>

export type BrokerStatus = 'stopped' | 'connecting' | 'connected' | TroubleStatus

const CONNECT_DEADLINE_MS = 10_000
const ACK_DEADLINE_MS = 30_000
/** Bounds of a clean stop: what the owner still says, then DISCONNECT. */
const FAREWELL_DEADLINE_MS = 2000
const CLOSE_DEADLINE_MS = 1000

/**
 * The connection of a daemon to its broker for as long as the daemon lives: a new link for each
 * attempt, back-off between them, subscriptions made again at each connect. Losing the network is a
 * state here and never an error that ends anything.
 */
export class BrokerConnection {
  readonly #options: BrokerConnectionOptions
  readonly #address: BrokerAddress
  readonly #log: Logger
  readonly #policy: ReconnectPolicy
  readonly #subscriptions = new Set<{ filter: string; handler: OnMessage }>()
  readonly #connectedListeners = new Set<() => void | Promise<void>>()
  readonly #disconnectedListeners = new Set<(reason: string) => void>()
  #link: BrokerLink | undefined
  #status: BrokerStatus = 'stopped'
  #running: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #wakeUp: () => void = () => {}
  #pastBytesSent = 0
  #pastBytesReceived = 0
  #connectCount = 0
  #handlerErrors = 0
  #lastTrouble = ''
  #reason: string | undefined

  constructor(options: BrokerConnectionOptions) {
    this.#options = options
    this.#address = parseBrokerUrl(options.url)
    this.#log = options.log
    this.#policy = new ReconnectPolicy(options.random, {
      ...RECONNECT_TIMING,
      ...options.reconnect,
    })
  }

  get status(): BrokerStatus {
    return this.#status
  }

  get isConnected(): boolean {
    return this.#status === 'connected'
  }

  /** Why the last attempt ended; undefined where there was none, or it is connected. */
  get trouble(): string | undefined {
    return this.#reason
  }

  /** How often a connection came about, the first one included. */
  get connectCount(): number {
    return this.#connectCount
  }

  /** Address of this end of the socket; undefined when offline. */
  get localAddress(): string | undefined {
    return this.#link?.localAddress
  }

  /** Bytes on all sockets of this connection, MQTT's own included. */
  get bytesSent(): number {
    return this.#pastBytesSent + (this.#link?.bytesSent ?? 0)
  }

  get bytesReceived(): number {
    return this.#pastBytesReceived + (this.#link?.bytesReceived ?? 0)
  }

  /** Handlers that threw. */
  get handlerErrors(): number {
    return this.#handlerErrors
  }

  /** Starts connecting and goes on until stop(). Returns at once. */
  start(): void {
    this.#running ??= this.#run()
  }

  /**
   * Ends the connection so that the will is not published. `beforeEnd` may still publish, e.g. the
   * state `disconnected`; it is called only when there is a connection.
   */
  stop(beforeEnd?: () => Promise<void>): Promise<void> {
    this.#stopping ??= this.#end(beforeEnd)
    return this.#stopping
  }

  /** Called at each connect, when all subscriptions are in place. Returns how to end that. */
  onConnected(listener: () => void | Promise<void>): () => void {
    this.#connectedListeners.add(listener)
    return () => this.#connectedListeners.delete(listener)
  }

  onDisconnected(listener: (reason: string) => void): () => void {
    this.#disconnectedListeners.add(listener)
    return () => this.#disconnectedListeners.delete(listener)
  }

  /**
   * Resolves on PUBACK (QoS 1) or when written (QoS 0). Rejects with BROKER_UNREACHABLE at once when
   * offline, and when the connection is lost first; `details.sent` says whether it was on its way.
   */
  publish(topic: string, payload: Uint8Array, options: PublishOptions): Promise<void> {
    if (!this.#link) {
      const error = new GainnetError('BROKER_UNREACHABLE', 'not connected', { sent: false })
      return Promise.reject(error)
    }
    return this.#link.publish(topic, payload, options)
  }

  /**
   * Kept until it is ended and made again at each connect. Resolves at SUBACK, at once when offline;
   * rejects with BROKER_REFUSED where the broker does not allow it. Retained messages come again at
   * each connect, and to every subscription whose filter they match: handlers take them twice.
   */
  async subscribe(filter: string, handler: OnMessage): Promise<Subscription> {
    const entry = { filter, handler }
    this.#subscriptions.add(entry)
    const subscription = {
      unsubscribe: async (): Promise<void> => {
        if (!this.#subscriptions.delete(entry) || this.#hasFilter(filter)) return
        await this.#link?.unsubscribe(filter).catch(() => {})
      },
    }
    // A link that is lost now is followed by one that makes all subscriptions.
    const refused = this.#link?.isOpen ? await this.#link.subscribe([filter]).catch(() => []) : []
    if (refused.length > 0) {
      this.#subscriptions.delete(entry)
      throw new GainnetError('BROKER_REFUSED', `the broker refused to subscribe ${filter}`)
    }
    return subscription
  }

  #hasFilter(filter: string): boolean {
    return [...this.#subscriptions].some(other => other.filter === filter)
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      this.#status = 'connecting'
      const { end, livedMs } = await this.#live()
      if (this.#stopping) return
      const { waitMs, status } = this.#policy.after(end, livedMs)
      this.#status = status
      this.#tell(end, status, waitMs)
      await this.#pause(waitMs)
    }
  }

  /** One link from its first byte to its last. */
  async #live(): Promise<{ end: LinkEnd; livedMs: number }> {
    let secureContext: SecureContext | undefined
    try {
      secureContext = this.#address.tls ? readSecureContext(this.#options.tls ?? {}) : undefined
    } catch (error) {
      return { end: { kind: 'unreachable', reason: messageOf(error) }, livedMs: 0 }
    }
    const link = new BrokerLink({
      ...this.#options,
      address: this.#address,
      secureContext,
      connectDeadlineMs: this.#options.connectDeadlineMs ?? CONNECT_DEADLINE_MS,
      ackDeadlineMs: this.#options.ackDeadlineMs ?? ACK_DEADLINE_MS,
      onMessage: (topic, payload) => this.#dispatch(topic, payload),
    })
    this.#link = link
    const isOpen = await link.opened
    const openedAt = performance.now()
    if (isOpen) await this.#takeUp(link)
    const end = await link.ended
    this.#link = undefined
    this.#pastBytesSent += link.bytesSent
    this.#pastBytesReceived += link.bytesReceived
    if (this.isConnected) {
      this.#status = 'connecting'
      for (const listener of this.#disconnectedListeners) this.#guard(() => listener(end.reason))
    }
    return { end, livedMs: isOpen ? performance.now() - openedAt : 0 }
  }

  async #takeUp(link: BrokerLink): Promise<void> {
    const filters = [...new Set([...this.#subscriptions].map(({ filter }) => filter))]
    try {
      const refused = await link.subscribe(filters)
      if (refused.length > 0) this.#log.warn({ refused }, 'broker refused subscriptions')
    } catch {
      return
    }
    if (!link.isOpen || this.#stopping) return
    this.#status = 'connected'
    this.#connectCount += 1
    this.#lastTrouble = ''
    this.#reason = undefined
    this.#log.info({ url: this.#options.url, attempt: this.#connectCount }, 'connected to broker')
    for (const listener of this.#connectedListeners) this.#guard(listener)
  }

  #dispatch(topic: string, payload: Uint8Array): void {
    for (const { filter, handler } of [...this.#subscriptions]) {
      if (matchesFilter(filter, topic)) this.#guard(() => handler(topic, payload), topic)
    }
  }

  /** Runs foreign code; what it throws, now or later, is counted and logged. */
  #guard(work: () => void | Promise<void>, topic?: string): void {
    const caught = (err: unknown): void => {
      this.#handlerErrors += 1
      this.#log.error({ err, topic }, 'handler failed')
    }
    try {
      const result = work()
      if (result instanceof Promise) result.catch(caught)
    } catch (error) {
      caught(error)
    }
  }

  /** One line for each change, not for each attempt. */
  #tell(end: LinkEnd, status: TroubleStatus, waitMs: number): void {
    this.#reason = end.reason
    const trouble = `${status} ${end.kind} ${end.reason}`
    const fields = { reason: end.reason, status, retryInMs: Math.round(waitMs) }
    if (trouble === this.#lastTrouble) {
      this.#log.debug(fields, 'still no broker')
      return
    }
    this.#lastTrouble = trouble
    if (end.kind === 'refused') {
      const err = new GainnetError('BROKER_REFUSED', end.reason, { returnCode: end.returnCode })
      this.#log.error({ ...fields, err }, 'broker refused this client')
    } else if (status === 'duplicate-identity') {
      const { clientId } = this.#options
      this.#log.error({ ...fields, clientId }, 'another client seems to use this identity')
    } else this.#log.warn(fields, 'no connection to broker')
  }

  #pause(waitMs: number): Promise<void> {
    if (this.#stopping) return Promise.resolve()
    return new Promise(resolve => {
      const timer = setTimeout(resolve, waitMs)
      this.#wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #end(beforeEnd?: () => Promise<void>): Promise<void> {
    if (beforeEnd && this.isConnected) {
      let timer: NodeJS.Timeout | undefined
      const tooLong = new Promise<void>(resolve => {
        timer = setTimeout(resolve, FAREWELL_DEADLINE_MS)
      })
      const farewell = beforeEnd().catch(error => {
        this.#log.warn({ reason: messageOf(error) }, 'farewell failed')
      })
      await Promise.race([farewell, tooLong])
      clearTimeout(timer)
    }
    this.#wakeUp()
    await this.#link?.close(CLOSE_DEADLINE_MS)
    await this.#running
    this.#status = 'stopped'
  }
}
