import { describe, expect, test } from 'vitest'
import { drawFleet, nextInputs } from '../../../bench/orchestrate/fleet-inputs.ts'
import { learningShare } from '../../../controller/orchestrate/gai-gain.ts'
import { buildLatentGraph, type LatentGraph } from '../../../controller/orchestrate/latent-graph.ts'
import { greedyGainPolicy } from '../../../controller/orchestrate/policies/greedy-gain-policy.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'

/** The rule by its words: look at every open edge, take the greatest, count it, look again. */
function matchedByWords(graph: LatentGraph, capacities: readonly number[]): (number | null)[] {
  const chosen: (number | null)[] = graph.devices.map(() => null)
  const absorbed = graph.models.map(() => 0)
  const left = [...capacities]
  for (;;) {
    const open = graph.edges
      .filter(edge => chosen[edge.device] === null && (left[edge.model] ?? 0) > 0)
      .map(edge => ({
        ...edge,
        now:
          (graph.stage.factor[edge.device * graph.models.length + edge.model] ?? 0) *
          learningShare({
            workload: edge.workload,
            effectiveSamples:
              (graph.models[edge.model]?.effectiveSamples ?? 0) + (absorbed[edge.model] ?? 0),
            exponent: graph.stage.curves[edge.model]?.exponent ?? 0,
          }),
      }))
    const [first] = open
    if (first === undefined) return chosen
    const best = open.reduce((most, edge) => (edge.now > most.now ? edge : most), first)
    chosen[best.device] = best.model
    absorbed[best.model] = (absorbed[best.model] ?? 0) + best.workload
    left[best.model] = (left[best.model] ?? 0) - 1
  }
}

describe('greedy gain, computed lazily', () => {
  test.each([1, 2, 3, 4])('it is the rule by its words (seed %i)', seed => {
    const random = seededRandom(seed)
    const graph = buildLatentGraph(nextInputs(drawFleet(random, 60, 6), random, 1))
    for (const capacity of [Number.POSITIVE_INFINITY, 7]) {
      const capacities = graph.models.map(() => capacity)
      const { choices } = greedyGainPolicy.propose(graph, { random, capacities })
      const models = choices.map(choice => choice.edge?.model ?? null)
      expect(models).toEqual(matchedByWords(graph, capacities))
    }
  })

  test('the share that absorbing leaves grows with the workload', () => {
    const shareOf = (workload: number, matched: number) =>
      learningShare({ workload, effectiveSamples: 50 + matched, exponent: 0.35 }) /
      learningShare({ workload, effectiveSamples: 50, exponent: 0.35 })
    for (const matched of [1, 100, 10_000]) {
      const shares = [1, 10, 100, 1000, 100_000].map(workload => shareOf(workload, matched))
      expect(shares).toEqual(shares.toSorted((a, b) => a - b))
    }
  })
})
