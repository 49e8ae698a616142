import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { buildPolicyFile } from '../../../controller/orchestrate/sac/policy-networks.ts'
import type { RoundRecord } from '../../../protocol/round-record.ts'
import { TestFleet } from '../../support/fleet.ts'

const RUN_MS = 90_000

/** A round whose plan knows what the rounds before have taught. */
function hasLearned({ curves = [], choices }: RoundRecord): boolean {
  return curves.length > 0 && choices.length > 0
}

test('without its file the rules decide and each round says why; with it, it decides, and what rounds taught is still known', async () => {
  const fleet = await TestFleet.prepare({
    broker: 'embedded',
    agents: ['pi-01'],
    controller: { policy: 'sac' },
  })
  const policyFile = join(fleet.root, 'policy.onnx')
  fleet.startController({ policyFile })
  await fleet.connectTap()
  fleet.startAgent('pi-01')
  const ruled = await fleet.waitForRecord(hasLearned, { ms: RUN_MS, what: 'a curve is fitted' })
  expect(ruled).toMatchObject({
    policy: 'sac',
    decision: {
      executed: expect.stringMatching(/^(greedy-gain|receding-dp)$/),
      failure: expect.stringContaining('gainnet policy train writes one'),
      replacedCount: expect.any(Number),
    },
  })
  expect(ruled.decision?.replacedCount).toBeGreaterThan(0)

  expect(await fleet.controller.stop()).toMatchObject({ code: 0 })
  writeFileSync(policyFile, buildPolicyFile(new Map()))
  const after = fleet.records().length
  fleet.startController({ policyFile })
  const decided = await fleet.waitForRecord(hasLearned, {
    ...{ ms: RUN_MS, after },
    what: 'the learned policy has decided',
  })
  expect(decided.decision).toMatchObject({ executed: 'sac', replacedCount: expect.any(Number) })
  expect(decided.decision?.failure).toBeUndefined()
  expect(decided.decision?.planMs).toBeGreaterThan(0)
  expect(decided.gain).toBeLessThanOrEqual(decided.bound)
  expect(decided.gap).toBeGreaterThanOrEqual(0)
  const versionsOf = ({ curves }: RoundRecord): number => curves?.[0]?.versions ?? 0
  expect(versionsOf(decided)).toBeGreaterThanOrEqual(versionsOf(ruled))
  await fleet.stop()
}, 200_000)
