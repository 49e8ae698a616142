import { loadavg } from 'node:os'
import type { AgentHealth, CostReport } from '../protocol/life.ts'
import type { ClockFigures } from '../protocol/urp.ts'
import type { WireSession } from '../protocol/wire-session.ts'
import { messageOf } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Stoppable } from '../runtime/shutdown.ts'
import type { ProbeResults } from './measure/registry.ts'
import type { OutboxStatus } from './outbox/message-outbox.ts'
import type { Sensor } from './sensors/sensor.ts'

export interface AgentHealthOptions {
  readonly wire: WireSession
  readonly agentId: string
  readonly periodSeconds: number
  readonly outbox: () => OutboxStatus
  readonly sensors: readonly Sensor[]
  /** Reads the cheap probes anew. */
  readonly readProbes: () => Promise<ProbeResults>
  readonly clock: () => ClockFigures | undefined
  readonly cost: () => CostReport
  readonly log: Logger
}

/** Publishes the agent's health at a steady pace. */
export class AgentHealthReporter implements Stoppable {
  readonly #options: AgentHealthOptions
  #timer: NodeJS.Timeout | undefined
  #cpu = process.cpuUsage()
  #cpuAtMs = performance.now()

  constructor(options: AgentHealthOptions) {
    this.#options = options
  }

  start(): void {
    const { periodSeconds } = this.#options
    this.#timer = setInterval(() => void this.report(), periodSeconds * 1000)
    void this.report()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
  }

  async report(): Promise<void> {
    const { wire, agentId, readProbes, log } = this.#options
    if (!wire.connection.isConnected) return
    try {
      await wire.publish('agentHealth', { agentId }, this.#health(await readProbes()))
    } catch (error) {
      log.debug({ reason: messageOf(error) }, 'health not sent')
    }
  }

  #health(results: ProbeResults): Omit<AgentHealth, 'session' | 'sequence' | 'sentAt'> {
    const { wire, outbox, sensors, cost } = this.#options
    const clock = this.#options.clock()
    const { storedMessages, storedBytes, delivered, dropped } = outbox()
    const memory = results.memory?.status === 'ok' ? results.memory.values : undefined
    const conditions = results.thermal?.status === 'ok' ? results.thermal.conditions : undefined
    return {
      uptimeSeconds: process.uptime(),
      cpuShare: this.#cpuShare(),
      rssBytes: process.memoryUsage.rss(),
      loadAverage: loadavg()[0] ?? 0,
      ...(conditions?.temperatureCelsius === undefined
        ? {}
        : { temperatureCelsius: conditions.temperatureCelsius }),
      ...(conditions?.throttled === undefined ? {} : { throttled: conditions.throttled }),
      ...(memory ? { memoryAvailableBytes: memory.availableBytes } : {}),
      outbox: { storedMessages, storedBytes, delivered, dropped },
      sensors: Object.fromEntries(sensors.map(({ id, status }) => [id, status])),
      wire: {
        bytesSent: wire.connection.bytesSent,
        bytesReceived: wire.connection.bytesReceived,
      },
      rejectedMessages: wire.rejected,
      ...(clock ? { clock } : {}),
      cost: cost(),
    }
  }

  /** Of one core since the last report, by this process. */
  #cpuShare(): number {
    const now = performance.now()
    const used = process.cpuUsage(this.#cpu)
    const share = (used.user + used.system) / 1000 / Math.max(1, now - this.#cpuAtMs)
    this.#cpu = process.cpuUsage()
    this.#cpuAtMs = now
    return share
  }
}
