import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { StatusReporter } from '../../agent/assignment/status-reporter.ts'
import { openBrokerSession } from '../../agent/broker-session.ts'
import { Outgoing } from '../../agent/outgoing.ts'
import { BlobCache } from '../../agent/transfer/blob-cache.ts'
import { BlobFetcher } from '../../agent/transfer/blob-fetch.ts'
import { AgentConfig } from '../../config/agent-schema.ts'
import type { Assignment, ConsumeOrder, PhaseInterval } from '../../protocol/assignment.ts'
import type { ModelManifest } from '../../protocol/model-manifest.ts'
import type { WireSession } from '../../protocol/wire-session.ts'
import { systemClock } from '../../runtime/clock.ts'
import { messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import { type Random, seededRandom } from '../../runtime/seeded-random.ts'
import { PartStack, type Stoppable } from '../../runtime/shutdown.ts'
import type { AgentSetup } from './agent-setup.ts'

const BLOB_BYTES_MAX = 64 * 2 ** 20
const FETCH_MS_MAX = 30_000

/**
 * The parts of the agent that a round goes through, put together as `gainnet agent` does. Where the
 * trainer would work, one parameter is changed, so that each update and each version is new.
 */
export class OurAgent implements Stoppable {
  readonly #agentId: string
  readonly #wire: WireSession
  readonly #outgoing: Outgoing
  readonly #fetcher: BlobFetcher
  readonly #random: Random
  readonly #parts: PartStack
  readonly #manifests = new Map<string, ModelManifest>()

  private constructor(
    setup: AgentSetup,
    o: { readonly wire: WireSession; readonly outgoing: Outgoing; readonly log: Logger },
  ) {
    const { wire, outgoing, log } = o
    this.#agentId = setup.agentId
    this.#wire = wire
    this.#outgoing = outgoing
    this.#random = seededRandom(setup.seed)
    this.#parts = new PartStack(log)
    this.#parts.add('outbox', outgoing)
    this.#parts.add('broker', wire.connection)
    const directory = join(setup.stateDirectory, 'blobs')
    const cache = new BlobCache({ directory, bytesMax: BLOB_BYTES_MAX, log })
    this.#fetcher = new BlobFetcher({ wire, cache, bytesMax: BLOB_BYTES_MAX, log })
  }

  /** Connects; what the controller says reaches it from now on. */
  static async start(setup: AgentSetup, log: Logger): Promise<OurAgent> {
    const { agentId, site, url, password, stateDirectory, seed } = setup
    mkdirSync(stateDirectory, { recursive: true })
    const config = AgentConfig.parse({ agentId, site, stateDirectory, broker: { url, password } })
    const random = seededRandom(seed)
    const wire = openBrokerSession({ config, session: 1, clock: systemClock, random, log })
    const outgoing = await Outgoing.open({
      wire,
      agentId,
      directory: join(stateDirectory, 'outbox'),
      bytesMax: config.outbox.bytesMax,
      clock: systemClock,
      random,
      onDegraded: () => {},
      onQuarantined: () => {},
      log,
    })
    const agent = new OurAgent(setup, { wire, outgoing, log })
    await agent.#listen()
    const connected = new Promise<void>(resolve => wire.connection.onConnected(() => resolve()))
    wire.connection.start()
    await connected
    return agent
  }

  stop(): Promise<void> {
    return this.#parts.stop()
  }

  async #listen(): Promise<void> {
    await this.#wire.on('modelManifest', {}, manifest => {
      this.#manifests.set(manifest.modelId, manifest)
    })
    await this.#wire.on('assignment', { agentId: this.#agentId }, ({ crId, consume }) =>
      consume ? this.#carryOut(crId, consume) : undefined,
    )
    await this.#outgoing.start()
  }

  async #carryOut(crId: Assignment['crId'], order: ConsumeOrder): Promise<void> {
    const { grId, modelId } = order
    const status = new StatusReporter({ crId, grId, modelId, part: 'consume' }, content =>
      this.#outgoing.report(content),
    )
    try {
      await this.#consume(crId, order, status)
    } catch (error) {
      status.failed(messageOf(error))
    }
  }

  async #consume(crId: number, order: ConsumeOrder, status: StatusReporter): Promise<void> {
    const manifest = this.#manifests.get(order.modelId)
    if (manifest?.version !== order.version) throw new Error('the assigned version is not known')
    status.accepted()
    const downloadStartedAt = now()
    status.progress('download')
    const [, { bytes }] = await Promise.all([
      this.#fetcher.fetch(manifest.training, { deadlineMs: FETCH_MS_MAX }),
      this.#fetcher.fetch(manifest.parameters, { deadlineMs: FETCH_MS_MAX }),
    ])
    const download = interval('download', downloadStartedAt, bytes.length)
    const uploadStartedAt = now()
    status.progress('upload')
    const answer = await this.#outgoing.upload({
      payload: changed(bytes, this.#random()),
      residual: null,
      learned: {
        grId: order.grId,
        crId,
        modelId: order.modelId,
        baseVersion: order.version,
        sampleCount: order.sampleCount,
        localSteps: 1,
        lossBefore: 5,
        lossAfter: 4,
        phases: [download],
        encoding: 'float32',
        form: 'whole',
        valueCount: bytes.length / 4,
      },
    })
    if (answer.status !== 'stored') throw new Error(`update ${answer.status}: ${answer.reason}`)
    status.done({
      sampleCount: order.sampleCount,
      interval: interval('upload', uploadStartedAt, bytes.length),
    })
  }
}

function changed(bytes: Uint8Array, firstParameter: number): Uint8Array {
  const copy = bytes.slice()
  new Float32Array(copy.buffer, 0, 1)[0] = firstParameter
  return copy
}

function now(): string {
  return new Date(systemClock.now()).toISOString()
}

function interval(phase: PhaseInterval['phase'], startedAt: string, bytes: number): PhaseInterval {
  return { phase, startedAt, endedAt: now(), bytes }
}
