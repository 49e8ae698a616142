import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { exitCodeOf, failureText } from '../../../cli/failure.ts'
import { buildProgram } from '../../../cli/program.ts'
import { ExecutedPolicy } from '../../../controller/orchestrate/execute/executed-policy.ts'
import { randomPolicy } from '../../../controller/orchestrate/policies/random-policy.ts'
import { RoundLog } from '../../../controller/rounds/round-log.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { testLog } from '../../support/test-log.ts'
import { modelOf, offerOf, plan } from '../../unit/rounds/plans.ts'
import { runCli } from './run-cli.ts'

const CURVE = {
  exponent: 0.42,
  exponentSpread: 0.051,
  effectiveSamplesPrior: 612.4,
  effectiveSamplesFactor: 1.64,
  versions: 12,
}
const INTERVAL = {
  phase: 'sense' as const,
  startedAt: '2026-01-01T00:00:00.300Z',
  endedAt: '2026-01-01T00:00:02.900Z',
}

/** Records of three rounds as a controller writes them, the last line torn. */
async function recordsFile(): Promise<string> {
  const path = join(temporaryDirectory(), 'rounds.jsonl')
  const log = new RoundLog(path)
  const policy = new ExecutedPolicy(randomPolicy, { log: testLog().log, nowMs: () => 0 })
  const urps = new Map([
    ['pi-04', offerOf()],
    ['pi-05', offerOf()],
    ['pi-06', { ...offerOf(), slotMs: 1000 }],
    ['pi-07', { ...offerOf(), sensing: [] }],
  ])
  for (const crId of [7, 8, 9]) {
    const models = ['prose', 'code', 'a-name-that-is-longer-than-its-column'].map(id => modelOf(id))
    const { choices, gain, bound, gap, excluded, decision } = plan({ crId, urps, models, policy })
    await log.append({
      crId,
      startedAt: '2026-01-01T00:00:00.000Z',
      endedAt: '2026-01-01T00:00:03.000Z',
      policy: policy.name,
      gain,
      bound,
      gap,
      ...(decision ? { decision } : {}),
      choices: [...choices],
      contributions: [
        {
          agentId: 'pi-04',
          grId: crId - 1,
          modelId: 'prose',
          outcome: 'refused',
          reason: `\u001b[31mred ${'x'.repeat(120)}`,
        },
      ],
      models: [],
      excluded: [...excluded],
      schedule: 'zeros',
      overlapRatio: 0.5,
      curves: [{ modelId: 'prose', ...CURVE }],
      sensing: [{ agentId: 'pi-04', modelId: 'prose', sampleCount: 9, interval: INTERVAL }],
    })
  }
  appendFileSync(path, '{"crId":10,"startedAt')
  return path
}

async function failureOf(args: readonly string[]) {
  const error: unknown = await buildProgram()
    .parseAsync([...args], { from: 'user' })
    .then(() => expect.unreachable(`${args.join(' ')} succeeds`))
    .catch(reason => reason)
  return { exitCode: exitCodeOf(error), stderr: failureText(error) }
}

describe('an explanation', () => {
  test('of a round says who got what, what else there was, and who was left out', async () => {
    const { exitCode, stdout } = await runCli([
      ...['explain', 'round', '8'],
      ...['--records', await recordsFile()],
    ])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/Round 8, policy random/)
    expect(stdout).toMatch(/executed +(random|receding-dp): over 3 rounds the proposal promises/)
    expect(stdout).toMatch(/pi-04 +\S+ +\d\.\d{3} +400 +1\.00 {2}compute\n {4}or/)
    expect(stdout).toMatch(/schedule +zeros: 50\.0 % of consumption went on beside sensing/)
    expect(stdout).toMatch(/prose +exponent 0\.42 ± 0\.05, 612 samples at first, to a factor/)
    expect(stdout).toMatch(/of 1\.6, by 12 versions/)
    expect(stdout).toMatch(/Seconds from its start\n {2}pi-04 +sense 0\.3 to 2\.9/)
    expect(stdout).toMatch(/Idle\n {2}pi-07 +idle/)
    expect(stdout).toMatch(/Left out\n {2}pi-06 +the URP is cut into 4 x 1000 ms/)
    expect(stdout).toMatch(/refused, .*\n? *\[31mred/)
    expect(stdout).not.toContain('\u001b[31m')
    const widths = stdout.split('\n').map(line => line.length)
    expect(Math.max(...widths)).toBeLessThanOrEqual(80)
  })

  test('of a device tells of its last rounds, as JSON too', async () => {
    const { stdout } = await runCli([
      ...['explain', 'device', 'pi-04', '--rounds', '2', '--json'],
      ...['--records', await recordsFile()],
    ])
    const { agentId, rounds } = JSON.parse(stdout)
    expect(agentId).toBe('pi-04')
    expect(rounds).toMatchObject([
      { crId: 8, choice: { limitedBy: 'compute' }, contribution: { outcome: 'refused' } },
      { crId: 9, choice: { alternatives: [{ workload: 400 }, { correlation: 1 }] } },
    ])
  })

  test('of what is not there says what is', async () => {
    const records = ['--records', await recordsFile()]
    const round = await failureOf(['explain', 'round', '99', ...records])
    expect(round.exitCode).toBe(65)
    expect(round.stderr).toContain('it has rounds 7 to 9')
    const device = await failureOf(['explain', 'device', 'pi-99', ...records])
    expect(device.stderr).toContain('it knows pi-04, pi-05, pi-06, pi-07')
    const gone = await failureOf(['explain', 'round', '1', '--records', '/nowhere/rounds.jsonl'])
    expect(gone).toMatchObject({ exitCode: 66, stderr: expect.stringContaining('/nowhere/') })
    const empty = join(temporaryDirectory(), 'rounds.jsonl')
    writeFileSync(empty, '')
    const none = await failureOf(['explain', 'device', 'pi-04', '--records', empty])
    expect(none.stderr).toContain('it knows nobody yet')
  })
})
