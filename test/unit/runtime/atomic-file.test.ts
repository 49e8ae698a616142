import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  readFileIfThere,
  replaceFile,
  stageFiles,
  writeFileAtomic,
} from '../../../runtime/atomic-file.ts'
import { canMountTmpfs, temporaryDirectory, tinyTmpfs } from '../../support/directories.ts'

test('a file is replaced as a whole, in folders that are made for it, with its mode', async () => {
  const path = join(temporaryDirectory(), 'models', 'prose', '1.json')
  await writeFileAtomic(path, 'first, and longer', 0o600)
  await writeFileAtomic(path, Uint8Array.of(115, 50), 0o600)
  expect(readFileSync(path, 'utf8')).toBe('s2')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(join(path, '..'))).toEqual(['1.json'])
})

test('a file that can be found anew is replaced as a whole too', async () => {
  const path = join(temporaryDirectory(), 'cache', 'blob')
  await replaceFile(path, 'first, and longer')
  await replaceFile(path, 'second')
  expect(readFileSync(path, 'utf8')).toBe('second')
  expect(readdirSync(join(path, '..'))).toEqual(['blob'])
})

test('staged files take their places together, or leave nothing behind', async () => {
  const folder = temporaryDirectory()
  const files = ['blob', 'record'].map(name => ({ path: join(folder, name), content: name }))
  const discarded = await stageFiles(files)
  expect(readdirSync(folder).filter(name => !name.endsWith('.tmp'))).toEqual([])
  await discarded.discard()
  expect(readdirSync(folder)).toEqual([])
  const committed = await stageFiles(files)
  await committed.commit()
  expect(readdirSync(folder)).toEqual(['blob', 'record'])
  expect(readFileSync(join(folder, 'record'), 'utf8')).toBe('record')
})

test('where one of several files cannot be staged or placed, none is left', async () => {
  const folder = temporaryDirectory()
  const blob = { path: join(folder, 'blob'), content: 'blob' }
  const tooLong = { path: join(folder, 'x'.repeat(300)), content: '' }
  await expect(stageFiles([blob, tooLong])).rejects.toMatchObject({ code: 'ENAMETOOLONG' })
  expect(readdirSync(folder)).toEqual([])
  mkdirSync(join(folder, 'blob', 'is a folder now'), { recursive: true })
  const staged = await stageFiles([blob, { path: join(folder, 'record'), content: 'record' }])
  await expect(staged.commit()).rejects.toMatchObject({ code: 'EISDIR' })
  expect(readdirSync(folder)).toEqual(['blob'])
})

test('a write that fails leaves the old content and no half-written file', async () => {
  const folder = temporaryDirectory()
  const path = join(folder, 'state')
  mkdirSync(join(path, 'is a folder now'), { recursive: true })
  await expect(writeFileAtomic(path, 'new')).rejects.toMatchObject({ code: 'EISDIR' })
  expect(readdirSync(folder)).toEqual(['state'])
})

test.skipIf(!canMountTmpfs)(
  'a full disk keeps the old content (needs root for a tmpfs)',
  async () => {
    const folder = tinyTmpfs(64 * 1024)
    const path = join(folder, 'state')
    await writeFileAtomic(path, 'old')
    const tooMuch = writeFileAtomic(path, new Uint8Array(100 * 1024))
    await expect(tooMuch).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect(readdirSync(folder)).toEqual(['state'])
  },
)

test('writers of one file at the same time do not spoil each other', async () => {
  const path = join(temporaryDirectory(), 'counts.json')
  const texts = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(1000 + index))
  await Promise.all(texts.map(text => writeFileAtomic(path, text)))
  expect(texts).toContain(readFileSync(path, 'utf8'))
})

test('a file that is not there is no error, one that cannot be read is', async () => {
  const folder = temporaryDirectory()
  expect(await readFileIfThere(join(folder, 'nothing'))).toBeUndefined()
  await expect(readFileIfThere(folder)).rejects.toMatchObject({ code: 'EISDIR' })
})
