import type { Content } from '../protocol/messages.ts'
import type { AgentLife } from './agent-life.ts'
import type { SensorChange } from './sensors/sensor-watch.ts'

type Event = Content<'agentEvent'>

/**
 * Says of what happens to the agent's parts what the fleet must know: an event that is kept until
 * the controller has it, and for as long as a part is unwell a reason in the agent's state.
 */
export class AgentNotices {
  readonly #life: AgentLife
  readonly #send: (event: Event) => void

  constructor(options: {
    readonly life: AgentLife
    readonly send: (event: Event) => void
  }) {
    this.#life = options.life
    this.#send = options.send
  }

  sensorChanged({ sensor, status, reason }: SensorChange): void {
    const isLost = status === 'lost'
    this.#life.degrade(`sensor ${sensor}`, isLost ? (reason ?? 'lost') : null)
    this.#send({
      code: isLost ? 'SENSOR_LOST' : 'SENSOR_FOUND',
      severity: isLost ? 'warning' : 'info',
      text: isLost
        ? `sensor ${sensor} is lost: ${reason}`.slice(0, 500)
        : `sensor ${sensor} is there`,
      fields: { sensor },
    })
  }

  outboxDegraded(reason: string | null): void {
    this.#life.degrade('outbox', reason)
    this.#send({
      code: reason === null ? 'OUTBOX_RECOVERED' : 'OUTBOX_DEGRADED',
      severity: reason === null ? 'info' : 'error',
      text: (reason ?? 'the outbox writes to disk again').slice(0, 500),
      fields: {},
    })
  }

  messageSetAside(topic: string, file: string): void {
    this.#send({
      code: 'MESSAGE_QUARANTINED',
      severity: 'error',
      text: 'the broker disconnects on a message: it was set aside',
      fields: { topic, file },
    })
  }

  probeFailed({ probe, reason }: { readonly probe: string; readonly reason: string }): void {
    this.#send({
      code: 'PROBE_FAILED',
      severity: 'warning',
      text: `probe ${probe} failed: ${reason}`.slice(0, 500),
      fields: { probe },
    })
  }
}
