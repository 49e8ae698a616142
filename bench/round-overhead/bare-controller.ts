import type { MqttClient } from 'mqtt'
import type { Stoppable } from '../../runtime/shutdown.ts'
import { type BarePattern, BODY_BYTES, bareTopics, bodyOf, connectBare } from './bare-pattern.ts'
import { Tally } from './tally.ts'

export interface BareControllerOptions {
  readonly url: string
  readonly username: string
  readonly password: string
  readonly site: string
  readonly agents: readonly string[]
  readonly pattern: BarePattern
}

/**
 * The reference: the bytes of a round in the order of a round, sent by the MQTT library alone and
 * all at once where they do not depend on each other. Nothing is parsed, hashed or stored.
 */
export class BareController implements Stoppable {
  readonly #options: BareControllerOptions
  readonly #client: MqttClient
  readonly #topics: ReturnType<typeof bareTopics>
  readonly #blockCount: number
  readonly #model: Buffer
  readonly #received = new Map<string, number>()
  readonly #updated = new Tally<string>()
  readonly #done = new Tally<string>()
  #round = 0

  private constructor(options: BareControllerOptions, client: MqttClient) {
    const { modelBytes, blockBytes } = options.pattern
    this.#options = options
    this.#client = client
    this.#topics = bareTopics(options.site)
    this.#blockCount = Math.ceil(modelBytes / blockBytes)
    this.#model = Buffer.alloc(modelBytes, 1)
  }

  static async start(options: BareControllerOptions): Promise<BareController> {
    const controller = new BareController(options, await connectBare(options))
    await controller.#listen()
    await controller.#publishModel('0')
    return controller
  }

  get wireBytes(): number {
    const { stream } = this.#client
    // A socket counts; the type of the library says no more than stream.
    const { bytesWritten, bytesRead } = stream as unknown as Record<string, number>
    return (bytesWritten ?? 0) + (bytesRead ?? 0)
  }

  /** From the assignments to the next version on the broker, in ms. */
  async round(): Promise<number> {
    const { agents } = this.#options
    const startedAt = performance.now()
    const round = String(this.#round++)
    const updated = this.#updated.collect(agents.length)
    const done = this.#done.collect(agents.length)
    const assigned = agents.map(bareId =>
      this.#client.publishAsync(
        this.#topics.assignment(bareId),
        bodyOf(BODY_BYTES.assignment, round),
        { qos: 1, retain: true },
      ),
    )
    await updated
    await this.#publishModel(String(this.#round))
    await Promise.all(assigned)
    const durationMs = performance.now() - startedAt
    await done
    await this.#retire(this.#round - 2)
    return durationMs
  }

  async stop(): Promise<void> {
    await this.#client.endAsync()
  }

  async #listen(): Promise<void> {
    this.#client.on('message', (topic, body) => {
      const [bareId = '', , leaf, round = ''] = topic.split('/').slice(4)
      if (leaf === 'up') this.#takeBlock(bareId, round)
      else if (body.includes(' done ')) this.#done.add(bareId)
    })
    const filters = [
      this.#topics.status('+'),
      this.#topics.updateManifest('+'),
      this.#topics.updateBlock('+', '+', '+'),
    ]
    await this.#client.subscribeAsync(filters, { qos: 1 })
  }

  #takeBlock(bareId: string, round: string): void {
    const received = (this.#received.get(bareId) ?? 0) + 1
    this.#received.set(bareId, received % this.#blockCount)
    if (received < this.#blockCount) return
    const ack = bodyOf(BODY_BYTES.ack, round)
    void this.#client.publishAsync(this.#topics.ack(bareId), ack, { qos: 1 })
    this.#updated.add(bareId)
  }

  async #publishModel(round: string): Promise<void> {
    const { blockBytes } = this.#options.pattern
    const options = { qos: 1, retain: true } as const
    const sent = Array.from({ length: this.#blockCount }, (_, index) =>
      this.#client.publishAsync(
        this.#topics.blob(round, index),
        this.#model.subarray(index * blockBytes, (index + 1) * blockBytes),
        options,
      ),
    )
    const manifest = bodyOf(BODY_BYTES.modelManifest, round)
    sent.push(this.#client.publishAsync(this.#topics.modelManifest, manifest, options))
    await Promise.all(sent)
  }

  async #retire(round: number): Promise<void> {
    if (round < 0) return
    const cleared = Array.from({ length: this.#blockCount }, (_, index) =>
      this.#client.publishAsync(this.#topics.blob(String(round), index), '', {
        qos: 1,
        retain: true,
      }),
    )
    await Promise.all(cleared)
  }
}
