import { cpSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CounterFile } from '../../../agent/outbox/counter-file.ts'
import { MessageLog } from '../../../agent/outbox/message-log.ts'
import { encodeRecord, type OutboxRecord } from '../../../agent/outbox/record-codec.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { testLog } from '../../support/test-log.ts'

const { log } = testLog()

function recordOf(index: number, payload = `message ${index}`): OutboxRecord {
  return { index, class: 'status', topic: 'a/b', payload: Buffer.from(payload) }
}

function openLog(directory: string, segmentBytes = 4096): Promise<MessageLog> {
  return MessageLog.open({ directory, segmentBytes, log })
}

async function indicesIn(messages: MessageLog): Promise<number[]> {
  const indices: number[] = []
  for (;;) {
    const records = await messages.readFrom((indices.at(-1) ?? 0) + 1)
    if (records.length === 0) return indices
    indices.push(...records.map(({ index }) => index))
  }
}

describe('the message log', () => {
  test('gives back what was appended, in order, after it was opened again', async () => {
    const directory = temporaryDirectory()
    const messages = await openLog(directory, 200)
    for (let index = 1; index <= 20; index++) await messages.append([recordOf(index)])
    await messages.close()
    expect(readdirSync(directory).length).toBeGreaterThan(2)
    const again = await openLog(directory, 200)
    expect(await indicesIn(again)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    expect(Buffer.from((await again.readFrom(20))[0]?.payload ?? []).toString()).toBe('message 20')
    await again.close()
  })

  test('cut at any byte of its last record, it starts with the last good state', async () => {
    const directory = temporaryDirectory()
    const messages = await openLog(directory)
    await messages.append([recordOf(1), recordOf(2)])
    const goodBytes = messages.bytes
    await messages.append([recordOf(3)])
    const allBytes = messages.bytes
    await messages.close()
    const [name = ''] = readdirSync(directory)
    const bytes = readFileSync(join(directory, name))
    expect(bytes).toHaveLength(allBytes)
    for (let length = goodBytes; length < allBytes; length++) {
      const copy = join(directory, `cut-${length}`)
      mkdirSync(copy)
      writeFileSync(join(copy, name), bytes.subarray(0, length))
      const cut = await openLog(copy)
      expect(await indicesIn(cut)).toEqual([1, 2])
      expect(cut.bytes).toBe(goodBytes)
      await cut.append([recordOf(3, 'written anew')])
      await cut.close()
      const again = await openLog(copy)
      expect(await indicesIn(again)).toEqual([1, 2, 3])
      await again.close()
    }
  })

  test('a tail of zeros, as a power cut leaves it, is no record', async () => {
    const directory = temporaryDirectory()
    const messages = await openLog(directory)
    await messages.append([recordOf(1)])
    await messages.close()
    const [name = ''] = readdirSync(directory)
    const path = join(directory, name)
    writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(500)]))
    const again = await openLog(directory)
    expect(await indicesIn(again)).toEqual([1])
    await again.close()
  })

  test('a flipped bit ends the segment there; other segments stay', async () => {
    const directory = temporaryDirectory()
    const messages = await openLog(directory, 100)
    for (let index = 1; index <= 9; index++) await messages.append([recordOf(index)])
    await messages.close()
    const [name = ''] = readdirSync(directory).sort()
    const path = join(directory, name)
    const bytes = readFileSync(path)
    const second = encodeRecord(recordOf(1)).length + 20
    bytes[second] = (bytes[second] ?? 0) ^ 1
    writeFileSync(path, bytes)
    const again = await openLog(directory, 100)
    const indices = await indicesIn(again)
    expect(indices[0]).toBe(1)
    expect(indices).not.toContain(2)
    expect(indices.at(-1)).toBe(9)
    await again.close()
  })

  test('what failed to be written is not in it, and can be written again', async () => {
    const directory = temporaryDirectory()
    let failures = 1
    const { open } = await import('node:fs/promises')
    const messages = await MessageLog.open({
      directory,
      segmentBytes: 4096,
      log,
      openFile: async (path, flags) => {
        const file = await open(path, flags)
        const datasync = file.datasync.bind(file)
        file.datasync = async () => {
          await datasync()
          if (messages.lastIndex === 1 && failures-- > 0) {
            throw Object.assign(new Error('I/O error'), { code: 'EIO' })
          }
        }
        return file
      },
    })
    await messages.append([recordOf(1)])
    await expect(messages.append([recordOf(2), recordOf(3)])).rejects.toThrow('I/O error')
    expect(await indicesIn(messages)).toEqual([1])
    await messages.append([recordOf(2)])
    await messages.close()
    const again = await openLog(directory)
    expect(await indicesIn(again)).toEqual([1, 2])
    await again.close()
  })

  test('segments that are wholly delivered are removed', async () => {
    const directory = temporaryDirectory()
    const messages = await openLog(directory, 100)
    for (let index = 1; index <= 12; index++) await messages.append([recordOf(index)])
    const before = readdirSync(directory).length
    await messages.removeBelow(9)
    expect(readdirSync(directory).length).toBeLessThan(before)
    expect(await messages.readFrom(9)).toContainEqual(expect.objectContaining({ index: 9 }))
    await messages.close()
  })
})

describe('the counts', () => {
  const counts = {
    deliveredBelow: 5,
    nextIndex: 9,
    delivered: 4,
    dropped: { overflow: 0, disk: 0, quarantined: 0, crash: 0 },
  }

  test('cut or damaged anywhere in the newest slot, the file gives the counts before', async () => {
    const directory = temporaryDirectory()
    const path = join(directory, 'counts')
    const { file } = await CounterFile.open(path)
    await file.write(counts)
    await file.write({ ...counts, nextIndex: 10 })
    await file.close()
    expect((await reopened(path)).nextIndex).toBe(10)
    for (const offset of [0, 1, 4, 9, 40, 90]) {
      const damaged = join(directory, `damaged-${offset}`)
      cpSync(path, damaged)
      const bytes = readFileSync(damaged)
      bytes[offset] = (bytes[offset] ?? 0) ^ 1
      writeFileSync(damaged, bytes)
      expect((await reopened(damaged)).nextIndex).toBe(9)
    }
  })

  test('a file that was cut short counts as none', async () => {
    const path = join(temporaryDirectory(), 'counts')
    const { file } = await CounterFile.open(path)
    await file.write(counts)
    await file.close()
    truncateSync(path, 4000)
    const opened = await CounterFile.open(path)
    await opened.file.close()
    expect(opened.counts).toBeNull()
  })

  async function reopened(path: string) {
    const opened = await CounterFile.open(path)
    await opened.file.close()
    if (!opened.counts) throw new Error('no counts')
    return opened.counts
  }
})
