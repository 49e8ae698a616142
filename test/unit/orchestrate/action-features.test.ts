import { describe, expect, test } from 'vitest'
import { ACTION_FEATURES, ActionFeatures } from '../../../controller/orchestrate/action-features.ts'
import {
  buildDecisionStage,
  type DecisionStage,
} from '../../../controller/orchestrate/decision-stage.ts'
import { PlanSearch } from '../../../controller/orchestrate/horizon/plan-search.ts'
import { StateGraph } from '../../../controller/orchestrate/horizon/state-graph.ts'
import { IDLE } from '../../../controller/orchestrate/horizon/transition.ts'
import type { SlotArrays } from '../../../controller/orchestrate/slot-kernels.ts'
import { Environment } from '../../../controller/simulate/environment.ts'
import { drawScenario, inputsOfRound } from '../../../controller/simulate/scenario.ts'
import { BALANCED } from '../../../controller/simulate/scenario-options.ts'

const scenario = drawScenario({ ...BALANCED, vehicles: 12, rounds: 4 }, 2)
const env = new Environment(scenario)
env.step(Int32Array.from({ length: 12 }, (_, device) => device - 1))

/** Rows of a device's actions, by model, idling among them. */
function rowsOf(stage: DecisionStage, pools: SlotArrays, device: number, rounds: number) {
  const writer = new ActionFeatures(stage, pools, { roundsLeft: rounds, roundsInAll: 4 })
  const search = new PlanSearch(new Array<DecisionStage>(rounds).fill(stage))
  const { sensed, gains, workloads } = search.firstRound(device, pools)
  const idle = search.after(IDLE, 0)
  const rows = new Map<number, Float32Array>()
  for (let model = IDLE; model < stage.modelCount; model++) {
    const workload = workloads[model] ?? 0
    if (model !== IDLE && workload === 0) continue
    const lookAhead = search.after(model, workload) - idle
    const features = new Float32Array(ACTION_FEATURES.length)
    const action = { model, gain: gains[model] ?? 0, workload, lookAhead }
    writer.write(device, action, { sensed, features, offset: 0 })
    rows.set(model, features)
  }
  return rows
}

const allRows = (rounds: number) =>
  Array.from({ length: 12 }, (_, device) => rowsOf(env.stage, env.pools, device, rounds))

const featureOf = (row: Float32Array | undefined, name: (typeof ACTION_FEATURES)[number]) =>
  row?.[ACTION_FEATURES.indexOf(name)]

describe('features of actions', () => {
  test('they tell gains of the edges of the latent graph', () => {
    const graph = env.graph()
    for (const [device, rows] of allRows(3).entries()) {
      for (let model = 0; model < env.stage.modelCount; model++) {
        const edge = graph.edgeOf(device, model)
        expect(rows.has(model)).toBe(edge !== null)
        if (edge !== null) expect(featureOf(rows.get(model), 'gain')).toBeCloseTo(5 * edge.gain, 5)
      }
    }
  })

  test('looking ahead is that of the state graph of the present view', () => {
    const planner = new StateGraph([env.stage, env.stage, env.stage])
    for (const [device, rows] of allRows(3).entries()) {
      const nodes = planner.addDevice(device, env.pools)
      planner.solve(nodes)
      const after = new Map(
        planner.edgesOf(nodes.from).map(edge => {
          const next = planner.edgeNext.values[edge] ?? 0
          return [planner.edgeModel.values[edge] ?? IDLE, planner.value.values[next] ?? 0]
        }),
      )
      for (const [model, row] of rows) {
        const ahead = (after.get(model) ?? 0) - (after.get(IDLE) ?? 0)
        expect(featureOf(row, 'look-ahead')).toBeCloseTo(5 * ahead, 5)
      }
    }
  })

  test('every feature is a number of moderate size', () => {
    for (const row of allRows(3).flatMap(rows => [...rows.values()])) {
      for (const value of row) expect(Math.abs(value)).toBeLessThan(6)
    }
  })

  test('models in another order are the same rows in another order', () => {
    const inputs = inputsOfRound(scenario, 0)
    const { pools } = new Environment(scenario)
    const [one, other] = [inputs.models, inputs.models.toReversed()].map(models =>
      buildDecisionStage({ ...inputs, models }),
    ) as [DecisionStage, DecisionStage]
    for (let device = 0; device < 12; device++) {
      const turned = rowsOf(other, pools, device, 3)
      for (const [model, row] of rowsOf(one, pools, device, 3)) {
        const place = model === IDLE ? IDLE : inputs.models.length - 1 - model
        expect(turned.get(place)).toEqual(row)
      }
    }
  })

  test('the last round has nothing to look ahead to', () => {
    for (const row of allRows(1).flatMap(rows => [...rows.values()])) {
      expect(featureOf(row, 'look-ahead')).toBe(0)
    }
  })
})
