import type { ControllerConfig } from '../../config/controller-schema.ts'
import type { Content } from '../../protocol/messages.ts'
import type { TokenAsk } from '../../protocol/probe/probe-token.ts'
import type { WireSession } from '../../protocol/wire-session.ts'
import { messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/seeded-random.ts'
import type { Stoppable } from '../../runtime/shutdown.ts'
import type { ServedProbe } from './probe-messages.ts'
import { ProbeThread } from './probe-thread.ts'
import type { ProbeRight } from './probe-tokens.ts'
import { TokenSchedule } from './token-schedule.ts'

type ProbeConfig = ControllerConfig['probe']
type Answer = Omit<Content<'tokenTell'>, 'id'>

/** A token may come so much later than the probe could start. */
const LATE_MS_MAX = 10_000

/**
 * Hands out tokens for the probe server over MQTT. Where the server cannot listen the controller
 * runs without it, says why, and agents measure through the broker.
 */
export class TokenDesk implements Stoppable {
  readonly #config: ProbeConfig
  readonly #wire: WireSession
  readonly #log: Logger
  readonly #schedule: TokenSchedule
  readonly #server: ProbeThread
  #absent = 'probe.enabled is false'

  constructor(options: {
    readonly config: ProbeConfig
    /** Where the server listens when probe.host is not set. */
    readonly host: string
    readonly wire: WireSession
    readonly random: Random
    readonly log: Logger
  }) {
    const { config, host, wire, random, log } = options
    this.#config = config
    this.#wire = wire
    this.#log = log
    this.#schedule = new TokenSchedule({ ...config, random })
    this.#server = new ProbeThread({
      host: config.host ?? host,
      port: config.port,
      log,
      onServed: served => this.#onServed(served),
    })
  }

  /** Undefined where there is no probe server. */
  get port(): number | undefined {
    return this.#server.port
  }

  async start(): Promise<void> {
    if (this.#config.enabled) await this.#listen()
    await this.#wire.on('tokenAsk', {}, (ask, { agentId }) => {
      const answer = this.#answer(ask, agentId)
      this.#wire
        .publish('tokenTell', { agentId }, { id: ask.id, ...answer })
        .catch(error => this.#log.debug({ reason: messageOf(error) }, 'token not sent'))
    })
  }

  async stop(): Promise<void> {
    await this.#server.stop()
  }

  async #listen(): Promise<void> {
    try {
      await this.#server.start()
      this.#absent = 'its thread ended'
      this.#log.info({ port: this.#server.port }, 'probe server listens')
    } catch (error) {
      this.#absent = messageOf(error)
      this.#log.warn({ reason: this.#absent }, 'links are measured through the broker')
    }
  }

  #answer({ kind, direction, bytes, durationMs, linkGroup }: TokenAsk, agentId: string): Answer {
    const { port } = this.#server
    if (port === undefined) return { status: 'refused', reason: `no probe server: ${this.#absent}` }
    const now = performance.now()
    const bytesMax = Math.min(bytes, this.#config.bytesMax)
    const wish = { agentId, linkGroup, isBulk: kind === 'tcp', bytes: bytesMax, durationMs }
    const decision = this.#schedule.ask(wish, now)
    if (decision.kind === 'refused') {
      const { reason, retryAtMs } = decision
      return { status: 'refused', reason, retryInMs: Math.max(0, retryAtMs - now) }
    }
    const startInMs = Math.max(0, decision.startAtMs - now)
    const expiresInMs = startInMs + LATE_MS_MAX
    const right: ProbeRight = { agentId, kind, direction, bytesMax, expiresInMs }
    return {
      status: 'granted',
      token: this.#server.issue(right, decision.grant),
      port,
      startInMs,
      bytesMax,
      ...(this.#config.publicHost === undefined ? {} : { host: this.#config.publicHost }),
    }
  }

  #onServed({ grant, right: { agentId, kind }, bytes }: ServedProbe): void {
    this.#schedule.end(grant, bytes)
    this.#log.debug({ agentId, kind, bytes }, 'probe served')
  }
}
