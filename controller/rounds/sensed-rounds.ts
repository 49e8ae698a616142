import type { AssignmentStatus, SenseOrder } from '../../protocol/assignment.ts'
import type { RoundSensing } from '../../protocol/round-record.ts'
import type { SensedGaiRound } from './round-planner.ts'

type Sensing =
  | { readonly status: 'running'; readonly order: SenseOrder }
  | { readonly status: 'done'; readonly order: SenseOrder; readonly sampleCount: number }

/** The record of a round is written while the next one runs, or the one after it. */
const ROUNDS_KEPT = 4

/** Which agent senses for which GAI round, and what came of it: one GAI round an agent and CR. */
export class SensedRounds {
  readonly #rounds = new Map<string, Sensing>()
  /** By GAI round. */
  readonly #told = new Map<number, RoundSensing[]>()

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
    const { grId, interval } = message
    if (interval) this.#tell(grId, { agentId, modelId: known.order.modelId, sampleCount, interval })
  }

  #tell(grId: number, sensing: RoundSensing): void {
    const others = (this.#told.get(grId) ?? []).filter(one => one.agentId !== sensing.agentId)
    this.#told.set(grId, [...others, sensing])
    for (const old of this.#told.keys()) {
      if (this.#told.size > ROUNDS_KEPT) this.#told.delete(old)
    }
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

  /** Who has sensed for a GAI round, and when. */
  sensedFor(grId: number): readonly RoundSensing[] {
    return this.#told.get(grId) ?? []
  }
}
