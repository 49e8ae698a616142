import { describe, expect, test } from 'vitest'
import { ACTION_FEATURES } from '../../../controller/orchestrate/action-features.ts'
import { StateGraph } from '../../../controller/orchestrate/horizon/state-graph.ts'
import { buildLatentGraph } from '../../../controller/orchestrate/latent-graph.ts'
import { recedingDpPolicy } from '../../../controller/orchestrate/policies/receding-dp-policy.ts'
import { sacPolicy } from '../../../controller/orchestrate/policies/sac-policy.ts'
import { CANDIDATES, observe } from '../../../controller/orchestrate/sac/candidates.ts'
import { readPolicyFile } from '../../../controller/orchestrate/sac/policy-file.ts'
import {
  buildPolicyFile,
  buildPolicyNetworks,
  HIDDEN,
} from '../../../controller/orchestrate/sac/policy-networks.ts'
import { Environment, modelsOf } from '../../../controller/simulate/environment.ts'
import { drawScenario, inputsOfRound } from '../../../controller/simulate/scenario.ts'
import { BALANCED } from '../../../controller/simulate/scenario-options.ts'
import { seededRandom, standardNormal } from '../../../runtime/seeded-random.ts'
import { decodeModel } from '../../../training/onnx/onnx-codec.ts'
import { float32Values } from '../../../training/onnx/tensor.ts'

const SEED = 5
const scenario = drawScenario({ ...BALANCED, vehicles: 15, rounds: 4 }, SEED)

/** Weights that scatter scores, so that no choice is that of the plan alone. */
function scattered(seed: number): ReadonlyMap<string, Float32Array> {
  const random = seededRandom(seed)
  const initializers = decodeModel(buildPolicyFile(new Map())).graph?.initializer ?? []
  return new Map(
    initializers.flatMap(tensor => {
      const { name = '', dims } = tensor
      if (dims.length === 0 || !/weight|bias/.test(name)) return []
      return [[name, float32Values(tensor).map(value => value + 0.2 * standardNormal(random))]]
    }),
  )
}

const networks = readPolicyFile(buildPolicyFile(scattered(SEED)))
const sac = sacPolicy(networks)
const guarded = { ...sac, propose: sac.proposeGuarded ?? sac.propose }
const context = { random: seededRandom(SEED), roundsLeft: 4 }

describe('the learned policy', () => {
  test('begins as the plan of the present view', () => {
    const fresh = sacPolicy(readPolicyFile(buildPolicyFile(new Map())))
    const env = new Environment(scenario)
    while (!env.isOver) {
      const now = { ...context, roundsLeft: env.roundsLeft }
      const planned = recedingDpPolicy.propose(env.graph(), now)
      const matching = fresh.propose(env.graph(), now)
      expect(matching.outlook?.gain).toBeCloseTo(planned.outlook?.gain ?? 0, 9)
      env.step(modelsOf(matching))
    }
  })

  test('chooses the same whatever the order of devices and models', () => {
    const inputs = inputsOfRound(scenario, 1)
    const turned = {
      ...inputs,
      devices: inputs.devices.toReversed(),
      models: inputs.models.toReversed(),
    }
    const [one, other] = [inputs, turned].map(some => sac.propose(buildLatentGraph(some), context))
    // Models of one kind and domain may be worth exactly the same: then order decides.
    const gains = one?.choices.map(({ edge }) => edge?.gain ?? 0)
    expect(gains?.some(gain => gain > 0)).toBe(true)
    expect(other?.choices.toReversed().map(({ edge }) => edge?.gain ?? 0)).toEqual(gains)
  })

  test('never breaks a capacity', () => {
    const capacities = new Array<number>(scenario.models.length).fill(1)
    const matching = sac.propose(new Environment(scenario).graph(), { ...context, capacities })
    const taken = matching.choices.flatMap(({ edge }) => (edge ? [edge.modelId] : []))
    expect(taken.length).toBeGreaterThan(0)
    expect(new Set(taken).size).toBe(taken.length)
  })

  test('states gains after what was matched before, where matches count as absorbed', () => {
    const inputs = inputsOfRound(scenario, 0)
    const coupled = { ...inputs, gain: { ...inputs.gain, countsMatched: true } }
    const [free, shared] = [inputs, coupled].map(some =>
      guarded.propose(buildLatentGraph(some), context),
    )
    expect(shared?.gain).toBeLessThan(free?.gain ?? 0)
  })

  test('leaves the plan only where both critics agree', () => {
    const env = new Environment(scenario)
    const planned = recedingDpPolicy.propose(env.graph(), context)
    const differs = (some: typeof planned): number =>
      some.choices.filter(({ edge }, at) => edge?.modelId !== planned.choices[at]?.edge?.modelId)
        .length
    const [bold, careful] = [sac, guarded].map(one => differs(one.propose(env.graph(), context)))
    expect(bold, `seed ${SEED}`).toBeGreaterThan(careful ?? 0)
  })

  test('weighs the actions that the plan holds for the best', () => {
    const env = new Environment(scenario)
    const candidates = observe(env.stage, env.pools, 4)
    const planner = new StateGraph([env.stage, env.stage, env.stage, env.stage])
    for (let device = 0; device < candidates.deviceCount; device++) {
      const nodes = planner.addDevice(device, env.pools)
      planner.solve(nodes)
      const totals = planner.edgesOf(nodes.from).map(edge => {
        const after = planner.value.values[planner.edgeNext.values[edge] ?? 0] ?? 0
        return (planner.edgeGain.values[edge] ?? 0) + after
      })
      // Four rounds: a tenth of one is a fortieth of the total.
      const close = totals.filter(total => total >= (39 / 40) * Math.max(...totals))
      const from = device * CANDIDATES
      const count = Math.min(CANDIDATES, close.length)
      const best = close.toSorted((a, b) => b - a).slice(0, count)
      for (const [place, total] of best.entries()) {
        expect(candidates.totals[from + place]).toBeCloseTo(total, 12)
      }
      expect(candidates.mask.subarray(from, from + CANDIDATES).reduce((a, b) => a + b)).toBe(count)
    }
  })

  test('is refused as a file of other networks', () => {
    const { actor } = buildPolicyNetworks(1)
    expect(() => readPolicyFile(actor)).toThrow(/no policy of this version: critic.0/)
    const damaged = new Map([['actor.score.weight', new Float32Array(HIDDEN).fill(Number.NaN)]])
    expect(() => readPolicyFile(buildPolicyFile(damaged))).toThrow(/holds what is no number/)
    expect(ACTION_FEATURES.length).toBe(19)
  })
})
