import { describe, expect, test } from 'vitest'
import { tiMmwaveDecoder } from '../../../../firmware-bridge/drivers/ti-mmwave.ts'
import { capture, decoded, decodedInPieces } from './captures.ts'

const radhar = capture('radhar-mmwave/test.bin.gz')
const POINT_BYTES = 10

interface RecordedFrame {
  /** x, y, z in 1/512 m, Doppler index, peak. */
  readonly points: readonly (readonly [number, number, number, number, number])[]
}

/** Frames as the data set keeps them (its README): microseconds, count, points of 10 bytes. */
function recordedFrames(bytes: Buffer, countMax: number): readonly RecordedFrame[] {
  const frames: RecordedFrame[] = []
  for (let at = 0; frames.length < countMax && at + 6 <= bytes.length; ) {
    const count = bytes.readUInt16LE(at + 4)
    const points = Array.from({ length: count }, (_, index) => {
      const from = at + 6 + index * POINT_BYTES
      return [
        bytes.readInt16LE(from),
        bytes.readInt16LE(from + 2),
        bytes.readInt16LE(from + 4),
        bytes.readInt16LE(from + 6),
        bytes.readUInt16LE(from + 8),
      ] as const
    })
    frames.push({ points })
    at += 6 + count * POINT_BYTES
  }
  return frames
}

/** The packet of an IWR1443 with SDK 1 that says this. */
function packetOf({ points }: RecordedFrame, frameNumber: number): Buffer {
  const value = Buffer.alloc(4 + points.length * 12)
  value.writeUInt16LE(points.length, 0)
  value.writeUInt16LE(9, 2)
  for (const [index, [x, y, z, doppler, peak]] of points.entries()) {
    const at = 4 + index * 12
    value.writeInt16LE(doppler, at + 2)
    value.writeUInt16LE(peak, at + 4)
    value.writeInt16LE(x, at + 6)
    value.writeInt16LE(y, at + 8)
    value.writeInt16LE(z, at + 10)
  }
  const bytes = Buffer.alloc(Math.ceil((36 + 8 + value.length) / 32) * 32)
  Buffer.from([2, 1, 4, 3, 6, 5, 8, 7]).copy(bytes)
  const header = [0x0102_0000, bytes.length, 0x000a_1443, frameNumber, 77, points.length, 1]
  for (const [index, field] of header.entries()) bytes.writeUInt32LE(field, 8 + 4 * index)
  bytes.writeUInt32LE(1, 36)
  bytes.writeUInt32LE(value.length, 40)
  value.copy(bytes, 44)
  return bytes
}

describe.skipIf(!radhar)('a recorded radar, framed again (needs the shared data)', () => {
  const frames = recordedFrames(radhar ?? Buffer.alloc(0), 200)
  const stream = Buffer.concat(frames.map(packetOf))

  test('every point comes out as the radar said it', () => {
    const { readings, tally } = decoded(tiMmwaveDecoder(), stream)
    expect(readings).toHaveLength(frames.length)
    for (const [index, { points }] of frames.entries()) {
      const said = readings[index]?.points.map(({ x, y, z, dopplerIndex, peak }) => {
        return [x * 512, y * 512, z * 512, dopplerIndex, peak]
      })
      expect(said).toEqual(points.map(point => [...point]))
      expect(readings[index]?.frameNumber).toBe(index)
    }
    expect(tally).toMatchObject({ noiseBytes: 0, dropped: {} })
  })

  test('the way in which the line cuts the bytes changes nothing', () => {
    expect(decodedInPieces(tiMmwaveDecoder(), stream)).toEqual(decoded(tiMmwaveDecoder(), stream))
  })

  test('lost bytes cost the packet that they are of', () => {
    const at = 40 * 100
    const torn = Buffer.concat([stream.subarray(0, at), stream.subarray(at + 13)])
    const { readings, tally } = decoded(tiMmwaveDecoder(), torn)
    expect(readings).toHaveLength(frames.length - 1)
    expect(tally.dropped).toEqual({ 'packet cut short': 1 })
  })
})

describe('packets that no radar sends', () => {
  const sound = packetOf({ points: [[1, 2, 3, 4, 5]] }, 9)

  test.each([
    ['packet length', 12, 0xffff_ffff],
    ['count of TLVs', 32, 1000],
    ['TLV beyond the packet', 40, 5000],
    ['count of objects', 44, 0x0009_ffff],
  ])('%s: counted, and the next packet is read', (reason, at, value) => {
    const broken = Buffer.from(sound)
    broken.writeUInt32LE(value, at)
    const { readings, tally } = decoded(tiMmwaveDecoder(), Buffer.concat([broken, sound]))
    expect(readings).toHaveLength(1)
    expect(tally.dropped).toEqual({ [reason]: 1 })
  })

  test('floating-point objects of SDK 3 are read', () => {
    const value = Buffer.from(new Float32Array([1.5, 2.5, -0.5, 0.25]).buffer)
    const bytes = Buffer.alloc(64)
    sound.copy(bytes, 0, 0, 36)
    for (const [at, field] of [
      [8, 0x0305_0000],
      [12, 64],
      [16, 0x000a_6843],
      [40, 1],
      [44, 16],
    ] as const) {
      bytes.writeUInt32LE(field, at)
    }
    value.copy(bytes, 48)
    expect(decoded(tiMmwaveDecoder(), bytes).readings[0]?.points).toEqual([
      { x: 1.5, y: 2.5, z: -0.5, metresPerSecond: 0.25 },
    ])
  })
})
