import { describe, expect, test } from 'vitest'
import { packetOf, recordedFrames } from '../../../../cases/hardware-in-the-loop/radar-capture.ts'
import { tiMmwaveDecoder } from '../../../../firmware-bridge/drivers/ti-mmwave.ts'
import { capture, decoded, decodedInPieces } from './captures.ts'

const radhar = capture('radhar-mmwave/test.bin.gz')

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
