import { onTestFinished } from 'vitest'
import { decodeBody } from '../../protocol/body-codec.ts'
import { BrokerConnection } from '../../protocol/broker-connection.ts'
import type { PublishOptions } from '../../protocol/broker-link.ts'
import { type Body, type BodyName, MESSAGES, type MessageName } from '../../protocol/messages.ts'
import { parseTopic, TOPIC_ROOT } from '../../protocol/topics.ts'
import { seededRandom } from '../../runtime/seeded-random.ts'
import { testLog } from './test-log.ts'
import { waitFor } from './wait-for.ts'

/** Back before any daemon of a fleet: their first try comes after a quarter of a second. */
const RECONNECT = { firstMs: 10, limitMs: 50 }

interface Heard {
  readonly name: MessageName
  readonly topic: string
  readonly parameters: Readonly<Record<string, string>>
  readonly bytes: Uint8Array
  /** Null for raw bytes and for what no schema takes. */
  readonly body: unknown
}

export interface Tapped<Name extends MessageName> extends Heard {
  readonly body: Name extends BodyName ? Body<Name> : null
}

/** A client that hears every message of the site, keeps what it heard, and may say anything. */
export class WireTap {
  readonly connection: BrokerConnection
  readonly #heard: Heard[] = []

  private constructor(connection: BrokerConnection) {
    this.connection = connection
  }

  /** Starts to connect; ends with the test. The user has the role of a controller. */
  static async start(options: {
    readonly url: string
    readonly username: string
    readonly password: string
    readonly site: string
  }): Promise<WireTap> {
    const { site, ...address } = options
    const tap = new WireTap(
      new BrokerConnection({
        ...address,
        clientId: options.username,
        keepaliveSeconds: 30,
        log: testLog().log,
        random: seededRandom(1),
        reconnect: RECONNECT,
      }),
    )
    await tap.connection.subscribe(`${TOPIC_ROOT}/${site}/#`, (topic, bytes) => {
      tap.#take(site, topic, bytes)
    })
    tap.connection.start()
    onTestFinished(() => tap.connection.stop())
    return tap
  }

  /** Every message of this name that its schema takes, in the order of arrival. */
  all<Name extends MessageName>(name: Name): readonly Tapped<Name>[] {
    const isWhole = (one: Heard): boolean => MESSAGES[name].schema === null || one.body !== null
    // The body was parsed by the schema of the name.
    return this.#heard.filter(one => one.name === name && isWhole(one)) as unknown as Tapped<Name>[]
  }

  last<Name extends MessageName>(name: Name, parameters = {}): Tapped<Name> | undefined {
    return this.all(name).findLast(one => isOf(one, parameters))
  }

  /** The first message that fits, heard already or to come; `after` counts messages of the name. */
  waitFor<Name extends MessageName>(
    name: Name,
    fits: (message: Tapped<Name>) => boolean,
    {
      ms,
      what,
      after = 0,
    }: { readonly ms: number; readonly what: string; readonly after?: number },
  ): Promise<Tapped<Name>> {
    return waitFor(() => this.all(name).slice(after).find(fits), { ms, what })
  }

  /** Connected for the nth time. */
  async isConnected(times = 1): Promise<void> {
    const { connection } = this
    await waitFor(() => connection.isConnected && connection.connectCount >= times, {
      ms: 20_000,
      what: `the tap is connected for the ${times}. time`,
    })
  }

  publish(topic: string, bytes: Uint8Array, options: PublishOptions): Promise<void> {
    return this.connection.publish(topic, bytes, options)
  }

  #take(site: string, topic: string, bytes: Uint8Array): void {
    const parsed = parseTopic(site, topic)
    if (!parsed || bytes.length === 0) return
    const { name, parameters } = parsed
    const decoded = MESSAGES[name].schema ? decodeBody(name as BodyName, bytes) : null
    this.#heard.push({ name, topic, parameters, bytes, body: decoded?.ok ? decoded.body : null })
  }
}

function isOf({ parameters }: Heard, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => parameters[key] === value)
}
