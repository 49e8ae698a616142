import { describe, expect, test } from 'vitest'
import type { GraphDevice, GraphInputs } from '../../../controller/orchestrate/graph-inputs.ts'
import { buildLatentGraph } from '../../../controller/orchestrate/latent-graph.ts'
import {
  POLICIES,
  policyOf,
  SIMULATED_POLICIES,
} from '../../../controller/orchestrate/policies/registry.ts'
import { Environment, modelsOf } from '../../../controller/simulate/environment.ts'
import {
  drawScenario,
  inputsOfRound,
  type Scenario,
} from '../../../controller/simulate/scenario.ts'
import { BALANCED } from '../../../controller/simulate/scenario-options.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'

const cells = [4, 5, 6].map(seed => drawScenario({ ...BALANCED, vehicles: 20, rounds: 3 }, seed))
const [cell] = cells as [Scenario]
const models = cell.models.length

/** Total gain of a policy over the rounds of all cells. */
function playedEverywhere(name: string): number {
  return cells.reduce((sum, one) => sum + played(name, undefined, one), 0)
}

function played(name: string, capacities?: readonly number[], where = cell): number {
  const policy = SIMULATED_POLICIES.find(one => one.name === name)
  const env = new Environment(where)
  const random = seededRandom(1)
  let gain = 0
  while (!env.isOver) {
    const future = name === 'exact-dp' ? { future: env.stagesAhead } : {}
    const limits = capacities ? { capacities } : {}
    const context = { random, roundsLeft: env.roundsLeft, ...future, ...limits }
    const matching = policy?.propose(env.graph(), context)
    const chosen = modelsOf(matching ?? { choices: [], gain: 0, bound: 0, gap: 0 })
    for (const [model, capacity] of (capacities ?? []).entries()) {
      expect(chosen.filter(one => one === model).length).toBeLessThanOrEqual(capacity)
    }
    const step = env.step(chosen)
    expect(step.gain).toBeCloseTo(matching?.gain ?? 0, 9)
    gain += step.gain
  }
  return gain
}

describe('policies over several rounds', () => {
  test('none gains more than the exact plan, and plans gain more than rules', () => {
    const best = playedEverywhere('exact-dp')
    for (const { name } of POLICIES) {
      expect(playedEverywhere(name), name).toBeLessThanOrEqual(best + 1e-9)
    }
    const greedy = playedEverywhere('greedy-gain')
    expect(playedEverywhere('receding-dp')).toBeGreaterThan(greedy)
    for (const rule of ['ml-c', 'ml-cc', 'ml-scc', 'mp-tsc', 'oort', 'round-robin', 'random']) {
      expect(greedy, rule).toBeGreaterThan(playedEverywhere(rule))
    }
  })

  test.each(POLICIES)('$name keeps to what models take', ({ name }) => {
    expect(played(name, new Array<number>(models).fill(2))).toBeGreaterThan(0)
  })

  test.each(POLICIES)('$name gives models that take nobody nobody', ({ name }) => {
    expect(played(name, new Array<number>(models).fill(0))).toBe(0)
  })

  test.each(POLICIES)('$name: a limit that nobody reaches changes nothing', ({ name }) => {
    const unlimited = new Array<number>(models).fill(Number.POSITIVE_INFINITY)
    expect(played(name, unlimited)).toBeCloseTo(played(name), 9)
  })

  test('the exact plan keeps its word about the rounds to come', () => {
    const env = new Environment(cell)
    const context = { random: seededRandom(1), future: env.stagesAhead }
    const exact = SIMULATED_POLICIES.find(one => one.name === 'exact-dp')
    expect(exact?.propose(env.graph(), context).outlook?.gain).toBeCloseTo(played('exact-dp'), 9)
  })
})

describe('the rules of the paper', () => {
  const inputs = inputsOfRound(cell, 0)
  const graph = buildLatentGraph(inputs)
  const context = { random: seededRandom(1) }

  test.each(['ml-c', 'ml-cc', 'ml-scc'])('%s states the latency that it goes by', name => {
    for (const { reason, edge } of policyOf(name).propose(graph, context).choices) {
      if (edge !== null) expect(reason).toMatch(/least communication|least sensing/)
    }
  })

  test('MP-TSC goes by targets times capacity, whatever the model is worth', () => {
    const dear = inputs.models.map(model => ({ ...model, value: model.value / 1000 }))
    const chosenFor = (one: GraphInputs) =>
      modelsOf(policyOf('mp-tsc').propose(buildLatentGraph(one), context))
    expect(chosenFor({ ...inputs, models: dear })).toEqual(chosenFor(inputs))
  })
})

describe('figures that make no sense', () => {
  const inputs = inputsOfRound(cell, 0)
  const broken: Readonly<Record<string, (device: GraphDevice) => GraphDevice>> = {
    'a pool of NaN': one => ({
      ...one,
      pool: { ...one.pool, flops: one.pool.flops.map(() => Number.NaN) },
      nextPool: { ...one.nextPool, blocks: one.nextPool.blocks.map(() => Number.NaN) },
    }),
    'negative rates': one => ({
      ...one,
      links: new Map([['edge-1', { downlinkBitsPerBlock: -5, uplinkBitsPerBlock: Number.NaN }]]),
    }),
    'no sensors': one => ({ ...one, sensors: [] }),
    'no link': one => ({ ...one, links: new Map() }),
  }

  test.each(Object.keys(broken))('%s make no edge, and no policy fails on it', name => {
    const devices = inputs.devices.map((one, index) => (index === 0 ? broken[name]?.(one) : one))
    const graph = buildLatentGraph({ ...inputs, devices: devices.filter(one => one !== undefined) })
    expect(graph.edges.filter(edge => edge.device === 0)).toEqual([])
    for (const policy of POLICIES) {
      const { choices, gain, bound } = policy.propose(graph, { random: seededRandom(1) })
      expect(choices[0]?.edge, policy.name).toBeNull()
      expect(choices[0]?.reason, policy.name).not.toBe('')
      expect(gain).toBeLessThanOrEqual(bound)
    }
  })

  test('an empty fleet and a fleet without models get an empty matching', () => {
    for (const empty of [
      { ...inputs, devices: [] },
      { ...inputs, models: [] },
    ]) {
      const graph = buildLatentGraph(empty)
      for (const policy of POLICIES) {
        const matching = policy.propose(graph, { random: seededRandom(1) })
        expect(matching, policy.name).toMatchObject({ gain: 0, bound: 0, gap: 0 })
        expect(matching.choices).toHaveLength(empty.devices.length)
      }
    }
  })
})
