import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cobsDecode, cobsEncode } from '../../../firmware-bridge/cobs.ts'
import { crc16 } from '../../../firmware-bridge/crc16.ts'
import {
  decodeFrame,
  encodeFrame,
  type Frame,
  PAYLOAD_BYTES_MAX,
} from '../../../firmware-bridge/frame-codec.ts'
import { FrameParser } from '../../../firmware-bridge/frame-parser.ts'

const frame: Frame = { type: 3, sequence: 250, payload: Uint8Array.of(0, 1, 0, 0, 255, 7) }

const frames = fc.record({
  type: fc.nat(255),
  sequence: fc.nat(255),
  payload: fc.uint8Array({ maxLength: 600 }),
})

function parsed(parser: FrameParser): Frame[] {
  const found: Frame[] = []
  for (let one = parser.read(); one !== null; one = parser.read()) found.push(one)
  return found
}

describe('stuffing', () => {
  // Cheshire and Baker 1999, and the examples that every implementation is compared with.
  test.each([
    [[], [1]],
    [[0], [1, 1]],
    [
      [0, 0],
      [1, 1, 1],
    ],
    [
      [0x11, 0x22, 0, 0x33],
      [3, 0x11, 0x22, 2, 0x33],
    ],
    [
      [0x11, 0, 0, 0],
      [2, 0x11, 1, 1, 1],
    ],
  ])('%j becomes %j', (bytes, stuffed) => {
    expect([...cobsEncode(Uint8Array.from(bytes))]).toEqual(stuffed)
    expect([...(cobsDecode(Uint8Array.from(stuffed)) ?? [])]).toEqual(bytes)
  })

  test.each([253, 254, 255, 508, 509])('a run of %i bytes without a zero comes back', length => {
    const bytes = new Uint8Array(length).fill(9)
    const stuffed = cobsEncode(bytes)
    expect(stuffed.includes(0)).toBe(false)
    expect(cobsDecode(stuffed)).toEqual(bytes)
    expect(stuffed.length - length).toBe(Math.max(1, Math.ceil(length / 254)))
  })

  test('any bytes come back, and no zero is on the wire', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1200 }), bytes => {
        const stuffed = cobsEncode(bytes)
        expect(stuffed.includes(0)).toBe(false)
        expect(cobsDecode(stuffed)).toEqual(bytes)
      }),
    )
  })

  test.each([[[5, 1, 2]], [[0]], [[3, 0, 1]]])('%j was never stuffed', stuffed => {
    expect(cobsDecode(Uint8Array.from(stuffed))).toBeNull()
  })
})

test('the checksum has the check value of its catalogue', () => {
  expect(crc16(Buffer.from('123456789'))).toBe(0x29b1)
})

describe('frames', () => {
  test('come back as they were sent', () => {
    fc.assert(
      fc.property(frames, one => {
        expect(decodeFrame(encodeFrame(one).subarray(0, -1))).toEqual({ ok: true, frame: one })
      }),
    )
  })

  test('with any single bit flipped are refused or are split, and never come out changed', () => {
    const wire = encodeFrame(frame)
    for (let bit = 0; bit < wire.length * 8; bit++) {
      const noisy = wire.slice()
      noisy[bit >> 3] = (noisy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const parser = new FrameParser()
      parser.write(Buffer.concat([noisy, Buffer.of(0)]))
      expect(parsed(parser), `bit ${bit}`).toEqual([])
    }
  })

  test('longer than a board can hold are a mistake of the caller', () => {
    const payload = new Uint8Array(PAYLOAD_BYTES_MAX + 1)
    expect(() => encodeFrame({ type: 0, sequence: 0, payload })).toThrow('at most 1024')
  })
})

describe('the parser', () => {
  test('finds a frame however it is cut', () => {
    const wire = Buffer.from(encodeFrame(frame))
    for (let cut = 0; cut <= wire.length; cut++) {
      const parser = new FrameParser()
      parser.write(wire.subarray(0, cut))
      parser.write(wire.subarray(cut))
      expect(parsed(parser), `cut at ${cut}`).toEqual([frame])
    }
  })

  test('finds the next frame after any noise, and counts the noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 5000 }), noise => {
        const parser = new FrameParser()
        parser.write(Buffer.concat([noise, Buffer.of(0), encodeFrame(frame)]))
        expect(parsed(parser).at(-1)).toEqual(frame)
      }),
    )
  })

  test('holds a bounded number of bytes of a line that never sends a delimiter', () => {
    const parser = new FrameParser()
    for (let chunk = 0; chunk < 100; chunk++) parser.write(Buffer.alloc(4096, 7))
    parser.write(Buffer.concat([Buffer.of(7, 0), encodeFrame(frame)]))
    expect(parsed(parser)).toEqual([frame])
    expect(parser.counts).toEqual({
      frames: 1,
      checksum: 0,
      stuffing: 0,
      truncated: 0,
      overrun: 1,
    })
  })
})
