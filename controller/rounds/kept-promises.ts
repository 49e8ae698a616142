import type { ConsumeOrder, SenseOrder } from '../../protocol/assignment.ts'
import type { RoundContribution } from '../../protocol/round-record.ts'
import { Credibility } from '../orchestrate/credibility.ts'
import type { AgentAssignment } from './round-machine.ts'
import type { PlanInputs } from './round-planner.ts'

/**
 * What agents deliver of what their URPs promised: samples by the sensor's rate, and contributions by
 * those of link and processor. Both are what a URP can claim and a round can check.
 */
export class KeptPromises {
  readonly #sensing = new Credibility()
  readonly #consuming = new Credibility()
  #senseOrders = new Map<string, SenseOrder>()
  #consumeOrders = new Map<string, ConsumeOrder>()

  credibilityOf(agentId: string): number {
    return Math.min(this.#sensing.of(agentId), this.#consuming.of(agentId))
  }

  /** Before a plan: what was sensed since the last one. Who is away has said nothing either way. */
  onSensed({ urps, sensed }: Pick<PlanInputs, 'urps' | 'sensed'>): void {
    for (const [agentId, order] of this.#senseOrders) {
      if (!urps.has(agentId)) continue
      const delivered = sensed.get(agentId)
      this.#sensing.learn(agentId, {
        promised: order.samplesWanted,
        delivered: delivered?.grId === order.grId ? delivered.sampleCount : 0,
      })
    }
    this.#senseOrders.clear()
  }

  onPlanned(assignments: readonly AgentAssignment[]): void {
    this.#consumeOrders.clear()
    for (const { agentId, assignment } of assignments) {
      if (assignment.sense) this.#senseOrders.set(agentId, assignment.sense)
      if (assignment.consume) this.#consumeOrders.set(agentId, assignment.consume)
    }
  }

  /** A round in which nobody's update came in time says nothing of anyone's rates. */
  onContributions(contributions: readonly RoundContribution[]): void {
    if (!contributions.some(({ outcome }) => outcome === 'aggregated')) return
    for (const { agentId, grId, outcome, sampleCount = 0 } of contributions) {
      const order = this.#consumeOrders.get(agentId)
      if (order?.grId !== grId || (outcome !== 'aggregated' && outcome !== 'late')) continue
      const delivered = outcome === 'late' ? 0 : sampleCount
      this.#consuming.learn(agentId, { promised: order.sampleCount, delivered })
    }
  }
}
