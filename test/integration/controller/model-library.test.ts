import { copyFileSync, existsSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ModelLibrary } from '../../../controller/models/model-library.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { testLog } from '../../support/test-log.ts'

const NOW = Date.UTC(2026, 0, 1)

/** The library in its folder, opened by a new life of the controller each time. */
function openLibrary() {
  const folder = temporaryDirectory()
  const text = join(folder, 'held-back.txt')
  writeFileSync(text, 'the quick brown fox jumps over the lazy dog')
  const config = {
    modelId: 'prose',
    kind: 'byte-language-model',
    contextBytes: 2,
    embeddingSize: 2,
    hiddenSizes: [4],
    seed: 1,
    value: 1,
    evaluation: { path: text, bytesMax: 1024 },
    prompt: 'The ',
  } as const
  const open = async (): Promise<ModelLibrary> => {
    const library = new ModelLibrary({ stateDirectory: folder, log: testLog().log })
    await library.open([{ ...config, hiddenSizes: [4], sensorKinds: [] }], { batch: 8 }, NOW)
    return library
  }
  return { open, blob: (sha256: string) => join(folder, 'blobs', sha256), folder }
}

async function addVersion(library: ModelLibrary, firstParameter: number) {
  const parameters = await library.parameters('prose')
  parameters[0] = firstParameter
  return library.addVersion('prose', parameters, { sampleCount: 10, nowMs: NOW })
}

test('a version is there again in the next life of the controller', async () => {
  const { open } = openLibrary()
  const added = await addVersion(await open(), 7)
  const later = await open()
  expect(later.model('prose').current).toEqual(added)
  expect((await later.parameters('prose'))[0]).toBe(7)
})

test('a crash between record and blob leaves the version before, and its number free', async () => {
  const { open, blob } = openLibrary()
  const library = await open()
  const first = await addVersion(library, 1)
  const torn = await addVersion(library, 2)
  rmSync(blob(torn.version))
  const later = await open()
  expect(later.model('prose').current).toEqual(first)
  const next = await addVersion(later, 3)
  expect(next).toMatchObject({ versionNumber: torn.versionNumber, parent: first.version })
  expect((await open()).model('prose').current).toEqual(next)
})

test.each<[string, (o: { blob: string; record: string }) => void]>([
  ['its parameters', ({ blob }) => truncateSync(blob, 10)],
  ['its record', ({ record }) => truncateSync(record, 0)],
])('a power cut that damages %s leaves the version before', async (_, damage) => {
  const { open, blob, folder } = openLibrary()
  const library = await open()
  const first = await addVersion(library, 1)
  const { version, versionNumber } = await addVersion(library, 2)
  await library.settled()
  damage({
    blob: blob(version),
    record: join(folder, 'models', 'prose', `${versionNumber}.json`),
  })
  const later = await open()
  expect(later.model('prose').current).toEqual(first)
  await later.collectGarbage()
  const next = await addVersion(later, 2)
  expect(next).toMatchObject({ version, versionNumber, parent: first.version })
  expect((await (await open()).parameters('prose'))[0]).toBe(2)
})

test('a version that is not wanted any more leaves the version before, and its number free', async () => {
  const { open } = openLibrary()
  const library = await open()
  const first = await addVersion(library, 1)
  const parameters = await library.parameters('prose')
  parameters[0] = 2
  const unwanted = library.addVersion('prose', parameters, {
    sampleCount: 10,
    nowMs: NOW,
    isUnwanted: () => true,
  })
  await expect(unwanted).rejects.toMatchObject({ code: 'ROUND_FAILED' })
  expect((await open()).model('prose').current).toEqual(first)
  const next = await addVersion(library, 3)
  expect(next).toMatchObject({ versionNumber: 2, parent: first.version })
})

test('of versions only the latest fifty are kept, and a version under way is no garbage', async () => {
  const { open, blob, folder } = openLibrary()
  const library = await open()
  const first = library.model('prose').current
  const versions = [first.version]
  for (let count = 1; count <= 50; count++) {
    const [added] = await Promise.all([addVersion(library, count), library.collectGarbage()])
    versions.push(added.version)
  }
  await library.collectGarbage()
  // What an earlier release has left there goes too, at the first look of a life.
  const records = join(folder, 'models', 'prose')
  copyFileSync(join(records, '50.json'), join(records, '0.json'))
  await (await open()).collectGarbage()
  const left = versions.filter(version => existsSync(blob(version)))
  expect(left).toEqual(versions.slice(-50))
  const numbers = readdirSync(records).map(name => Number.parseInt(name, 10))
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
  // And the graphs.
  expect(readdirSync(join(folder, 'blobs'))).toHaveLength(52)
})
