import { expect, test } from 'vitest'
import { PacketSizeGuard } from '../../../../controller/broker/packet-size-guard.ts'

/** A PUBLISH with that many bytes after its fixed header. */
function packet(length: number): Buffer {
  const header = [0x30]
  let rest = length
  do {
    const more = rest > 127
    header.push((rest % 128) | (more ? 0x80 : 0))
    rest = Math.floor(rest / 128)
  } while (rest > 0)
  // 0xff in the body: if the guard lost its place, the next "header" would be a packet too large.
  return Buffer.concat([Buffer.from(header), Buffer.alloc(length, 0xff)])
}

const SIZES = [0, 1, 127, 128, 16_383, 16_384, 20_000]

test('packets up to the limit pass, one byte more does not', () => {
  for (const size of SIZES) {
    expect(new PacketSizeGuard(size).accepts(packet(size))).toBe(true)
    if (size > 0) expect(new PacketSizeGuard(size - 1).accepts(packet(size))).toBe(false)
  }
})

test('it keeps its place wherever the stream is cut', () => {
  const stream = Buffer.concat([...SIZES.map(packet), packet(20_001)])
  for (const chunkBytes of [1, 2, 3, 7, 1000, stream.length]) {
    const guard = new PacketSizeGuard(20_000)
    let accepted = 0
    for (let start = 0; start < stream.length; start += chunkBytes) {
      if (!guard.accepts(stream.subarray(start, start + chunkBytes))) break
      accepted = start + chunkBytes
    }
    expect(accepted, `in chunks of ${chunkBytes}`).toBeLessThan(stream.length - 20_000 + chunkBytes)
    expect(accepted + chunkBytes).toBeGreaterThan(stream.length - 20_001 - 4)
  }
})

test('the largest packet of MQTT is refused after its fixed header', () => {
  const guard = new PacketSizeGuard(5_000_000)
  expect(guard.accepts(Buffer.from([0x30, 0xff, 0xff, 0xff]))).toBe(true)
  expect(guard.accepts(Buffer.from([0x7f]))).toBe(false)
})

test('a length of five bytes is not MQTT', () => {
  const guard = new PacketSizeGuard(5_000_000)
  expect(guard.accepts(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80]))).toBe(false)
})
