import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GainnetError } from '../../../runtime/errors.ts'
import { decodeSafetensors, encodeSafetensors } from '../../../training/checkpoint/safetensors.ts'

const file = {
  metadata: { step: '3' },
  tensors: [
    { name: 'a', shape: [2], values: Float32Array.of(1, -2) },
    { name: 'empty', shape: [0, 4], values: new Float32Array(0) },
    { name: 'scalar', shape: [], values: Float32Array.of(0.5) },
  ],
}

/** A file with that header and as many bytes of data, whatever they are. */
function fileWith(header: unknown, dataBytes: number, headerBytes?: bigint): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(headerBytes ?? BigInt(json.length))
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)])
}

function entry(begin: number, end: number, more: object = {}) {
  return { dtype: 'F32', shape: [(end - begin) / 4], data_offsets: [begin, end], ...more }
}

describe('a safetensors file', () => {
  test('has the bytes that the format asks for', () => {
    const header =
      '{"__metadata__":{"step":"3"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},' +
      '"empty":{"dtype":"F32","shape":[0,4],"data_offsets":[8,8]},' +
      '"scalar":{"dtype":"F32","shape":[],"data_offsets":[8,12]}}'
    const bytes = Buffer.from(encodeSafetensors(file))
    const headerBytes = Number(bytes.readBigUInt64LE())
    expect(headerBytes % 8).toBe(0)
    expect(bytes.subarray(8, 8 + headerBytes).toString()).toBe(header.padEnd(headerBytes, ' '))
    expect(bytes.subarray(8 + headerBytes).toString('hex')).toBe('0000803f000000c00000003f')
  })

  test('is read as it was written, at any place in memory', () => {
    const bytes = encodeSafetensors(file)
    expect(decodeSafetensors(bytes)).toEqual(file)
    const shifted = new Uint8Array(bytes.length + 3)
    shifted.set(bytes, 3)
    expect(decodeSafetensors(shifted.subarray(3))).toEqual(file)
    expect(decodeSafetensors(Buffer.from(bytes))).toEqual(file)
  })

  test('holds any name once', () => {
    const tensors = ['__proto__', 'constructor', 'ä/\u0000'].map(name => ({
      name,
      shape: [1],
      values: Float32Array.of(1),
    }))
    expect(decodeSafetensors(encodeSafetensors({ metadata: {}, tensors })).tensors).toEqual(tensors)
    const twice = { metadata: {}, tensors: [...tensors, ...tensors] }
    expect(() => encodeSafetensors(twice)).toThrow('two tensors have the name __proto__')
  })
})

describe('a file that is no safetensors file is refused at its place:', () => {
  test.each([
    ['too short', Uint8Array.of(1, 2, 3), 0, 'the file has 3 bytes'],
    ['header beyond the end', fileWith('{}', 0, 3n), 0, 'would have 3 bytes of 2'],
    ['header of 2^64 - 1 bytes', fileWith('{}', 0, 2n ** 64n - 1n), 0, '18446744073709551615'],
    ['header no JSON', fileWith('{"a":', 0), 8, 'cannot be read'],
    ['header no text', fileWith('{"\u{fffd}', 0).fill(0xff, 9), 8, 'cannot be read'],
    ['header no object', fileWith('[]', 0), 8, 'no object'],
    ['entry no object', fileWith({ a: 3 }, 0), 8, 'the entry of a is no object'],
    ['metadata no text', fileWith({ __metadata__: { a: 1 } }, 0), 8, '__metadata__.a is no text'],
    ['another type', fileWith({ a: entry(0, 4, { dtype: 'F64' }) }, 4), 8, 'type F64, not F32'],
    ['negative size', fileWith({ a: entry(0, 4, { shape: [-1] }) }, 4), 8, 'a has no shape'],
    ['no places', fileWith({ a: { dtype: 'F32', shape: [1] } }, 4), 8, 'a has no data_offsets'],
  ])('%s', (_, bytes, offset, message) => expectRefusal(bytes, offset, message))

  test.each([
    ['shape too large', { a: entry(0, 4, { shape: [2 ** 26, 2 ** 26] }) }, 4, 0, 'takes'],
    ['overlap', { a: entry(0, 8), b: entry(4, 12) }, 12, 4, 'b overlaps the tensor before it'],
    ['gap', { a: entry(0, 4), b: entry(8, 12) }, 12, 4, '4 bytes belong to no tensor'],
    ['beyond the end', { a: entry(0, 400) }, 4, 0, 'goes beyond the end of the file'],
    ['bytes left over', { a: entry(0, 4) }, 7, 4, '3 bytes belong to no tensor'],
  ])('%s', (_, header, dataBytes, dataOffset, message) => {
    const dataAt = 8 + Buffer.byteLength(JSON.stringify(header))
    expectRefusal(fileWith(header, dataBytes), dataAt + dataOffset, message)
  })

  test('any bytes at all, without anything else being thrown', () => {
    const bytes = encodeSafetensors(file)
    const change = fc.record({ at: fc.nat(bytes.length - 1), to: fc.nat(255) })
    const damage = fc.array(change, { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(damage, fc.nat(bytes.length), (changes, length) => {
        const damaged = bytes.slice()
        for (const { at, to } of changes) damaged[at] = to
        for (const tried of [damaged, damaged.subarray(0, length)]) {
          try {
            decodeSafetensors(tried)
          } catch (error) {
            expect(error).toBeInstanceOf(GainnetError)
          }
        }
      }),
      { seed: 21, numRuns: 500 },
    )
  })
})

function expectRefusal(bytes: Uint8Array, offset: number, message: string): void {
  try {
    decodeSafetensors(bytes)
  } catch (error) {
    expect(error).toMatchObject({ code: 'CHECKPOINT_INVALID', details: { offset } })
    expect(String(error)).toContain(message)
    return
  }
  expect.unreachable('the file was taken')
}
