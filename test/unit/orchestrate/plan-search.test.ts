import { describe, expect, test } from 'vitest'
import { PlanSearch } from '../../../controller/orchestrate/horizon/plan-search.ts'
import { StateGraph } from '../../../controller/orchestrate/horizon/state-graph.ts'
import { IDLE } from '../../../controller/orchestrate/horizon/transition.ts'
import { Environment } from '../../../controller/simulate/environment.ts'
import { drawScenario } from '../../../controller/simulate/scenario.ts'
import { BALANCED, limited } from '../../../controller/simulate/scenario-options.ts'

const options = { ...BALANCED, vehicles: 15, rounds: 4 }

describe('plan search', () => {
  test.each([
    ['all rounds as they will be', options],
    ['little computing', limited(options, 'compute')],
    ['little time', limited(options, 'time')],
  ])('it finds the best plan of the whole state graph: %s', (_, one) => {
    for (const seed of [1, 2]) {
      const env = new Environment(drawScenario(one, seed))
      const graph = new StateGraph(env.stages)
      const search = new PlanSearch(env.stages)
      for (let device = 0; device < one.vehicles; device++) {
        const nodes = graph.addDevice(device, env.pools)
        const { total, model, gain } = search.best(device, env.pools)
        expect(total, `seed ${seed}, device ${device}`).toBeCloseTo(graph.solve(nodes), 12)
        const [edge = -1] = graph.planOf(nodes)
        expect(graph.edgeModel.values[edge]).toBe(model)
        expect(graph.edgeGain.values[edge]).toBe(gain)
      }
    }
  })

  test('a model that is closed in the first round may be taken in the next', () => {
    const env = new Environment(drawScenario(options, 3))
    const frozen = [env.stage, env.stage]
    const search = new PlanSearch(frozen)
    const { model } = search.best(0, env.pools)
    const without = search.best(0, env.pools, one => one !== model)
    expect(without.model).not.toBe(model)
    const none = search.best(0, env.pools, () => false)
    expect(none).toMatchObject({ model: IDLE, gain: 0 })
    expect(none.total).toBeGreaterThan(0)
  })
})
