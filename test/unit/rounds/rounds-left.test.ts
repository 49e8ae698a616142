import { expect, test } from 'vitest'
import { greedyGainPolicy } from '../../../controller/orchestrate/policies/greedy-gain-policy.ts'
import type { Policy } from '../../../controller/orchestrate/policies/policy.ts'
import { offerOf, plan } from './plans.ts'
import { CR_MS, planEverybody, startRunner } from './runner-fixture.ts'

test('a limited run tells how many rounds are left, an unlimited one that there is no end', async () => {
  for (const limit of [2, undefined]) {
    const told: (number | undefined)[] = []
    const { passTo } = await startRunner({
      ...(limit === undefined ? {} : { limit }),
      actions: {
        plan: inputs => {
          told.push(inputs.roundsLeft)
          return planEverybody(inputs)
        },
      },
    })
    await passTo(3 * CR_MS - 1)
    expect(told.slice(0, 2)).toEqual(limit === undefined ? [undefined, undefined] : [2, 1])
  }
})

test('policies hear it', () => {
  let heard: number | undefined
  const listening: Policy = {
    ...greedyGainPolicy,
    propose: (graph, context) => {
      heard = context.roundsLeft
      return greedyGainPolicy.propose(graph, context)
    },
  }
  plan({ urps: new Map([['a', offerOf()]]), policy: listening, roundsLeft: 4 })
  expect(heard).toBe(4)
})
