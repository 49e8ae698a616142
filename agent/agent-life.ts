import type { AgentState } from '../protocol/life.ts'
import type { Content } from '../protocol/messages.ts'
import type { WireSession } from '../protocol/wire-session.ts'
import { messageOf } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'

/**
 * The agent's retained birth and state. Both are published again at each connect, because the will
 * or a broker that forgot may have replaced them.
 */
export class AgentLife {
  readonly #wire: WireSession
  readonly #agentId: string
  readonly #log: Logger
  readonly #reasons = new Map<string, string>()
  readonly #birth: () => Content<'agentBirth'>
  #base: AgentState['state'] = 'init'
  #announced = ''

  constructor(options: {
    readonly wire: WireSession
    readonly agentId: string
    /** Made anew for each announcement. */
    readonly birth: () => Content<'agentBirth'>
    readonly log: Logger
  }) {
    this.#wire = options.wire
    this.#agentId = options.agentId
    this.#birth = options.birth
    this.#log = options.log
  }

  get state(): AgentState['state'] {
    const isSettled = this.#base === 'ready' || this.#base === 'busy'
    return isSettled && this.#reasons.size > 0 ? 'degraded' : this.#base
  }

  /** Called at each connect. */
  async announce(): Promise<void> {
    await this.#wire.publish('agentBirth', { agentId: this.#agentId }, this.#birth())
    this.#announced = ''
    await this.#publishState()
  }

  enter(state: 'ready' | 'busy'): void {
    // What ends after the goodbye must not say that a dead agent is ready.
    if (this.#base === 'disconnected') return
    this.#base = state
    this.#sendState()
  }

  /** Notes what is wrong with one part, or with null that it is well again. */
  degrade(part: string, reason: string | null): void {
    if (reason === null) this.#reasons.delete(part)
    else this.#reasons.set(part, reason)
    this.#sendState()
  }

  async sayGoodbye(): Promise<void> {
    this.#base = 'disconnected'
    this.#announced = ''
    await this.#publishState()
  }

  #sendState(): void {
    this.#publishState().catch(error => {
      // The next connect announces it.
      this.#log.debug({ reason: messageOf(error) }, 'state not sent')
    })
  }

  async #publishState(): Promise<void> {
    const { state } = this
    const reason = [...this.#reasons].map(([part, text]) => `${part}: ${text}`).join('; ')
    const announced = `${state} ${reason}`
    if (announced === this.#announced) return
    this.#announced = announced
    try {
      await this.#wire.publish(
        'agentState',
        { agentId: this.#agentId },
        { state, ...(reason ? { reason: reason.slice(0, 300) } : {}) },
      )
    } catch (error) {
      this.#announced = ''
      throw error
    }
  }
}
