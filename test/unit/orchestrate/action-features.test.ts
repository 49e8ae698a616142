import { describe, expect, test } from 'vitest'
import { ACTION_FEATURES, actionBatchOf } from '../../../controller/orchestrate/action-features.ts'
import { buildDecisionStage } from '../../../controller/orchestrate/decision-stage.ts'
import { StateGraph } from '../../../controller/orchestrate/horizon/state-graph.ts'
import { Environment } from '../../../controller/simulate/environment.ts'
import { drawScenario, inputsOfRound } from '../../../controller/simulate/scenario.ts'
import { BALANCED } from '../../../controller/simulate/scenario-options.ts'

const scenario = drawScenario({ ...BALANCED, vehicles: 12, rounds: 4 }, 2)
const env = new Environment(scenario)
env.step(Int32Array.from({ length: 12 }, (_, device) => device - 1))
const options = { roundsLeft: env.roundsLeft, roundsInAll: 4, lookAheadRounds: 2 }
const batch = actionBatchOf(env.stage, env.pools, options)

describe('features of actions', () => {
  test('possible are idling and the edges of the latent graph, with their gains and workloads', () => {
    const graph = env.graph()
    const idle = { gain: 0, workload: 0 }
    for (let device = 0; device < batch.deviceCount; device++) {
      for (let action = 0; action < batch.actionCount; action++) {
        const row = device * batch.actionCount + action
        const edge = action === 0 ? idle : graph.edgeOf(device, action - 1)
        expect(batch.mask[row]).toBe(edge === null ? 0 : 1)
        const { gain, workload } = edge ?? idle
        expect([batch.gains[row], batch.workloads[row]]).toEqual([gain, workload])
      }
    }
  })

  test('the rounds afterwards are those of the state graph of the present view', () => {
    const planner = new StateGraph([env.stage, env.stage, env.stage])
    for (let device = 0; device < batch.deviceCount; device++) {
      const nodes = planner.addDevice(device, env.pools)
      planner.solve(nodes)
      for (const edge of planner.edgesOf(nodes.from)) {
        const action = (planner.edgeModel.values[edge] ?? 0) + 1
        const after = planner.value.values[planner.edgeNext.values[edge] ?? 0]
        expect(batch.afterwards[device * batch.actionCount + action]).toBeCloseTo(after ?? 0, 12)
      }
    }
  })

  test('every feature is a number of moderate size, and no row of a missing edge is filled', () => {
    for (const [index, value] of batch.features.entries()) {
      expect(Math.abs(value)).toBeLessThan(6)
      const row = Math.floor(index / batch.featureCount)
      if (batch.mask[row] === 0) expect(value).toBe(0)
    }
    expect(batch.featureCount).toBe(ACTION_FEATURES.length)
  })

  test('models in another order are the same rows in another order', () => {
    const inputs = inputsOfRound(scenario, 0)
    const turned = { ...inputs, models: inputs.models.toReversed() }
    const [one, other] = [inputs, turned].map(some => {
      const stage = buildDecisionStage(some)
      return actionBatchOf(stage, new Environment(scenario).pools, options)
    })
    const rowOf = (from: typeof one, device: number, action: number) => {
      const at = (device * batch.actionCount + action) * batch.featureCount
      return from?.features.subarray(at, at + batch.featureCount)
    }
    for (let device = 0; device < batch.deviceCount; device++) {
      for (let model = 0; model < inputs.models.length; model++) {
        const action = inputs.models.length - model
        expect(rowOf(other, device, action)).toEqual(rowOf(one, device, model + 1))
      }
    }
  })

  test('the last round has nothing to look ahead to', () => {
    const last = actionBatchOf(env.stage, env.pools, { ...options, roundsLeft: 1 })
    expect(Math.max(...last.afterwards)).toBe(0)
    const column = ACTION_FEATURES.indexOf('look-ahead')
    expect(last.features.filter((_, at) => at % last.featureCount === column)).toEqual(
      new Float32Array(last.mask.length),
    )
  })
})
