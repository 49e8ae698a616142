import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { decodeBody, encodeBody } from '../../../protocol/body-codec.ts'
import { readUrpSeries } from '../../../protocol/urp-series/read-urp-series.ts'
import {
  entryLine,
  headerLine,
  type RecordedUrp,
} from '../../../protocol/urp-series/series-format.ts'
import { parseUrpContent, urpDocument } from '../../../protocol/urp-series/urp-document.ts'
import { UrpSeriesWriter } from '../../../protocol/urp-series/urp-series-writer.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { sampleEntry, sampleUrp } from '../../support/sample-urp.ts'

const STARTED_AT = '2026-03-01T12:00:00.000Z'
const ENTRIES = [7, 8, 9].flatMap(crId => [
  sampleEntry({ crId }),
  sampleEntry({ crId, agentId: 'jetson-1', cores: 3, free: 0.25 }),
])
const TEXT = headerLine('home', STARTED_AT) + ENTRIES.map(entryLine).join('')

function seriesFile(text: string): string {
  const path = join(temporaryDirectory(), 'fleet.jsonl')
  writeFileSync(path, text)
  return path
}

async function readAll(path: string): Promise<{ entries: RecordedUrp[]; notes: string[] }> {
  const [entries, notes]: [RecordedUrp[], string[]] = [[], []]
  for await (const entry of readUrpSeries(path, { onNote: note => notes.push(note) })) {
    entries.push(entry)
  }
  return { entries, notes }
}

describe('a recorded series', () => {
  test('gives back what was written, in order', async () => {
    const path = join(temporaryDirectory(), 'fleet.jsonl')
    const writer = await UrpSeriesWriter.open(path, { site: 'home', startedAt: STARTED_AT })
    for (const entry of ENTRIES) expect(await writer.add(entry)).toBe(true)
    await writer.close()
    expect(writer.bytes).toBe(readFileSync(path).length)
    expect(await readAll(path)).toEqual({ entries: ENTRIES, notes: [] })
  })

  test('keeps every half of a matrix that came over the wire as it was', async () => {
    const random = seededRandom(11)
    const urp = sampleUrp({ slots: 20, cores: 30 })
    for (const index of urp.computing.availability.values.keys()) {
      urp.computing.availability.values[index] = random() ** 4
    }
    const received = decodeBody('urp', encodeBody('urp', urp))
    if (!received.ok) expect.unreachable(received.reason)
    const path = seriesFile(headerLine('home', STARTED_AT))
    appendFileSync(path, entryLine({ ...sampleEntry(), urp: received.body }))
    const { entries } = await readAll(path)
    expect(entries[0]?.urp).toEqual(received.body)
  })

  test('that was cut off at any byte gives every whole entry, and a note', async () => {
    const short = [sampleEntry({ slots: 2, blocks: 1 }), sampleEntry({ slots: 1, cores: 1 })]
    const text = headerLine('home', STARTED_AT) + short.map(entryLine).join('')
    const wholeLines = text.split('\n').filter(Boolean)
    const path = seriesFile('')
    // Bytes are characters here; 3 has no part in the lengths of the lines.
    for (let cut = 1; cut <= text.length; cut += 3) {
      writeFileSync(path, text.slice(0, cut))
      const lines = text.slice(0, cut).split('\n').filter(Boolean)
      const whole = lines.filter(line => wholeLines.includes(line))
      const { entries, notes } = await readAll(path)
      expect(entries, `cut at ${cut}`).toEqual(short.slice(0, Math.max(0, whole.length - 1)))
      expect(notes, `cut at ${cut}`).toHaveLength(lines.length - whole.length)
    }
  })

  test('that was cut off is gone on with where it was whole', async () => {
    const bytes = Buffer.from(TEXT)
    for (const cut of [bytes.length - 1, bytes.length - 700, 40]) {
      const path = seriesFile('')
      writeFileSync(path, bytes.subarray(0, cut))
      const writer = await UrpSeriesWriter.open(path, { site: 'home', startedAt: STARTED_AT })
      const more = sampleEntry({ crId: 100 })
      await writer.add(more)
      await writer.close()
      const { entries, notes } = await readAll(path)
      expect(notes).toEqual([])
      expect(entries.at(-1)).toEqual(more)
      expect(entries.length).toBe(cut === 40 ? 1 : ENTRIES.length)
    }
  })

  test('ends before it is larger than it may be', async () => {
    const path = join(temporaryDirectory(), 'fleet.jsonl')
    const bytesMax = Buffer.byteLength(TEXT) - 1
    const writer = await UrpSeriesWriter.open(path, {
      site: 'home',
      startedAt: STARTED_AT,
      bytesMax,
    })
    const written: boolean[] = []
    for (const entry of ENTRIES) written.push(await writer.add(entry))
    await writer.close()
    expect(written).toEqual([true, true, true, true, true, false])
    expect(readFileSync(path).length).toBeLessThanOrEqual(bytesMax)
  })
})

describe('what is no series', () => {
  test.each([
    ['', 'the file is empty'],
    ['hello\n', 'its first line is no JSON'],
    ['\u0000\u0000\u0000\n', 'its first line is no JSON'],
    ['{"crId":7}\n', 'format: Invalid input'],
    ['{"format":"gainnet-urp-series","version":2}\n', 'it has version 2, this gainnet reads 1'],
    ['{"format":"gainnet-urp-series","version":1,"site":"A B"}\n', 'site: use 1 to 64'],
  ])('%j is said to be none', async (text, reason) => {
    const path = seriesFile(text)
    await expect(readAll(path)).rejects.toMatchObject({ code: 'DATA_INVALID' })
    await expect(readAll(path)).rejects.toThrow(reason)
  })

  test('is never written to', async () => {
    for (const text of ['a letter to my aunt', 'a letter\nto my aunt\n']) {
      const path = seriesFile(text)
      const opening = UrpSeriesWriter.open(path, { site: 'home', startedAt: STARTED_AT })
      await expect(opening).rejects.toMatchObject({ code: 'DATA_INVALID' })
      expect(readFileSync(path, 'utf8')).toBe(text)
    }
  })

  test('nor is the series of another site', async () => {
    const path = seriesFile(TEXT)
    const opening = UrpSeriesWriter.open(path, { site: 'other', startedAt: STARTED_AT })
    await expect(opening).rejects.toThrow('is of site home, not other')
    expect(readFileSync(path, 'utf8')).toBe(TEXT)
  })

  test('a file that is not there is said to be unreadable, a folder too', async () => {
    const folder = temporaryDirectory()
    for (const path of [join(folder, 'none.jsonl'), folder]) {
      await expect(readAll(path)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
    }
    const opening = UrpSeriesWriter.open(join(folder, 'no', 'such'), {
      site: 'home',
      startedAt: STARTED_AT,
    })
    await expect(opening).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' })
    expect(existsSync(join(folder, 'no'))).toBe(false)
  })
})

describe('a damaged entry', () => {
  const damaged = (change: (line: string) => string): string => {
    const lines = TEXT.split('\n')
    return lines.map((line, index) => (index === 2 ? change(line) : line)).join('\n')
  }

  test.each([
    ['no JSON', () => 'x', 'no JSON'],
    ['another shape', () => '{"agentId":"a"}', 'receivedAt'],
    ['a name of no agent', (line: string) => line.replace('jetson-1', '../../etc'), 'agentId'],
    ['a share above 1', (line: string) => line.replace('0.25', '1.25'), 'availability'],
    ['rows of different length', (line: string) => line.replace('[0.25,', '['), 'different length'],
    ['a negative rate', (line: string) => line.replace('6000000000', '-1'), 'peakFlopsPerSecond'],
    ['an unknown field', (line: string) => line.replace('"slots"', '"slits"'), 'slits'],
  ])('with %s is told with its line', async (_, change, reason) => {
    const path = seriesFile(damaged(change))
    const reading = readAll(path)
    await expect(reading).rejects.toMatchObject({ code: 'DATA_INVALID', details: { line: 3 } })
    await expect(readAll(path)).rejects.toThrow(reason)
  })
})

describe('a document', () => {
  test('without an envelope, as gainnet measure prints it, is taken as content', () => {
    const { session: _, sequence: __, sentAt: ___, ...content } = sampleUrp()
    const parsed = parseUrpContent(JSON.parse(JSON.stringify(urpDocument(content))))
    expect(parsed).toEqual({ ok: true, value: content })
  })

  test('with half an envelope is not', () => {
    const { sentAt: _, ...rest } = sampleUrp()
    expect(parseUrpContent(urpDocument(rest))).toMatchObject({ ok: false })
  })
})
