/**
 * Consistent overhead byte stuffing (Cheshire and Baker 1999): removes every zero byte, so that a
 * zero on the wire always ends a frame and a flipped bit costs one frame.
 */

/** Longest run of bytes that one code byte can announce. */
const RUN_BYTES_MAX = 254

/** The stuffed form, without the zero that ends it on the wire. */
export function cobsEncode(bytes: Uint8Array): Uint8Array {
  const stuffed = new Uint8Array(bytes.length + Math.ceil((bytes.length + 1) / RUN_BYTES_MAX) + 1)
  let [codeAt, writeAt] = [0, 1]
  const endRun = (): void => {
    stuffed[codeAt] = writeAt - codeAt
    codeAt = writeAt
    writeAt += 1
  }
  for (const [index, byte] of bytes.entries()) {
    if (byte !== 0) stuffed[writeAt++] = byte
    const isFull = writeAt - codeAt > RUN_BYTES_MAX
    // A full run needs no zero after it, and at the very end no empty run either.
    if (byte === 0 || (isFull && index < bytes.length - 1)) endRun()
  }
  stuffed[codeAt] = writeAt - codeAt
  return stuffed.subarray(0, writeAt)
}

/** The bytes that were stuffed, or null where they cannot have been: noise on the line. */
export function cobsDecode(stuffed: Uint8Array): Uint8Array | null {
  const bytes = new Uint8Array(stuffed.length)
  let [readAt, writeAt] = [0, 0]
  while (readAt < stuffed.length) {
    const code = stuffed[readAt] ?? 0
    const end = readAt + code
    if (code === 0 || end > stuffed.length) return null
    const run = stuffed.subarray(readAt + 1, end)
    if (run.includes(0)) return null
    bytes.set(run, writeAt)
    writeAt += run.length
    readAt = end
    if (code <= RUN_BYTES_MAX && readAt < stuffed.length) bytes[writeAt++] = 0
  }
  return bytes.subarray(0, writeAt)
}
