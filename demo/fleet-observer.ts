import { decodeBody } from '../protocol/body-codec.ts'
import { BrokerConnection } from '../protocol/broker-connection.ts'
import { filterFor, parseTopic } from '../protocol/topics.ts'
import type { Logger } from '../runtime/logger.ts'
import { seededRandom } from '../runtime/seeded-random.ts'
import type { Stoppable } from '../runtime/shutdown.ts'
import { type FleetMessage, OBSERVED, type ObservedName } from './fleet-view.ts'

/** Looks at a fleet as a client of its broker that may read everything and write nothing. */
export class FleetObserver implements Stoppable {
  readonly #connection: BrokerConnection
  readonly #site: string
  readonly #log: Logger
  readonly #onMessage: (message: FleetMessage) => void

  constructor(options: {
    readonly url: string
    readonly username: string
    readonly password: string
    readonly site: string
    readonly log: Logger
    readonly onMessage: (message: FleetMessage) => void
  }) {
    const { url, username, password, log } = options
    this.#site = options.site
    this.#log = log
    this.#onMessage = options.onMessage
    this.#connection = new BrokerConnection({
      url,
      clientId: username,
      username,
      password,
      keepaliveSeconds: 30,
      log,
      random: seededRandom(1),
      // The broker is this machine's and starts at the same time: asking often costs nothing.
      reconnect: { firstMs: 100, limitMs: 300 },
    })
  }

  async start(): Promise<void> {
    for (const name of OBSERVED) {
      const filter = filterFor(this.#site, name)
      await this.#connection.subscribe(filter, (topic, payload) => this.#take(topic, payload))
    }
    this.#connection.start()
  }

  stop(): Promise<void> {
    return this.#connection.stop()
  }

  #take(topic: string, payload: Uint8Array): void {
    const parsed = parseTopic(this.#site, topic)
    const name = OBSERVED.find(observed => observed === parsed?.name)
    if (!parsed || !name || payload.length === 0) return
    const decoded = decodeBody<ObservedName>(name, payload)
    if (!decoded.ok) {
      this.#log.warn({ topic, reason: decoded.reason }, 'message rejected')
      return
    }
    // decodeBody has parsed the body by the schema of this name.
    this.#onMessage({ name, parameters: parsed.parameters, body: decoded.body } as FleetMessage)
  }
}
