import type { LatentGraph } from '../latent-graph.ts'
import { type Matching, matchingOf, type Outlook } from './policy.ts'

/** First step of one device's plan. */
export interface PlannedStep {
  /** IDLE, or the model. */
  readonly model: number
  /** Gain of the step, after what was matched before it. */
  readonly gain: number
  /** Gain of the plan from this round on, prices of shared models taken off. */
  readonly total: number
}

/** First steps of all devices, in the order of the graph's, and what they lead to. */
export interface Plan {
  readonly steps: readonly PlannedStep[]
  readonly outlook: Outlook
}

/** A plan as people and assignments read it. */
export function plannedMatching(graph: LatentGraph, { steps, outlook }: Plan): Matching {
  const choices = graph.devices.map(({ agentId }, device) => {
    const { model, gain, total } = steps[device] as PlannedStep
    const edge = model < 0 ? null : graph.edgeOf(device, model)
    const plan = `${total.toFixed(3)} over ${outlook.rounds} rounds`
    if (edge === null) {
      return { agentId, edge: null, reason: `idle: the best plan, ${plan}` }
    }
    const limits = `limited by ${edge.limitedBy}, correlation ${edge.correlation.toFixed(2)}`
    const reason = `gain ${gain.toFixed(3)} of ${plan}: ${edge.workload} samples (${limits})`
    return { agentId, edge: gain === edge.gain ? edge : { ...edge, gain }, reason }
  })
  return { ...matchingOf(graph, choices), outlook }
}
