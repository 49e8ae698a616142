import type { LatentGraph } from '../latent-graph.ts'
import { matchByRule } from './device-rule.ts'
import { type PhaseSeconds, phaseSecondsOf } from './phase-seconds.ts'
import type { Policy } from './policy.ts'

/** A policy by which each device takes the model with the least sum of some phases. */
export function leastLatencyPolicy(o: {
  readonly name: string
  readonly label: string
  readonly phases: readonly (keyof PhaseSeconds)[]
}): Policy {
  const secondsOf = (graph: LatentGraph, device: number, model: number): number => {
    const seconds = phaseSecondsOf(graph.stage, device, model)
    return o.phases.reduce((sum, phase) => sum + seconds[phase], 0)
  }
  return {
    name: o.name,
    label: o.label,
    propose: (graph, context) =>
      matchByRule(graph, context, {
        rank: candidates =>
          candidates.map(one => ({ ...one, cost: secondsOf(graph, one.device, one.model) })),
        reasonOf: ({ modelId, cost }) =>
          `${modelId}: least ${o.phases.join(' + ')}, ${cost.toFixed(3)} s`,
      }),
  }
}
