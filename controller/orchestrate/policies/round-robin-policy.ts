import { matchByRule } from './device-rule.ts'
import type { Policy } from './policy.ts'

/** Each device serves its connectable models in turn, CR after CR; neighbours start apart. */
export const roundRobinPolicy: Policy = {
  name: 'round-robin',
  label: 'Round robin',
  propose: (graph, context) =>
    matchByRule(graph, context, {
      rank: (candidates, device) =>
        candidates.map((one, index) => ({
          ...one,
          cost: turn(index - graph.crId - device, candidates.length),
        })),
      reasonOf: ({ modelId }) => `${modelId}: its turn`,
    }),
}

function turn(index: number, count: number): number {
  return ((index % count) + count) % count
}
