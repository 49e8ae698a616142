import type { AgentBirth, AgentHealth, AgentState } from '../../protocol/life.ts'
import type { Urp } from '../../protocol/urp.ts'

/** What the controller knows of one agent: the last of each message. */
export interface FleetMember {
  readonly agentId: string
  readonly session: number
  readonly birth: AgentBirth | null
  readonly state: AgentState['state']
  readonly urp: Urp | null
  readonly health: AgentHealth | null
}

export type FleetChange =
  | { readonly type: 'born'; readonly agentId: string; readonly session: number }
  | { readonly type: 'died'; readonly agentId: string; readonly reason: string }
  | { readonly type: 'urp'; readonly agentId: string; readonly crId: number }

/** A fleet has a bound, so that a client with a broken id generator cannot fill the memory. */
const MEMBERS_MAX = 10_000

/** States in which an agent takes part in rounds. */
const TAKES_PART: ReadonlySet<AgentState['state']> = new Set(['ready', 'busy', 'degraded'])

/**
 * The fleet as births, states and URPs tell it. Session numbers decide between lives: what an older
 * session says, above all its late will, changes nothing (Sparkplug 3.0, 6.4.7).
 */
export class Fleet {
  readonly #members = new Map<string, FleetMember>()

  get members(): readonly FleetMember[] {
    return [...this.#members.values()].sort((a, b) => (a.agentId < b.agentId ? -1 : 1))
  }

  member(agentId: string): FleetMember | undefined {
    return this.#members.get(agentId)
  }

  /** Agents that may be given work. */
  get present(): readonly FleetMember[] {
    return this.members.filter(({ state, birth }) => birth !== null && TAKES_PART.has(state))
  }

  onBirth(agentId: string, birth: AgentBirth): FleetChange | null {
    const known = this.#members.get(agentId)
    if (known && birth.session < known.session) return null
    const isNewLife = !known?.birth || birth.session > known.session
    this.#put(agentId, birth.session, { birth })
    return isNewLife ? { type: 'born', agentId, session: birth.session } : null
  }

  onState(agentId: string, message: AgentState): FleetChange | null {
    const known = this.#members.get(agentId)
    if (known && message.session < known.session) return null
    const wasPresent = known !== undefined && TAKES_PART.has(known.state)
    this.#put(agentId, message.session, { state: message.state })
    if (!wasPresent || TAKES_PART.has(message.state)) return null
    return { type: 'died', agentId, reason: message.reason ?? message.state }
  }

  onUrp(agentId: string, urp: Urp): FleetChange | null {
    const known = this.#members.get(agentId)
    if (!known || urp.session !== known.session) return null
    this.#put(agentId, urp.session, { urp })
    return { type: 'urp', agentId, crId: urp.crId }
  }

  onHealth(agentId: string, health: AgentHealth): void {
    const known = this.#members.get(agentId)
    if (known && health.session === known.session) {
      this.#put(agentId, health.session, { health })
    }
  }

  /** Whichever message of a new life comes first, nothing of the old one is left. */
  #put(agentId: string, session: number, part: Partial<FleetMember>): void {
    const known = this.#members.get(agentId)
    if (!known && this.#members.size >= MEMBERS_MAX) return
    this.#members.set(agentId, {
      birth: null,
      state: 'init',
      urp: null,
      health: null,
      ...(known?.session === session ? known : {}),
      ...part,
      agentId,
      session,
    })
  }
}
