import { describe, expect, test } from 'vitest'
import { ExecutedPolicy } from '../../../controller/orchestrate/execute/executed-policy.ts'
import { promisedGain } from '../../../controller/orchestrate/execute/promised-gain.ts'
import { IDLE } from '../../../controller/orchestrate/horizon/transition.ts'
import { buildLatentGraph, type LatentGraph } from '../../../controller/orchestrate/latent-graph.ts'
import {
  ComingRounds,
  frozenStages,
} from '../../../controller/orchestrate/policies/coming-rounds.ts'
import { greedyGainPolicy } from '../../../controller/orchestrate/policies/greedy-gain-policy.ts'
import type { Choice, Policy } from '../../../controller/orchestrate/policies/policy.ts'
import { randomPolicy } from '../../../controller/orchestrate/policies/random-policy.ts'
import { recedingDpPolicy } from '../../../controller/orchestrate/policies/receding-dp-policy.ts'
import { drawScenario, inputsOfRound } from '../../../controller/simulate/scenario.ts'
import { BALANCED } from '../../../controller/simulate/scenario-options.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { testLog } from '../../support/test-log.ts'

const cell = drawScenario({ ...BALANCED, vehicles: 20, rounds: 3 }, 4)
const inputs = inputsOfRound(cell, 0)
const graphWhere = (countsMatched: boolean) =>
  buildLatentGraph({ ...inputs, gain: { ...inputs.gain, countsMatched } })
const context = () => ({ random: seededRandom(1) })
const chosenIn = (choices: readonly Choice[]) => choices.map(({ edge }) => edge?.model ?? IDLE)
const comingOf = (graph: LatentGraph) =>
  new ComingRounds(graph, context(), frozenStages(graph.stage))

describe.each([true, false])('where matches count as absorbed: %s', countsMatched => {
  const graph = graphWhere(countsMatched)
  const plan = recedingDpPolicy.propose(graph, context())

  test('the plan is executed in place of a proposal that promises less, and counted', () => {
    const policy = new ExecutedPolicy(randomPolicy, { log: testLog().log, nowMs: () => 0 })
    for (const replacedCount of [1, 2]) {
      const { choices, decision } = policy.propose(graph, context())
      expect(choices).toEqual(plan.choices)
      expect(decision).toMatchObject({ executed: 'receding-dp', rounds: 3, replacedCount })
      expect(decision?.besideGain).toBeGreaterThan(decision?.proposedGain ?? 0)
      expect(decision?.outlookBound).toBeGreaterThanOrEqual((decision?.besideGain ?? 0) - 1e-9)
    }
  })
})

test('where devices share nothing, the promise of a plan is what the plan itself says', () => {
  const graph = graphWhere(false)
  const { choices, outlook } = recedingDpPolicy.propose(graph, context())
  const promise = promisedGain(graph, chosenIn(choices), {
    coming: comingOf(graph),
    context: context(),
  })
  expect(promise).toBeCloseTo(outlook?.gain ?? 0, 9)
})

test('who idles to keep models hungry promises no more by it', () => {
  const graph = graphWhere(true)
  const coming = comingOf(graph)
  const promiseOf = (policy: Policy, isIdle = false) => {
    const { choices } = policy.propose(graph, context())
    const played = isIdle ? choices.map(choice => ({ ...choice, edge: null })) : choices
    return promisedGain(graph, chosenIn(played), { coming, context: context() })
  }
  expect(promiseOf(randomPolicy, true)).toBeLessThan(promiseOf(randomPolicy))
  expect(promiseOf(randomPolicy)).toBeLessThan(promiseOf(greedyGainPolicy))
})

test('a proposal that promises as much as the plan is executed', () => {
  const graph = graphWhere(true)
  const same: Policy = { ...recedingDpPolicy, name: 'same' }
  const { decision } = new ExecutedPolicy(same, { log: testLog().log, nowMs: () => 0 }).propose(
    graph,
    context(),
  )
  expect(decision).toMatchObject({ executed: 'same', replacedCount: 0 })
  expect(decision?.besideGain).toBeCloseTo(decision?.proposedGain ?? 0, 9)
})

test('the plan itself is not made twice', () => {
  const policy = new ExecutedPolicy(recedingDpPolicy, { log: testLog().log, nowMs: () => 0 })
  const { decision } = policy.propose(graphWhere(true), context())
  expect(decision).toEqual({
    executed: 'receding-dp',
    planMs: expect.any(Number),
    replacedCount: 0,
  })
})

test('where time is over before the plan is made, the proposal is executed', () => {
  let nowMs = 0
  const nowMsOf = () => nowMs++
  const policy = new ExecutedPolicy(randomPolicy, {
    log: testLog().log,
    nowMs: nowMsOf,
    besideMsMax: 10,
  })
  const { decision } = policy.propose(graphWhere(true), context())
  expect(decision).toEqual({ executed: 'random', planMs: expect.any(Number), replacedCount: 0 })
  expect(nowMs).toBeLessThan(20)
})

test('where models absorb what is matched, the plan promises no less than greedy gain', () => {
  const graph = graphWhere(true)
  const coming = comingOf(graph)
  const promiseOf = (policy: Policy) => {
    const { gain, choices } = policy.propose(graph, context())
    return chosenIn(choices).reduce((sum, one, device) => sum + coming.after(device, one), gain)
  }
  expect(promiseOf(recedingDpPolicy)).toBeGreaterThanOrEqual(promiseOf(greedyGainPolicy) - 1e-9)
})

test('a policy that was learned judges for itself, and what gave way to the plan is told', () => {
  const matching = greedyGainPolicy.propose(graphWhere(false), context())
  const learned = (correctedCount: number, refusedCount: number): Policy => ({
    ...randomPolicy,
    name: 'own',
    proposeGuarded: () => ({
      ...matching,
      guarded: { plan: 'receding-dp', correctedCount, refusedCount },
    }),
  })
  const decisionOf = (policy: Policy) =>
    new ExecutedPolicy(policy, { log: testLog().log }).propose(graphWhere(false), context())
  const some = decisionOf(learned(3, 2))
  expect(some.choices).toEqual(matching.choices)
  expect(some.decision).toMatchObject({ executed: 'own', replacedDevices: 2, replacedCount: 1 })
  const none = decisionOf(learned(0, 2)).decision
  expect(none).toMatchObject({ executed: 'receding-dp', replacedDevices: 2, replacedCount: 1 })
  const all = decisionOf(learned(3, 0)).decision
  expect(all).toMatchObject({ executed: 'own', replacedDevices: 0, replacedCount: 0 })
})

describe('a policy that fails', () => {
  const broken = (propose: Policy['propose']): Policy => ({ name: 'own', label: 'Own', propose })
  test.each<[string, Policy]>([
    [
      'by throwing',
      broken(() => {
        throw new TypeError('weights are gone')
      }),
    ],
    ['with too few choices', broken(() => ({ choices: [], gain: 0, bound: 0, gap: 0 }))],
    [
      'with a gain that is no number',
      broken((graph, o) => ({ ...greedyGainPolicy.propose(graph, o), gain: Number.NaN })),
    ],
  ])('%s is told of once, and never ends the rounds', (_, policy) => {
    const { log, lines } = testLog()
    const executed = new ExecutedPolicy(policy, { log })
    for (let round = 0; round < 3; round++) {
      const { choices, decision } = executed.propose(graphWhere(true), context())
      expect(choices).toHaveLength(20)
      expect(['greedy-gain', 'receding-dp']).toContain(decision?.executed)
      expect(decision).toMatchObject({ replacedCount: round + 1, failure: expect.any(String) })
    }
    expect(lines.map(({ msg }) => msg)).toEqual(['policy failed, another one decides'])
  })

  test('in an empty fleet leaves an empty matching', () => {
    const graph = buildLatentGraph({ ...inputs, devices: [] })
    const { choices, gain } = new ExecutedPolicy(greedyGainPolicy, {
      log: testLog().log,
      nowMs: () => 0,
    }).propose(graph, context())
    expect([choices, gain]).toEqual([[], 0])
  })
})
