import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeUpdate,
  encodedBytesMax,
  encodeUpdate,
  UPDATE_ENCODINGS,
} from '../../../protocol/update-encoding/encodings.ts'
import { float16Of, numberOfFloat16 } from '../../../protocol/update-encoding/float16.ts'

const values = fc
  .array(fc.float({ min: -8, max: 8, noNaN: true }), { maxLength: 600 })
  .map(numbers => Float32Array.from(numbers))
const topShare = fc.double({ min: 0.01, max: 1, noNaN: true })

describe('float16', () => {
  test.each([
    [0, 0],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [65_504, 0x7bff],
    [1e9, 0x7bff],
    [2 ** -24, 1],
    [2 ** -25, 0],
    [1.5 * 2 ** -25, 1],
    [2 ** -14, 0x0400],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
  ])('of %s is %i', (number, half) => {
    expect(float16Of(number)).toBe(half)
  })

  test('every finite number of it comes back as it was', () => {
    for (let half = 0; half < 0x10000; half++) {
      if ((half & 0x7c00) !== 0x7c00) expect(float16Of(numberOfFloat16(half))).toBe(half)
    }
  })
})

describe.each(UPDATE_ENCODINGS)('an update in %s', encoding => {
  test('comes back, no longer than was said', () => {
    fc.assert(
      fc.property(values, topShare, (update, share) => {
        const bytes = encodeUpdate(encoding, update, { topShare: share })
        expect(bytes.length).toBeLessThanOrEqual(
          encodedBytesMax(encoding, update.length, { topShare: share }),
        )
        const back = decodeUpdate(encoding, bytes, update.length)
        expect(back.length).toBe(update.length)
        const most = update.reduce((so, value) => Math.max(so, Math.abs(value)), 0)
        const bound = { float32: 0, float16: most / 2048, int8: most / 253, 'top-k': most }[
          encoding
        ]
        for (const [at, value] of update.entries()) {
          expect(Math.abs((back[at] ?? Number.NaN) - value)).toBeLessThanOrEqual(bound + 1e-6)
        }
      }),
    )
  })

  test('that is cut short or has a byte too many is refused', () => {
    const update = Float32Array.from({ length: 300 }, (_, at) => Math.sin(at))
    const bytes = encodeUpdate(encoding, update, { topShare: 0.1 })
    for (const length of [0, 1, 3, bytes.length - 1]) {
      expect(() => decodeUpdate(encoding, bytes.subarray(0, length), 300)).toThrow('update')
    }
    const longer = Uint8Array.from([...bytes, 0])
    expect(() => decodeUpdate(encoding, longer, 300)).toThrow('update')
  })

  test('of any bytes is values or a clear refusal', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(40), (bytes, count) => {
        try {
          expect(decodeUpdate(encoding, bytes, count).length).toBe(count)
        } catch (error) {
          expect(error).toMatchObject({ code: 'PROTOCOL_INVALID' })
        }
      }),
    )
  })
})

describe('top-k', () => {
  test('keeps the greatest by size, whatever their sign, and nothing else', () => {
    const update = Float32Array.of(0.5, -4, 0.25, 3, -1, 2)
    const bytes = encodeUpdate('top-k', update, { topShare: 0.5 })
    expect([...decodeUpdate('top-k', bytes, 6)]).toEqual([0, -4, 0, 3, 0, 2])
  })

  test('of a hundredth of the values takes less than a twentieth of the bytes', () => {
    const update = Float32Array.from({ length: 100_000 }, (_, at) => Math.sin(at * at))
    const bytes = encodeUpdate('top-k', update, { topShare: 0.01 })
    expect(bytes.length).toBeLessThan((4 * update.length) / 100)
  })

  test('refuses places beyond the end and more values than there are', () => {
    const many = Uint8Array.of(9, 0, 0, 0)
    expect(() => decodeUpdate('top-k', many, 3)).toThrow('9 of 3 values')
    const beyond = Uint8Array.of(1, 0, 0, 0, 5, 0, 0)
    expect(() => decodeUpdate('top-k', beyond, 3)).toThrow('a value at 5 of 3')
  })
})
