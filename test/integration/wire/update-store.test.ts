import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { canMountTmpfs, temporaryDirectory, tinyTmpfs } from '../../support/directories.ts'
import { testLog } from '../../support/test-log.ts'
import { openStore, parametersOf, updateOf } from './update-fixture.ts'

describe('the update store', () => {
  test('keeps updates over a restart, and drops half-written and damaged ones', async () => {
    const directory = join(temporaryDirectory(), 'updates')
    const store = await openStore(directory)
    const good = updateOf(1, parametersOf(1, 100))
    const bad = updateOf(2, parametersOf(2, 100))
    await store.put(good.content, good.payload)
    const damaged = await store.put(bad.content, bad.payload)
    await store.close()
    const path = join(directory, `${damaged.key}.update`)
    const bytes = readFileSync(path)
    bytes[bytes.length - 1] = 255 - (bytes.at(-1) ?? 0)
    writeFileSync(path, bytes)
    writeFileSync(join(directory, '3-0000000000000000.update'), bytes.subarray(0, 50))
    writeFileSync(join(directory, '4-0000000000000000.update'), '')
    const again = await openStore(directory)
    expect(again.list().map(({ content }) => content.grId)).toEqual([1, 2])
    const [first, second] = again.list()
    if (!first || !second) throw new Error('updates are missing')
    expect(Buffer.from((await again.payload(first)) ?? []).equals(good.payload)).toBe(true)
    expect(await again.payload(second)).toBeNull()
    expect(again.counts).toEqual({ produced: 2, stored: 0, refused: 0, dropped: 1, waiting: 1 })
    await again.close()
  })

  test('has an update on disk as soon as it is kept', async () => {
    const directory = join(temporaryDirectory(), 'updates')
    const store = await openStore(directory)
    const { content, payload } = updateOf(1, parametersOf(1, 100))
    const update = await store.put(content, payload)
    await store.kept(update)
    const left = await openStore(directory)
    expect(left.list()).toHaveLength(1)
    await store.close()
    await left.close()
  })

  test('says so where an update cannot be written, and has it no more', async () => {
    const directory = join(temporaryDirectory(), 'updates')
    const store = await openStore(directory)
    const { content, payload } = updateOf(1, parametersOf(1, 100))
    // In the place of its file.
    const key = `${content.grId}-${content.sha256.slice(0, 16)}`
    mkdirSync(join(directory, `${key}.update`, 'something'), { recursive: true })
    const update = await store.put(content, payload)
    await expect(store.kept(update)).rejects.toMatchObject({ code: 'OUTBOX_FULL' })
    expect(store.has(update)).toBe(false)
    expect(store.counts).toMatchObject({ produced: 1, dropped: 1, waiting: 0 })
    await store.close()
  })

  test('has nothing left to sync of what was delivered at once', async () => {
    const directory = join(temporaryDirectory(), 'updates')
    const { log, lines } = testLog()
    const store = await openStore(directory, undefined, log)
    for (let grId = 1; grId <= 5; grId++) {
      const { content, payload } = updateOf(grId, parametersOf(grId, 100))
      await store.remove(await store.put(content, payload), 'stored')
    }
    expect(lines).toEqual([])
    await store.close()
    expect(readdirSync(directory)).toEqual(['counts.json'])
  })

  test('drops what is too old or pushed out, and counts it', async () => {
    const directory = join(temporaryDirectory(), 'updates')
    const store = await openStore(directory)
    for (let grId = 1; grId <= 10; grId++) {
      const { content, payload } = updateOf(grId, parametersOf(grId, 100))
      await store.put(content, payload)
    }
    expect(store.list().map(({ content }) => content.grId)).toEqual([3, 4, 5, 6, 7, 8, 9, 10])
    await store.close()
    const later = await openStore(directory, -1)
    await later.expire()
    expect(later.counts).toEqual({ produced: 10, stored: 0, refused: 0, dropped: 10, waiting: 0 })
    await later.close()
  })

  test.skipIf(!canMountTmpfs)(
    'says how much room is missing and keeps nothing by halves (needs root for a tmpfs)',
    async () => {
      const directory = tinyTmpfs(1024 * 1024 + 64 * 1024)
      const store = await openStore(directory)
      const { content, payload } = updateOf(1, parametersOf(1))
      await expect(store.put(content, payload)).rejects.toMatchObject({ code: 'OUTBOX_FULL' })
      expect(store.counts).toMatchObject({ produced: 0, waiting: 0 })
      await store.close()
    },
  )
})
