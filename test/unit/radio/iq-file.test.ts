import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { openIqFile } from '../../../agent/radio/iq-file.ts'
import { SAMPLE_FORMATS } from '../../../agent/radio/sample-formats.ts'
import { parseSigmfMeta } from '../../../agent/radio/sigmf.ts'
import { temporaryDirectory } from '../../support/directories.ts'

const META = {
  global: { 'core:version': '1.2.0', 'core:datatype': 'ci16_le', 'core:sample_rate': 250_000 },
  captures: [{ 'core:sample_start': 0, 'core:frequency': 433_920_000 }],
  annotations: [{ 'core:sample_start': 0, 'core:label': 'remote control' }],
}

describe('samples', () => {
  test.each([
    ['cu8', [0, 255, 127, 128], [-127.5 / 128, 127.5 / 128, -0.5 / 128, 0.5 / 128]],
    ['cs8', [0x80, 0x7f, 0, 0xff], [-1, 127 / 128, 0, -1 / 128]],
    ['cs16', [0, 0x80, 0xff, 0x7f], [-1, 32_767 / 32_768]],
    ['cf32', [0, 0, 0x80, 0x3e, 0, 0, 0, 0xbf], [0.25, -0.5]],
  ] as const)('of %s are read as the format has them', (name, bytes, values) => {
    const out = new Float64Array(values.length)
    SAMPLE_FORMATS[name].read(Uint8Array.from(bytes), out)
    expect([...out]).toEqual(values)
  })
})

describe('a recording', () => {
  test('as SigMF tells its format, rate and frequency, by either of its files', async () => {
    const folder = temporaryDirectory()
    const samples = join(folder, 'remote.sigmf-data')
    const meta = join(folder, 'remote.sigmf-meta')
    writeFileSync(meta, JSON.stringify(META))
    writeFileSync(samples, Uint8Array.of(1, 2, 3, 4))
    for (const path of [samples, meta]) {
      const { bytes, ...told } = await openIqFile(path, {})
      expect(told).toEqual({ format: 'cs16', rateHz: 250_000, frequencyHz: 433_920_000 })
      expect(await read(bytes())).toEqual([1, 2, 3, 4])
    }
  })

  test('that is raw tells its format by its name, packed or not; what is said goes over it', async () => {
    const path = join(temporaryDirectory(), 'capture.cs8.gz')
    writeFileSync(path, gzipSync(Uint8Array.of(9, 8)))
    const file = await openIqFile(path, { rateHz: 1e6 })
    expect(file).toMatchObject({ format: 'cs8', rateHz: 1e6, frequencyHz: undefined })
    expect(await read(file.bytes())).toEqual([9, 8])
    expect(await openIqFile(path, { format: 'cu8' })).toMatchObject({ format: 'cu8' })
    await expect(openIqFile('capture.bin', {})).rejects.toThrow('say --format')
  })

  test('that is not there or not packed is unreadable', async () => {
    const path = join(temporaryDirectory(), 'plain.cu8.gz')
    writeFileSync(path, 'plain')
    const gone = await openIqFile('/nowhere/at-all.cu8', {})
    await expect(read(gone.bytes())).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
    const plain = await openIqFile(path, {})
    await expect(read(plain.bytes())).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
    await expect(openIqFile('/nowhere/a.sigmf-meta', {})).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
    })
  })

  test.each([
    ['{', 'is no JSON'],
    ['[]', 'expected object'],
    [JSON.stringify({ ...META, captures: [{}] }), 'captures.0.core:sample_start'],
    [global({ 'core:datatype': 'rf64_be' }), 'core:datatype rf64_be is none of cu8, ci8'],
    [global({ 'core:datatype': 'constructor' }), 'core:datatype constructor is none of'],
    [global({ 'core:sample_rate': -1 }), 'global.core:sample_rate'],
    [global({ 'core:num_channels': 2 }), 'more than one channel'],
  ])('whose metadata is %s is refused with the place', (text, words) => {
    expect(() => parseSigmfMeta(text, 'a.sigmf-meta')).toThrow(words)
  })
})

function global(changes: object): string {
  return JSON.stringify({ ...META, global: { ...META.global, ...changes } })
}

async function read(bytes: AsyncIterable<Uint8Array>): Promise<number[]> {
  const all: number[] = []
  for await (const chunk of bytes) all.push(...chunk)
  return all
}
