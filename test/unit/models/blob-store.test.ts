import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { BlobStore } from '../../../controller/models/blob-store.ts'
import { hashOf } from '../../../protocol/blocks.ts'
import { temporaryDirectory } from '../../support/directories.ts'

const bytes = new TextEncoder().encode('abc')
// FIPS 180-2, appendix B.1.
const SHA256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

test('a blob is named by its hash and read back as it was', async () => {
  const store = new BlobStore(join(temporaryDirectory(), 'blobs'))
  expect(hashOf(bytes)).toBe(SHA256)
  expect([await store.put(bytes), await store.put(bytes)]).toEqual([SHA256, SHA256])
  expect([...(await store.get(SHA256))]).toEqual([...bytes])
})

test('what is missing or was changed is corrupt, and put in order by storing it again', async () => {
  const folder = temporaryDirectory()
  const store = new BlobStore(folder)
  const missing = { code: 'MODEL_CORRUPT', message: `no blob ${SHA256} in ${folder}` }
  await expect(store.get(SHA256)).rejects.toMatchObject(missing)
  writeFileSync(join(folder, SHA256), 'abd')
  await expect(store.get(SHA256)).rejects.toMatchObject({
    code: 'MODEL_CORRUPT',
    message: expect.stringMatching(/hashes to a52d159f/),
  })
  await store.put(bytes)
  expect(await store.get(SHA256)).toHaveLength(3)
})

test('what nobody names is removed, with the remains of writes that were cut off', async () => {
  const folder = temporaryDirectory()
  const store = new BlobStore(folder)
  const kept = await store.put(bytes)
  await store.put(new TextEncoder().encode('old'))
  writeFileSync(join(folder, `${kept}.4711-1.tmp`), 'half')
  expect(await store.keepOnly(new Set([kept]))).toBe(2)
  expect(readdirSync(folder)).toEqual([kept])
})

test('a folder of that name is no blob', async () => {
  const folder = temporaryDirectory()
  mkdirSync(join(folder, SHA256))
  await expect(new BlobStore(folder).get(SHA256)).rejects.toMatchObject({ code: 'EISDIR' })
})
