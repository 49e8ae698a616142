import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sumRate } from '../../../../controller/power/channel-gains.ts'
import { isBetter } from '../../../../controller/power/cycle/better.ts'
import { gainSketch, sketchDistance } from '../../../../controller/power/cycle/gain-sketch.ts'
import { VersionStore } from '../../../../controller/power/cycle/version-store.ts'
import {
  CYCLE_SETTINGS,
  type CycleEvent,
  type CycleModel,
  type GainRows,
  type PowerReport,
  VirtuousCycle,
} from '../../../../controller/power/cycle/virtuous-cycle.ts'
import { seededRandom } from '../../../../runtime/seeded-random.ts'

const SEED = 4
const CHANNELS = 6
const BUDGET = 1

/** A model of one number a: power in proportion to gainᵃ. Trained by trying numbers. */
function powersBy(exponent: number, gains: Float64Array): Float64Array {
  const weights = gains.map(gain => Math.max(1e-9, gain) ** exponent)
  const sum = weights.reduce((total, one) => total + one, 0)
  return weights.map(weight => (BUDGET * weight) / sum)
}

function ratesBy(exponent: number, { gains, count }: GainRows): Float64Array {
  return Float64Array.from({ length: count }, (_, row) => {
    const part = gains.subarray(row * CHANNELS, (row + 1) * CHANNELS)
    return sumRate(part, powersBy(exponent, part))
  })
}

const sumOf = (values: Float64Array) => values.reduce((sum, one) => sum + one, 0)
const fileOf = (exponent: number) => new Uint8Array(Float64Array.of(exponent).buffer)
const exponentOf = (file: Uint8Array) => new Float64Array(file.slice().buffer)[0] ?? 0

const exponentModel: CycleModel = {
  ratesOf: async (file, rows) => ratesBy(exponentOf(file), rows),
  retrain: async (_, rows) => {
    const tried = Array.from({ length: 41 }, (_, place) => place / 10 - 1)
    const rates = tried.map(exponent => sumOf(ratesBy(exponent, rows)))
    return fileOf(tried[rates.indexOf(Math.max(...rates))] ?? 0)
  },
}

const random = seededRandom(SEED)
const strong = () => Float64Array.from({ length: CHANNELS }, () => 100 + 20 * random())
const weak = () => Float64Array.from({ length: CHANNELS }, () => 0.05 + 1.5 * random())

function knownOf(draw: () => Float64Array, count: number): GainRows {
  const gains = new Float64Array(count * CHANNELS)
  for (let row = 0; row < count; row++) gains.set(draw(), row * CHANNELS)
  return { gains, count }
}

function report(draw: () => Float64Array, agentId = 'a'): PowerReport {
  const gains = draw()
  const powers = powersBy(0, gains)
  return { agentId, gains, powers, achievedRate: sumRate(gains, powers) }
}

const many = (draw: () => Float64Array) => Array.from({ length: 30 }, () => report(draw))

describe('a sketch of gains', () => {
  test('is at no distance from itself and at all from one that it does not touch', () => {
    const [one, other] = [
      gainSketch(Float64Array.of(1, 2, 4)),
      gainSketch(Float64Array.of(1e3, 1e4)),
    ]
    expect(sketchDistance(one, one)).toBe(0)
    expect(sketchDistance(one, other)).toBeCloseTo(1, 12)
    expect(sketchDistance(one, gainSketch(new Float64Array(0)))).toBe(0)
  })

  test('takes in gains of 0 and enormous ones', () => {
    expect(sumOf(gainSketch(Float64Array.of(0, 1e300, 5e-324)))).toBe(3)
  })
})

test('a model is better only by more than the chance of the rows', () => {
  const draw = seededRandom(SEED)
  const base = Float64Array.from({ length: 60 }, () => draw())
  expect(
    isBetter(
      base.map(rate => rate + 0.1),
      base,
    ),
  ).toBe(true)
  expect(
    isBetter(
      base.map(rate => rate + (draw() - 0.5)),
      base,
    ),
  ).toBe(false)
  expect(isBetter(base, base)).toBe(false)
  expect(isBetter([], [])).toBe(false)
})

describe('the virtuous cycle', () => {
  let folder: string
  let store: VersionStore
  let cycle: VirtuousCycle
  let crId = 0

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cycle-'))
    crId = 0
    store = await VersionStore.open(folder)
    const known = knownOf(strong, 200)
    const first = { parent: null, crId: 0, reason: 'first', rows: 200, state: 'serving' } as const
    await store.add(fileOf(0), { ...first, sketch: [...gainSketch(known.gains)] })
    cycle = new VirtuousCycle({ store, model: exponentModel, channels: CHANNELS, known })
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  async function rounds(count: number, draw: () => Float64Array): Promise<CycleEvent[]> {
    const events: CycleEvent[] = []
    for (let round = 0; round < count; round++) {
      events.push(...(await cycle.observe(crId++, many(draw))))
      await cycle.settle()
    }
    return events
  }

  test('leaves a model alone whose gains come as before', async () => {
    expect(await rounds(10, strong)).toEqual([])
    expect(store.versions.length).toBe(1)
  })

  test('detects other gains, trains anew and takes over what is better, with its lineage', async () => {
    await rounds(3, strong)
    const before = store.serving?.version
    const events = await rounds(12, weak)
    expect(events.map(({ type }) => type)).toEqual(['drift', 'taken-over'])
    const { serving } = store
    expect(serving?.parent).toBe(before)
    expect(exponentOf(await store.file(serving?.version ?? ''))).toBeGreaterThan(0.3)
    expect(store.versions.map(({ state }) => state)).toEqual(['superseded', 'serving'])
    const again = await VersionStore.open(folder)
    expect(again.versions).toEqual(store.versions)
  })

  test('takes back a version that turns out worse, and the one before serves again', async () => {
    const before = store.serving?.version
    await cycle.install(crId, fileOf(-1), 'by hand')
    expect(store.serving?.version).not.toBe(before)
    const events = await rounds(2, weak)
    expect(events.map(({ type }) => type)).toContain('taken-back')
    expect(store.serving?.version).toBe(before)
    expect(store.versions.find(({ reason }) => reason === 'by hand')?.state).toBe('taken-back')
  })

  test('does not believe gains a thousand times too large, too small or of other channels', async () => {
    const lie = (factor: number): PowerReport => {
      const { gains, ...rest } = report(weak, `times ${factor}`)
      return { ...rest, gains: gains.map(gain => factor * gain) }
    }
    const short = { ...report(weak, 'short'), gains: Float64Array.of(1) }
    const reports = [...many(strong), lie(1000), lie(0.001), lie(2), short]
    const events = await cycle.observe(0, reports)
    const names = events.flatMap(one => (one.type === 'disbelieved' ? [one.agentId] : []))
    expect(names).toEqual(['times 1000', 'times 0.001', 'short'])
  })

  test('refuses a version that is no better, and says where training failed', async () => {
    const model = { ...exponentModel, retrain: async () => fileOf(-1) }
    const known = knownOf(strong, 200)
    cycle = new VirtuousCycle({ store, model, channels: CHANNELS, known })
    expect((await rounds(8, weak)).map(({ type }) => type)).toContain('refused')
    const failing = { ...model, retrain: () => Promise.reject(new Error('no memory')) }
    cycle = new VirtuousCycle({ store, model: failing, channels: CHANNELS, known })
    const events = await rounds(10, weak)
    expect(events.find(({ type }) => type === 'retraining-failed')).toMatchObject({
      reason: 'no memory',
    })
    expect(store.serving?.parent).toBeNull()
  })

  test('keeps no more new gains than it has room for', async () => {
    const settings = { ...CYCLE_SETTINGS, rowsMin: 1000, rowsMax: 60 }
    const known = knownOf(strong, 60)
    cycle = new VirtuousCycle({ store, model: exponentModel, channels: CHANNELS, known, settings })
    expect((await rounds(6, weak)).map(({ type }) => type)).toEqual(['drift'])
  })

  test('says which lineage is damaged', async () => {
    writeFileSync(join(folder, 'lineage.json'), '[{}]')
    await expect(VersionStore.open(folder)).rejects.toThrow(/lineage.json is no lineage/)
  })
})
