import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { benchDocument } from '../../../bench/bench-report.ts'
import { drawChannels } from '../../../cases/power/environments.ts'
import { writeReport } from '../../../cases/power/report.ts'
import {
  type Interference,
  interferedRate,
  weightedMmse,
} from '../../../cases/power/weighted-mmse.ts'
import { totalRate } from '../../../controller/power/channel-gains.ts'
import { averagePower, waterFill } from '../../../controller/power/water-filling.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'

const SEED = 2

describe('the environments', () => {
  test('have the gains of the paper, over the noise', () => {
    const { gains } = drawChannels('t1', 50, { budget: 0.2, noise: 2 }, seededRandom(SEED))
    for (const [place, gain] of gains.entries()) {
      const [from, to] = place % 20 < 10 ? [2.5, 4] : [1.5, 3]
      expect(gain).toBeGreaterThanOrEqual(from)
      expect(gain).toBeLessThanOrEqual(to)
    }
  })

  test.each([
    [0.2, 19.7, 42.5],
    [1.81, 3.7, 15.1],
    [12, 0.14, 1.5],
  ])('have the ceilings of a power of %d', (budget, t1, t2) => {
    for (const [environment, gain] of [
      ['t1', t1],
      ['t2', t2],
    ] as const) {
      const rows = drawChannels(environment, 4000, { budget, noise: 1 }, seededRandom(SEED))
      const even = totalRate(rows.gains, averagePower(rows))
      const found = 100 * (totalRate(rows.gains, waterFill(rows)) / even - 1)
      expect(found / gain, `${environment}: ${found}`).toBeGreaterThan(0.95)
      expect(found / gain, `${environment}: ${found}`).toBeLessThan(1.05)
    }
  })
})

describe('weighted minimum mean square error', () => {
  const random = seededRandom(SEED)
  const channels = 5
  const draw = (most: number) => Float64Array.from({ length: 2 * channels }, () => most * random())
  const even = new Float64Array(2 * channels).fill(1)

  test('raises the rate at every iteration and keeps to the power of both links', () => {
    const given: Interference = { direct: draw(7), crossed: draw(7), channels, budget: 5 }
    let before = interferedRate(given, even)
    for (const iterations of [1, 2, 4, 8, 16, 32]) {
      const powers = weightedMmse(given, even, iterations)
      const rate = interferedRate(given, powers)
      expect(rate, `seed ${SEED}`).toBeGreaterThanOrEqual(before - 1e-9)
      before = rate
      for (const link of [0, 1]) {
        const own = powers.subarray(link * channels, (link + 1) * channels)
        expect(own.reduce((sum, power) => sum + power, 0)).toBeLessThanOrEqual(5 + 1e-6)
      }
    }
  })

  test('without interference comes to water-filling', () => {
    const direct = draw(7)
    const given = { direct, crossed: new Float64Array(2 * channels), channels, budget: 5 }
    const best = waterFill({ gains: direct, channels, budget: 5 })
    const found = interferedRate(given, weightedMmse(given, even, 400))
    expect(found).toBeCloseTo(interferedRate(given, best), 3)
  })
})

test('the report is a page, a table for programs and a picture', () => {
  const folder = mkdtempSync(join(tmpdir(), 'case-'))
  try {
    const row = (name: string, value: number) => ({ name, value, unit: '%', n: 1 })
    const rows = [row('t1.gdm', 19.4), row('t1.ceiling', 19.7), row('t3.ceiling', 42.4)]
    const document = benchDocument('case:power', new Date(0), { rows, notes: ['a note'] })
    const setting = {
      budget: 0.2,
      noise: 1,
      seeds: 1,
      pairs: 10,
      updates: 10,
      steps: 2,
      heldBack: 10,
    }
    const curve = [
      { phase: 't1', updates: 5, t1: 10, t2: -3 },
      { phase: 't3', updates: 5, t1: 19, t2: 41 },
    ] as const
    const files = writeReport(folder, document, { options: setting, curve })
    expect(files).toEqual(['report.md', 'figures.csv', 'training.svg'])
    const read = (name: string) => readFileSync(join(folder, name), 'utf8')
    expect(read('report.md')).toContain('| gdm | 19.4 % |')
    expect(read('figures.csv')).toContain('t3.ceiling,42.4,%')
    expect(read('training.svg')).toMatch(/^<svg/)
    expect(read('training.svg')).not.toContain('NaN')
    // Nothing was learned: still a picture.
    writeReport(folder, document, { options: setting, curve: [] })
    expect(read('training.svg')).not.toContain('NaN')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
