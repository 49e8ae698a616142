import type { Look } from './stream-decoder.ts'

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

export interface TextLine {
  /** Without the end of the line. */
  readonly text: string
  /** With it. */
  readonly bytes: number
}

/**
 * The first line of the bytes, ASCII as sensors write it, or why it is none. A byte that no text has
 * ends the attempt: at the wrong speed a line may never end.
 */
export function firstLine(
  bytes: Buffer,
  lineBytesMax: number,
): TextLine | Exclude<Look<never>, { is: 'reading' | 'other' }> {
  const end = bytes.indexOf(LINE_FEED)
  const seen = end < 0 ? bytes.length : end
  const strange = bytes.subarray(0, seen).findIndex(byte => !isText(byte))
  if (strange >= 0) return { is: 'noise', bytes: strange + 1 }
  if (seen > lineBytesMax) return { is: 'dropped', bytes: seen, reason: 'too long' }
  if (end < 0) return { is: 'unfinished' }
  return { text: bytes.toString('latin1', 0, end).replace(/\r+$/, ''), bytes: end + 1 }
}

function isText(byte: number): boolean {
  return (byte >= 0x20 && byte <= 0x7e) || byte === CARRIAGE_RETURN || byte === 0x09
}
