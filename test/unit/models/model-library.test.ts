import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ModelLibrary } from '../../../controller/models/model-library.ts'
import { nextByteOf } from '../../support/sample-specs.ts'
import { libraryFolder, NOW_MS } from './model-config.ts'

async function learn(library: ModelLibrary, value: number, modelId = 'prose') {
  const parameters = (await library.parameters(modelId)).fill(value)
  return library.addVersion(modelId, parameters, { sampleCount: 10, nowMs: NOW_MS })
}

describe('a model', () => {
  test('begins with version 0, the same wherever it is begun', async () => {
    const [one, other] = [libraryFolder(), libraryFolder()]
    const { current, parameterCount, ...model } = (await one.open([one.config('prose')])).model(
      'prose',
    )
    expect(current).toMatchObject({ versionNumber: 0, parent: null, samplesAbsorbed: 0 })
    // 256 x 2 embeddings, 8 x 8 + 8 hidden, 8 x 256 + 256 outputs.
    expect(parameterCount).toBe(512 + 72 + 2304)
    expect(model.takes).toEqual(nextByteOf(4))
    const again = await other.open([other.config('prose')])
    expect(again.model('prose').current).toEqual(current)
  })

  test('adds versions to each other, and to what they have absorbed', async () => {
    const { config, open } = libraryFolder()
    const library = await open([config('prose')])
    const first = library.model('prose').current
    const second = await learn(library, 1)
    const third = await learn(library, 2)
    expect([second.parent, third.parent]).toEqual([first.version, second.version])
    expect(third).toMatchObject({ versionNumber: 2, samplesAbsorbed: 20 })
    expect(library.model('prose').current).toEqual(third)
  })

  test('keep what their rule of aggregation carries on, for that rule', async () => {
    const { config, open } = libraryFolder()
    const library = await open([config('prose')])
    const parameters = await library.parameters('prose')
    const moments = { rule: 'fed-yogi', values: [parameters.fill(1), parameters.map(() => 2)] }
    const version = { sampleCount: 1, nowMs: NOW_MS }
    await library.addVersion('prose', parameters, { ...version, moments })
    await library.collectGarbage()
    const reopened = await open([config('prose')])
    expect(await reopened.moments('prose', 'fed-yogi')).toEqual(moments.values)
    expect(await reopened.moments('prose', 'fed-avg-m')).toEqual([])
    await reopened.addVersion('prose', parameters.fill(3), version)
    expect(await reopened.moments('prose', 'fed-yogi')).toEqual([])
  })

  test('that is not there is a failure of the round', async () => {
    const { open } = libraryFolder()
    const library = await open([])
    expect(() => library.model('prose')).toThrow('no model prose')
  })

  test('a version that comes too late is not stored', async () => {
    const { config, open } = libraryFolder()
    const library = await open([config('prose')])
    const before = library.model('prose').current
    const parameters = (await library.parameters('prose')).fill(3)
    const late = { sampleCount: 1, nowMs: NOW_MS, isUnwanted: () => true }
    await expect(library.addVersion('prose', parameters, late)).rejects.toMatchObject({
      code: 'ROUND_FAILED',
    })
    expect((await open([config('prose')])).model('prose').current).toEqual(before)
  })
})

describe('in the next life of the controller', () => {
  test('a crash between the blob and its record leaves the version before', async () => {
    const { config, open, stateDirectory } = libraryFolder()
    const library = await open([config('prose')])
    const first = await learn(library, 1)
    const second = await learn(library, 2)
    rmSync(join(stateDirectory, 'models', 'prose', `${second.versionNumber}.json`))
    const later = await open([config('prose')])
    expect(later.model('prose').current).toEqual(first)
    expect((await later.parameters('prose'))[0]).toBe(1)
    // The blob without a record is garbage, the others are not.
    await later.collectGarbage()
    expect((await learn(later, 3)).parent).toBe(first.version)
  })

  test.each([
    ['layers', { hiddenSizes: [16] }],
    ['context', { contextBytes: 8 }],
    ['embedding', { embeddingSize: 4 }],
  ])('a model of another shape, by its %s, is refused in a sentence', async (_, change) => {
    const { config, open, stateDirectory } = libraryFolder()
    await open([config('prose')])
    await expect(open([config('prose', change)])).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message:
        'models.prose: the stored versions have another shape than the config asks for; ' +
        `choose another modelId, or move ${join(stateDirectory, 'models', 'prose')} away`,
    })
  })

  test('another seed or batch changes nothing of what was learned', async () => {
    const { config, open } = libraryFolder()
    const learned = await learn(await open([config('prose')]), 7)
    const later = await open([config('prose', { seed: 9 })], { batch: 16 })
    const { current } = later.model('prose')
    expect(current).toMatchObject({ version: learned.version, versionNumber: 1 })
    expect(current.training).not.toBe(learned.training)
    expect((await later.parameters('prose'))[0]).toBe(7)
  })

  test('a model that was left out of the config for a while is there again', async () => {
    const { config, open } = libraryFolder()
    const both = [config('prose'), config('code', { seed: 2 })]
    const learned = await learn(await open(both), 7, 'code')
    const without = await open([config('prose')])
    await learn(without, 1)
    await without.collectGarbage()
    const again = await open(both)
    expect(again.model('code').current).toEqual(learned)
    expect((await again.parameters('code'))[0]).toBe(7)
  })

  test('a blob that the disk has changed is named, and never trained on', async () => {
    const { config, open, blobPath } = libraryFolder()
    const { version } = (await open([config('prose')])).model('prose').current
    const bytes = readFileSync(blobPath(version))
    bytes[100] = (bytes[100] ?? 0) ^ 1
    writeFileSync(blobPath(version), bytes)
    await expect(open([config('prose')])).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      message: expect.stringContaining('the disk changed it'),
    })
  })

  test('a record that is none is named with its path', async () => {
    const { config, open, stateDirectory } = libraryFolder()
    await open([config('prose')])
    const path = join(stateDirectory, 'models', 'prose', '0.json')
    writeFileSync(path, '{"modelId":"prose"}')
    await expect(open([config('prose')])).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      message: `${path} is not a version record`,
    })
  })
})
