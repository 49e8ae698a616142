import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { benchDocument } from '../../../bench/bench-report.ts'
import { shareOf } from '../../../cases/report/interval.ts'
import { element, text } from '../../../cases/report/svg.ts'
import { Tally } from '../../../cases/report/tally.ts'
import { withExecuted } from '../../../cases/vehicles/learned-policies.ts'
import { measuredWorld } from '../../../cases/vehicles/measured-cells.ts'
import { writeReport } from '../../../cases/vehicles/report.ts'
import {
  studyCapacities,
  studyLimits,
  studyMeasured,
  studyShares,
} from '../../../cases/vehicles/studies.ts'
import { sacPolicy } from '../../../controller/orchestrate/policies/sac-policy.ts'
import { readPolicyFile } from '../../../controller/orchestrate/sac/policy-file.ts'
import { buildPolicyFile } from '../../../controller/orchestrate/sac/policy-networks.ts'
import { drawScenario, inputsOfRound } from '../../../controller/simulate/scenario.ts'
import { BALANCED } from '../../../controller/simulate/scenario-options.ts'

const options = { ...BALANCED, vehicles: 8, targets: 60, rounds: 2 }
/** Not trained: as it begins. */
const learned = withExecuted(sacPolicy(readPolicyFile(buildPolicyFile(new Map()))))

describe('shares and their intervals', () => {
  test('a share is the ratio of sums, and its interval holds it', () => {
    const share = shareOf([1, 2, 3], [2, 4, 5])
    expect(share.value).toBeCloseTo((100 * 6) / 11, 12)
    expect(share.low).toBeLessThanOrEqual(share.value)
    expect(share.high).toBeGreaterThanOrEqual(share.value)
    expect(shareOf([1, 2, 3], [2, 4, 5])).toEqual(share)
  })

  test('where every seed has the same share there is no spread', () => {
    expect(shareOf([1, 2], [2, 4])).toMatchObject({ value: 50, low: 50, high: 50, n: 2 })
  })
})

describe('studies', () => {
  const tally = new Tally()
  const one = { options, seed: 1, tally, learned }
  const stated = [studyShares(one), studyCapacities(one)]
  studyLimits(one)
  const rows = new Map(tally.rows().map(row => [row.name, row.value]))

  test('plans state the gap that they have', () => {
    for (const error of stated) expect(error).toBeLessThan(1e-9)
  })

  test('there is a row for each policy, and none is above what bounds it', () => {
    const policies = [
      'sac',
      'executed',
      'receding-dp',
      'greedy',
      'ml-c',
      'ml-cc',
      'ml-scc',
      'mp-tsc',
      'oort',
      'random',
    ]
    for (const policy of policies) {
      for (const study of ['optimum-share', 'cap8', 'cap5']) {
        const value = rows.get(`${study}.${policy}`)
        expect(value, `${study}.${policy}`).toBeGreaterThan(0)
        expect(value, `${study}.${policy}`).toBeLessThanOrEqual(100 + 1e-9)
      }
    }
  })

  test('Zeros gains more than the best serial schedule', () => {
    expect(rows.get('zeros-vs-serial')).toBeGreaterThan(1)
  })

  test('limits never raise the optimum, and less time costs energy', () => {
    for (const preset of ['light', 'balanced']) {
      for (const limit of ['time', 'compute']) {
        const name = `robust.${preset}.${limit}.optimum`
        expect(rows.get(name), name).toBeLessThanOrEqual(100 + 1e-9)
      }
      expect(rows.get(`robust.${preset}.time.joules`)).toBeGreaterThan(1)
    }
  })
})

describe('measured cells', () => {
  const trace = Float64Array.of(4, Number.NaN, 4, 4, 4, 4)

  test('links carry what was measured, and a hole in the trace is no link', () => {
    const world = measuredWorld([trace], [2], { seed: 1, options: { ...options, rounds: 5 } })
    const scenario = drawScenario(options, 1, world)
    const whole = inputsOfRound(scenario, 0, { sensingCr: 0, linkCr: 0 })
    const rates = whole.devices.flatMap(device => [...(device.links?.values() ?? [])])
    expect(rates.length).toBeGreaterThan(0)
    for (const { uplinkBitsPerBlock } of rates)
      expect(uplinkBitsPerBlock).toBeCloseTo(4e6 * 0.01, 6)
    const hole = inputsOfRound(scenario, 0, { sensingCr: 0, linkCr: 1 })
    expect(hole.devices.every(device => device.links?.size === 0)).toBe(true)
    expect(scenario.freshPools[0]?.flops[1]).toBeCloseTo(2 * 1.5e9 * 0.1, 0)
  })

  test('a study on them has its rows', () => {
    const tally = new Tally()
    const steady = new Map([['steady', [new Float64Array(9).fill(3)]]])
    studyMeasured({ options, seed: 1, tally, learned }, steady, [])
    const names = tally.rows().map(row => row.name)
    expect(names).toContain('traces.steady.receding-dp')
    expect(names).toContain('traces.steady.stale.greedy')
  })
})

describe('report', () => {
  test('it is a page with the figures, a table for programs and two pictures', () => {
    const folder = mkdtempSync(join(tmpdir(), 'case-'))
    try {
      const row = { name: 'optimum-share.greedy', value: 97.5, unit: '%', low: 97, high: 98, n: 30 }
      const result = { rows: [row], notes: ['a note'] }
      const files = writeReport(folder, benchDocument('case', new Date(0), result), options)
      expect(files).toEqual(['report.md', 'figures.csv', 'matching.svg', 'timeline.svg'])
      const read = (name: string) => readFileSync(join(folder, name), 'utf8')
      expect(read('report.md')).toContain('| greedy | 97.5 % | 97 to 98 | 30 |')
      expect(read('figures.csv')).toContain('optimum-share.greedy,97.5,%,97,98,30')
      for (const name of ['matching.svg', 'timeline.svg']) {
        expect(read(name)).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/)
        expect(read(name)).not.toContain('NaN')
      }
      expect(read('matching.svg').match(/CR \d/g)).toEqual(['CR 1', 'CR 2'])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('text in a picture cannot end its element', () => {
    expect(text('a<b & "c"', { x: 1 })).toBe('<text x="1">a&#60;b &#38; &#34;c&#34;</text>')
    expect(element('rect', { fill: '"' })).toBe('<rect fill="&#34;"></rect>')
  })
})
