import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { SampleStore } from '../../../../agent/samples/sample-store.ts'
import type { RowForm } from '../../../../protocol/row-form.ts'
import { temporaryDirectory } from '../../../support/directories.ts'
import { testLog } from '../../../support/test-log.ts'
import { recordingOf, segmentOf } from './rows.ts'

const FORM: RowForm = { element: 'uint8', shape: [] }
const QUOTA = 2 ** 20

function storeFolder() {
  const folder = temporaryDirectory()
  const { log, lines } = testLog()
  const open = (quotaBytes = QUOTA) => SampleStore.open({ folder, quotaBytes, log })
  const files = () => readdirSync(folder).sort()
  return { folder, open, files, lines }
}

const three = segmentOf([1, 2, 3], { labels: [0, -1, 1] })
const two = segmentOf([9, 9])

describe('a recording', () => {
  test('is read as it was stored, also in the next life of the agent', async () => {
    const { open } = storeFolder()
    const store = await open()
    const sequence = await store.put(recordingOf('csi', three, two))
    expect(await store.read(sequence)).toEqual([three, two])
    expect(await (await open()).read(sequence)).toEqual([three, two])
  })

  test('without rows is not stored', async () => {
    const { open, files } = storeFolder()
    expect(await (await open()).put(recordingOf('csi'))).toBe(0)
    expect(files()).toEqual([])
  })

  test('that is gone is null', async () => {
    expect(await (await storeFolder().open()).read(7)).toBeNull()
  })

  test('counts for its sensor, and so does what it looks like', async () => {
    const { open } = storeFolder()
    const store = await open()
    await store.put(recordingOf('csi', three))
    await store.put(recordingOf('radar', two))
    await store.put(recordingOf('csi', two))
    const again = await open()
    for (const one of [store, again]) {
      expect(one.counts('csi')).toMatchObject({ recordings: 2, rows: 5, labelledRows: 2 })
      const sketch = one.sketch('csi', FORM)
      expect([sketch?.sampleCount, sketch?.counts[1], sketch?.counts[9]]).toEqual([5, 1, 2])
      expect(one.sketch('sonar', FORM)).toBeNull()
      expect(one.sketch('csi', { element: 'float32', shape: [] })).toBeNull()
    }
    expect(again.bytes).toBe(again.counts('csi').bytes + again.counts('radar').bytes)
  })

  test('is older than those after it, newest first, of its sensor alone', async () => {
    const store = await storeFolder().open()
    const names = ['csi', 'radar', 'csi', 'csi'] as const
    for (const name of names) await store.put(recordingOf(name, two))
    expect(store.olderThan(4, 'csi', FORM)).toEqual([3, 1])
  })
})

describe('the quota', () => {
  test('is never exceeded: the oldest recording goes first, with its counts and sketch', async () => {
    const { open, files } = storeFolder()
    const one = await (await storeFolder().open()).put(recordingOf('csi', three)).then(async () => {
      const probe = storeFolder()
      const store = await probe.open()
      await store.put(recordingOf('csi', three))
      return store.bytes
    })
    const store = await open(3 * one)
    for (let round = 0; round < 10; round++) {
      await store.put(recordingOf('csi', three))
      expect(store.bytes).toBeLessThanOrEqual(3 * one)
    }
    expect(store.counts('csi')).toMatchObject({ recordings: 3, rows: 9 })
    expect(store.sketch('csi', FORM)?.sampleCount).toBe(9)
    expect(files()).toHaveLength(3)
    expect(await store.read(7)).toBeNull()
    expect(await store.read(10)).toEqual([three])
  })

  test('that was lowered holds from the next life on', async () => {
    const { open } = storeFolder()
    const store = await open()
    for (let round = 0; round < 4; round++) await store.put(recordingOf('csi', three))
    const smaller = await open(Math.ceil(store.bytes / 2))
    expect(smaller.counts('csi').recordings).toBe(2)
  })

  test('refuses what is larger than all of it, and keeps the rest', async () => {
    const { open, lines } = storeFolder()
    const store = await open(4096)
    await store.put(recordingOf('csi', three))
    expect(await store.put(recordingOf('csi', segmentOf(new Array(5000).fill(1))))).toBe(0)
    expect(store.counts('csi').recordings).toBe(1)
    expect(lines.map(({ msg }) => msg)).toEqual(['recording is larger than the sample store'])
  })
})

describe('after a crash', () => {
  test('at any byte of the last file the recordings before it are whole', async () => {
    const { folder, open, files } = storeFolder()
    const store = await open()
    await store.put(recordingOf('csi', three))
    await store.put(recordingOf('csi', three, two))
    const path = join(folder, files().at(-1) ?? '')
    const whole = readFileSync(path)
    const cuts = Array.from({ length: 40 }, (_, at) => Math.floor((at / 40) * whole.length))
    for (const cut of cuts) {
      writeFileSync(path, whole)
      truncateSync(path, cut)
      const recovered = await open()
      expect(recovered.counts('csi'), `cut at ${cut}`).toMatchObject({ recordings: 1, rows: 3 })
      expect(await recovered.read(1)).toEqual([three])
    }
  })

  test('a byte that changed, and zeros after a power cut, are found', async () => {
    const { folder, open, files, lines } = storeFolder()
    await (await open()).put(recordingOf('csi', three))
    const path = join(folder, files()[0] ?? '')
    const whole = readFileSync(path)
    const flipped = Buffer.from(whole)
    flipped[whole.length - 1] = (flipped.at(-1) ?? 0) ^ 1
    for (const damaged of [flipped, Buffer.alloc(whole.length)]) {
      writeFileSync(path, damaged)
      expect((await open()).counts('csi').recordings).toBe(0)
      expect(files()).toEqual([])
    }
    expect(new Set(lines.map(({ msg }) => msg))).toEqual(
      new Set(['damaged recording removed from the sample store']),
    )
  })

  test('what was being written is taken away, and numbers go on', async () => {
    const { folder, open, files } = storeFolder()
    await (await open()).put(recordingOf('csi', three))
    writeFileSync(join(folder, '0000000000000002.rows.123.tmp'), 'half')
    const store = await open()
    expect(files()).toHaveLength(1)
    expect(await store.put(recordingOf('csi', two))).toBe(2)
  })
})

test('a disk that takes nothing costs the recording and no more', async () => {
  const { folder, open, lines } = storeFolder()
  const store = await open()
  rmSync(folder, { recursive: true })
  writeFileSync(folder, 'no folder')
  expect(await store.put(recordingOf('csi', three))).toBe(0)
  expect(lines.map(({ msg }) => msg)).toEqual(['recording not stored'])
})
