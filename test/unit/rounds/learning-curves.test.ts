import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LearningCurves } from '../../../controller/rounds/learning-curves.ts'
import type { RoundModel } from '../../../protocol/round-record.ts'
import { temporaryDirectory } from '../../support/directories.ts'

const PRIOR = { effectiveSamplesPrior: 50, exponent: 0.35 }
const SAMPLES = 200
const hash = 'a'.repeat(64)

/** Version `versionNumber` of a model that learns slowly at first. */
function round(versionNumber: number, o: Partial<RoundModel> = {}): { models: RoundModel[] } {
  const lossAt = (samples: number): number => 2 + 3 * (1 + samples / 2000) ** -0.6
  const samplesAbsorbed = versionNumber * SAMPLES
  return {
    models: [
      {
        modelId: 'prose',
        versionBefore: hash,
        versionAfter: hash,
        versionNumber,
        contributions: 1,
        sampleCount: SAMPLES,
        samplesAbsorbed,
        judgementBefore: { lossMean: lossAt(samplesAbsorbed - SAMPLES) },
        judgement: { lossMean: lossAt(samplesAbsorbed) },
        ...o,
      },
    ],
  }
}

function learned(versions: number): LearningCurves {
  const curves = new LearningCurves(PRIOR)
  for (let version = 1; version <= versions; version++) curves.learn(round(version))
  return curves
}

test('rounds teach what the first parameters of a model are worth', () => {
  expect(new LearningCurves(PRIOR).of('prose')).toBeUndefined()
  const fit = learned(30).of('prose')
  // The first version counts: it was judged before the first round.
  expect(fit?.versions).toBe(31)
  expect(fit?.effectiveSamplesPrior).toBeGreaterThan(500)
  expect(learned(30).of('code')).toBeUndefined()
})

test('many rounds are thinned, and the newest kept', () => {
  const fit = learned(500).of('prose')
  expect(fit?.versions).toBeLessThanOrEqual(64)
  expect(fit?.effectiveSamplesPrior).toBeGreaterThan(500)
})

test('versions that nobody judged teach nothing, and do no harm', () => {
  const curves = learned(5)
  const { judgement: _, judgementBefore: __, ...model } = round(6).models[0] as RoundModel
  curves.learn({ models: [model] })
  expect(curves.of('prose')).toEqual(learned(5).of('prose'))
})

test('a model that begins again has a curve of its own', () => {
  const curves = learned(20)
  curves.learn(round(1))
  expect(curves.of('prose')?.versions).toBe(2)
})

test('another life of the controller reads them from its records', async () => {
  const path = join(temporaryDirectory(), 'rounds.jsonl')
  const records = Array.from({ length: 20 }, (_, at) => ({ crId: at + 1, ...round(at + 1) }))
  const lines = records.map(record => JSON.stringify(record))
  writeFileSync(`${path}.1`, `${lines.slice(0, 8).join('\n')}\n{"crId": 9, "mod\n`)
  // What the machine was writing when its power went.
  writeFileSync(path, `${lines.slice(8).join('\n')}\n{"crId": 21, "models": [{`)
  const curves = new LearningCurves(PRIOR)
  await curves.read(path)
  expect(curves.of('prose')).toEqual(learned(20).of('prose'))
})

test('where there are no records yet, there is nothing to read', async () => {
  const curves = new LearningCurves(PRIOR)
  await curves.read(join(temporaryDirectory(), 'rounds.jsonl'))
  expect(curves.of('prose')).toBeUndefined()
})
