import type { AssignmentStatus, PhaseInterval, SenseOrder } from '../../protocol/assignment.ts'
import type { SensedGaiRound } from './round-planner.ts'

type Sensing =
  | { readonly status: 'running'; readonly order: SenseOrder }
  | { readonly status: 'done'; readonly order: SenseOrder; readonly sampleCount: number }

/** The record of a round is written while the next one runs, or the one after it. */
const INTERVALS_KEPT = 4

/** Which agent senses for which GAI round, and what came of it: one GAI round an agent and CR. */
export class SensedRounds {
  readonly #rounds = new Map<string, Sensing>()
  readonly #intervals = new Map<string, { readonly grId: number; readonly of: PhaseInterval }[]>()

  /** The orders of the new CR; what was sensed before them has been planned or is lost. */
  begin(orders: ReadonlyMap<string, SenseOrder>): void {
    this.#rounds.clear()
    for (const [agentId, order] of orders) this.#rounds.set(agentId, { status: 'running', order })
  }

  /** An agent that was started anew has nothing of what its old life sensed. */
  forget(agentId: string): void {
    this.#rounds.delete(agentId)
  }

  onStatus(agentId: string, message: AssignmentStatus): void {
    const known = this.#rounds.get(agentId)
    if (message.part !== 'sense' || known?.order.grId !== message.grId) return
    if (message.status === 'refused' || message.status === 'failed') this.#rounds.delete(agentId)
    if (message.status !== 'done') return
    const sampleCount = message.sampleCount ?? 0
    this.#rounds.set(agentId, { status: 'done', order: known.order, sampleCount })
    if (!message.interval) return
    const earlier = this.#intervals.get(agentId) ?? []
    const interval = { grId: message.grId, of: message.interval }
    this.#intervals.set(agentId, [...earlier, interval].slice(-INTERVALS_KEPT))
  }

  /** Agents whose sensing has not been reported yet. */
  get unsettled(): readonly string[] {
    return [...this.#rounds].filter(([, one]) => one.status === 'running').map(([id]) => id)
  }

  /** What can be consumed now. */
  take(): ReadonlyMap<string, SensedGaiRound> {
    const sensed = new Map<string, SensedGaiRound>()
    for (const [agentId, one] of this.#rounds) {
      if (one.status !== 'done' || one.sampleCount === 0) continue
      const { grId, modelId } = one.order
      sensed.set(agentId, { grId, modelId, sampleCount: one.sampleCount })
    }
    return sensed
  }

  /** When the agent sensed for a GAI round. */
  interval(agentId: string, grId: number): PhaseInterval | undefined {
    return this.#intervals.get(agentId)?.find(one => one.grId === grId)?.of
  }
}
