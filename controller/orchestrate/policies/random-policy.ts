import { matchByRule } from './device-rule.ts'
import type { Policy } from './policy.ts'

/** Each device draws one of its actions: a connectable model, or to idle, all alike. */
export const randomPolicy: Policy = {
  name: 'random',
  label: 'Random',
  propose: (graph, context) =>
    matchByRule(graph, context, {
      rank: candidates => {
        const drawn = Math.floor(context.random() * (candidates.length + 1))
        const one = candidates[drawn]
        return one === undefined ? [] : [{ ...one, cost: 0 }]
      },
      reasonOf: ({ modelId }) => `${modelId}: drawn`,
    }),
}
