import type { Logger } from '../runtime/logger.ts'
import { decodeBody } from './body-codec.ts'
import type { BrokerConnection, Subscription } from './broker-connection.ts'
import type { Envelope } from './envelope.ts'
import type { MessageSealer } from './message-sealer.ts'
import {
  type Body,
  type BodyName,
  type BytesName,
  type Content,
  MESSAGES,
  type MessageName,
  type TopicParameters,
} from './messages.ts'
import { filterFor, parseTopic, topicFor } from './topics.ts'

/** What a topic said, as text. */
export type ReceivedParameters<Name extends MessageName> = {
  readonly [Parameter in keyof TopicParameters<Name>]: string
}

export interface ListenOptions<Name extends MessageName> {
  /** Called for an empty payload, which is how a retained message is deleted. */
  readonly onCleared?: (parameters: ReceivedParameters<Name>) => void
}

/** One line for each kind of message in this time, with how many there were. */
const REJECTION_LOG_MS = 10_000

/**
 * The wire as one daemon speaks it: names and contents instead of topics and bytes. What it hears is
 * parsed by the schema of its row; what does not fit is counted, logged and dropped.
 */
export class WireSession {
  readonly connection: BrokerConnection
  readonly site: string
  readonly sealer: MessageSealer
  readonly #log: Logger
  readonly #rejections = new Map<MessageName, { loggedAt: number; unlogged: number }>()
  #rejected = 0

  constructor(options: {
    readonly connection: BrokerConnection
    readonly site: string
    readonly sealer: MessageSealer
    readonly log: Logger
  }) {
    this.connection = options.connection
    this.site = options.site
    this.sealer = options.sealer
    this.#log = options.log
  }

  get session(): number {
    return this.sealer.session
  }

  /** Messages from outside that no schema took. */
  get rejected(): number {
    return this.#rejected
  }

  /** Publishes with the QoS and retain flag of the message's row; see BrokerConnection.publish. */
  async publish<Name extends BodyName>(
    name: Name,
    parameters: TopicParameters<Name>,
    content: Content<Name>,
  ): Promise<Envelope> {
    const { bytes, envelope } = this.sealer.seal(name, content)
    await this.#send(name, parameters, bytes)
    return envelope
  }

  publishBytes<Name extends BytesName>(
    name: Name,
    parameters: TopicParameters<Name>,
    bytes: Uint8Array,
  ): Promise<void> {
    return this.#send(name, parameters, bytes)
  }

  /** Deletes the retained message of the topic. */
  clearRetained<Name extends MessageName>(
    name: Name,
    parameters: TopicParameters<Name>,
  ): Promise<void> {
    return this.#send(name, parameters, new Uint8Array(0))
  }

  /** Parameters that are left out stand for all. */
  on<Name extends BodyName>(
    name: Name,
    parameters: Partial<TopicParameters<Name>>,
    handler: (body: Body<Name>, parameters: ReceivedParameters<Name>) => void | Promise<void>,
    options: ListenOptions<Name> = {},
  ): Promise<Subscription> {
    return this.#listen(name, parameters, options, (bytes, received, topic) => {
      const decoded = decodeBody(name, bytes)
      if (decoded.ok) return handler(decoded.body, received)
      this.#reject(name, topic, decoded.reason)
    })
  }

  onBytes<Name extends BytesName>(
    name: Name,
    parameters: Partial<TopicParameters<Name>>,
    handler: (bytes: Uint8Array, parameters: ReceivedParameters<Name>) => void | Promise<void>,
    options: ListenOptions<Name> = {},
  ): Promise<Subscription> {
    return this.#listen(name, parameters, options, handler)
  }

  #listen<Name extends MessageName>(
    name: Name,
    parameters: Partial<TopicParameters<Name>>,
    { onCleared }: ListenOptions<Name>,
    take: (
      bytes: Uint8Array,
      received: ReceivedParameters<Name>,
      topic: string,
    ) => void | Promise<void>,
  ): Promise<Subscription> {
    const filter = filterFor(this.site, name, parameters)
    return this.connection.subscribe(filter, (topic, payload) => {
      const parsed = parseTopic(this.site, topic)
      if (parsed?.name !== name) {
        this.#reject(name, topic, 'a level of the topic is not 1 to 64 of a-z, 0-9 and -')
        return
      }
      // parseTopic has found every parameter of the row's template.
      const received = parsed.parameters as ReceivedParameters<Name>
      if (payload.length > 0) return take(payload, received, topic)
      onCleared?.(received)
    })
  }

  #send(name: MessageName, parameters: object, bytes: Uint8Array): Promise<void> {
    const { qos, retain } = MESSAGES[name]
    // The callers' signatures tie the parameters to the name.
    const topic = topicFor(this.site, name, parameters as TopicParameters<typeof name>)
    return this.connection.publish(topic, bytes, { qos, retain })
  }

  #reject(name: MessageName, topic: string, reason: string): void {
    this.#rejected += 1
    const now = performance.now()
    const entry = this.#rejections.get(name) ?? { loggedAt: Number.NEGATIVE_INFINITY, unlogged: 0 }
    this.#rejections.set(name, entry)
    entry.unlogged += 1
    if (now - entry.loggedAt < REJECTION_LOG_MS) return
    this.#log.warn({ topic, reason, count: entry.unlogged }, 'message rejected')
    entry.loggedAt = now
    entry.unlogged = 0
  }
}
