const POINT_BYTES = 10

export interface RecordedFrame {
  /** x, y, z in 1/512 m, Doppler index, peak. */
  readonly points: readonly (readonly [number, number, number, number, number])[]
}

/** Frames as the data set keeps them (its README): microseconds, count, points of 10 bytes. */
export function recordedFrames(bytes: Buffer, countMax: number): readonly RecordedFrame[] {
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
export function packetOf({ points }: RecordedFrame, frameNumber: number): Buffer {
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
