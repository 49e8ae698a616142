import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ExecutedPolicy } from '../../../controller/orchestrate/execute/executed-policy.ts'
import { buildLatentGraph } from '../../../controller/orchestrate/latent-graph.ts'
import { openPolicy } from '../../../controller/orchestrate/policies/open-policy.ts'
import { buildPolicyFile } from '../../../controller/orchestrate/sac/policy-networks.ts'
import { drawScenario, inputsOfRound } from '../../../controller/simulate/scenario.ts'
import { BALANCED } from '../../../controller/simulate/scenario-options.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { testLog } from '../../support/test-log.ts'

describe('a learned policy', () => {
  test('is read from the file that the configuration names', async () => {
    const policyFile = join(temporaryDirectory(), 'policy.onnx')
    writeFileSync(policyFile, buildPolicyFile(new Map()))
    expect(await openPolicy({ policy: 'sac', policyFile }, testLog().log)).toMatchObject({
      label: 'SAC',
    })
  })

  test('whose file is not there leaves the rounds to the rules, and says what to do', async () => {
    const policyFile = join(temporaryDirectory(), 'policy.onnx')
    const { log, lines } = testLog()
    const policy = await openPolicy({ policy: 'sac', policyFile }, log)
    expect(lines.map(({ msg }) => msg)).toEqual([
      `no file ${policyFile}: gainnet policy train writes one, and policyFile names it; the rules decide`,
    ])
    const graph = buildLatentGraph(inputsOfRound(drawScenario({ ...BALANCED, vehicles: 5 }, 1), 0))
    const { choices, decision } = new ExecutedPolicy(policy, { log, nowMs: () => 0 }).propose(
      graph,
      { random: seededRandom(1) },
    )
    expect(choices).toHaveLength(5)
    expect(['greedy-gain', 'receding-dp']).toContain(decision?.executed)
    expect(decision).toMatchObject({
      replacedCount: 1,
      failure: expect.stringContaining('gainnet policy train writes one'),
    })
  })

  test('whose file holds something else is refused', async () => {
    const policyFile = join(temporaryDirectory(), 'policy.onnx')
    writeFileSync(policyFile, 'not a model')
    const opened = openPolicy({ policy: 'sac', policyFile }, testLog().log)
    await expect(opened).rejects.toMatchObject({ code: 'MODEL_INVALID' })
  })

  test('of a name that nobody knows is refused, file or not', async () => {
    const opened = openPolicy({ policy: 'sacc' }, testLog().log)
    await expect(opened).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})
