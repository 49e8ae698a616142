import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { measureHoldout } from '../../../bench/forecast/holdout.ts'
import { leastAbsolute } from '../../../bench/forecast/least-absolute.ts'
import { readTraces, someTraces, traceFamilies } from '../../../bench/forecast/trace-file.ts'
import { slotRates } from '../../../bench/forecast/trace-slots.ts'
import { forecast, judgedRows, measureForecasts } from '../../../bench/forecast.ts'
import { sharedFile, temporaryDirectory } from '../../support/directories.ts'

const shared = sharedFile('data/network-traces')

test.skipIf(!shared)(
  'on real traces (skipped without shared/data/network-traces) persistence is beaten and covered',
  () => {
    for (const [family, file] of traceFamilies(shared ?? '')) {
      const [error, , coverage] = judgedRows(family, readTraces(file).slice(0, 12))
      expect(error?.ratio, family).toBeGreaterThan(1)
      // A few short traces: wider than what all of them are held to.
      expect(coverage?.value, family).toBeGreaterThan(0.7)
      expect(coverage?.value, family).toBeLessThan(0.9)
    }
  },
)

test('a folder in the format of the traces gives a row for each file, packed or not', () => {
  const folder = temporaryDirectory()
  const t = Array.from({ length: 60 }, (_, second) => second)
  const line = (name: string, rates: object) => `${JSON.stringify({ name, t, ...rates })}\n`
  const steady = line('a', { mbps: t.map(() => 5) })
  writeFileSync(join(folder, 'steady.jsonl'), `${steady}no json\n{"name":"b","t":[0,1]}\n\n`)
  const swing = line('c', { dl_kbps: t.map(second => (second % 7 === 0 ? null : second % 20)) })
  writeFileSync(join(folder, 'swing.v2.jsonl.gz'), gzipSync(swing))
  writeFileSync(join(folder, 'README.md'), 'no traces')
  mkdirSync(join(folder, 'empty'))
  const { rows } = measureForecasts(folder, { tracesMax: 10 })
  const names = rows.map(({ name }) => name)
  expect(names).toContain('mae.vs-persistence.swing.v2')
  expect(names).toContain('coverage80.swing.v2')
  expect(names).toContain('oracle.swing.v2')
  expect(names).toContain('promise.kept.swing.v2')
  const judged = rows.filter(({ name }) => name.endsWith('.steady')).slice(0, 3)
  expect(judged).toMatchObject([
    { name: 'mae.vs-persistence.steady', value: expect.closeTo(0, 6), n: 1 },
    { name: 'mae.vs-last-slot.steady' },
    { name: 'coverage80.steady', value: 1, unit: 'of 1' },
  ])
  for (const { value, ratio = 1 } of rows) expect([value, ratio].every(Number.isFinite)).toBe(true)
})

test('a folder that is not there, or holds no traces, is said in a line', async () => {
  const folder = temporaryDirectory()
  const nowhere = join(folder, 'nowhere')
  expect(await forecast.run({ quick: true, traces: nowhere })).toEqual({
    rows: [],
    notes: [`there is no folder of traces ${nowhere}`],
  })
  const { rows, notes } = await forecast.run({ quick: true, traces: folder })
  expect(rows).toEqual([])
  expect(notes).toContain(`there are no traces (*.jsonl, *.jsonl.gz) in ${folder}`)
})

test('a slot has the mean of the rates in it by their time, and none where half is unknown', () => {
  const mbps = [99, 4, 8, null, 6, -1, 2]
  const seconds = [0, 1, 1.5, 2, 3, 4, 6]
  // 0 to 1: 4; 1 to 1.5: 8, the rest unknown; 2 to 3: 6; 3 to 4: negative; 4 to 6: 2.
  const rates = slotRates({ name: 'a', seconds, mbps }, 1)
  expect([...rates]).toEqual([4, 8, 6, Number.NaN, 2, 2])
})

test('of many traces some are taken, as many with odd index as with even', () => {
  const trace = { name: 'a', seconds: [0, 100], mbps: [1, 1] }
  const some = someTraces(Array(40).fill(trace), { roundsMax: 200, roundSeconds: 5 })
  expect(some.map(({ index }) => index)).toEqual([0, 1, 8, 9, 16, 17, 24, 25, 32, 33])
  expect(someTraces([trace], { roundsMax: 1000, roundSeconds: 5 })).toHaveLength(1)
})

test('least absolute deviations are not moved by a few that are far off', () => {
  const rows = Array.from({ length: 50 }, (_, i) => ({
    features: [1, i],
    target: i % 10 === 3 ? 900 : 4 + 2 * i,
    weight: 1,
    smallError: 0.01,
  }))
  const [constant = 0, slope = 0] = leastAbsolute(rows, { ridge: 1e-4 })
  expect(constant).toBeCloseTo(4, 0)
  expect(slope).toBeCloseTo(2, 1)
})

test('with holdout each family is judged by what it did not teach', () => {
  const t = Array.from({ length: 200 }, (_, second) => second)
  const family = (period: number) =>
    Array.from({ length: 4 }, (_, index) => ({
      name: `${index}`,
      seconds: t,
      mbps: t.map(second => 5 + ((second * (index + 1)) % period)),
    }))
  const { rows, notes } = measureHoldout(
    new Map([
      ['a', family(7)],
      ['b', family(23)],
    ]),
  )
  expect(rows.map(({ name, n }) => [name, n])).toEqual([
    ['holdout.half.a', 2],
    ['holdout.half-unlearned.a', 2],
    ['holdout.family.a', 4],
    ['holdout.half.b', 2],
    ['holdout.half-unlearned.b', 2],
    ['holdout.family.b', 4],
  ])
  for (const { value } of rows) expect(Number.isFinite(value)).toBe(true)
  expect(notes.join()).toContain('fitted to all')
})
