import { GainnetError } from '../../runtime/errors.ts'
import { float16Of, numberOfFloat16 } from './float16.ts'

const COUNT_BYTES = 4
const VALUE_BYTES = 2
const LEB128_BYTES_MAX = 5

/**
 * The greatest values by size, the others taken for 0: their count (uint32), the gaps between their
 * places (unsigned LEB128, DWARF 5 section 7.6), then the values (float16), all little endian.
 */
export function encodeTopK(
  values: Float32Array,
  { topShare }: { readonly topShare: number },
): Uint8Array {
  const kept = Math.min(values.length, Math.ceil(values.length * topShare))
  const places = greatestPlaces(values, kept)
  const bytes = new Uint8Array(COUNT_BYTES + kept * (LEB128_BYTES_MAX + VALUE_BYTES))
  const view = new DataView(bytes.buffer)
  view.setUint32(0, kept, true)
  let [offset, before] = [COUNT_BYTES, -1]
  for (const place of places) {
    offset = writeLeb128(bytes, offset, place - before - 1)
    before = place
  }
  for (const place of places) {
    view.setUint16(offset, float16Of(values[place] ?? 0), true)
    offset += VALUE_BYTES
  }
  return bytes.slice(0, offset)
}

export function decodeTopK(bytes: Uint8Array, count: number): Float32Array {
  const values = new Float32Array(count)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < COUNT_BYTES) throw damaged('its count is missing')
  const kept = view.getUint32(0, true)
  if (kept > count) throw damaged(`${kept} of ${count} values`)
  const places = new Uint32Array(kept)
  let [offset, before] = [COUNT_BYTES, -1]
  for (let index = 0; index < kept; index++) {
    const gap = readLeb128(bytes, offset)
    offset = gap.end
    before += gap.value + 1
    if (before >= count) throw damaged(`a value at ${before} of ${count}`)
    places[index] = before
  }
  const expected = offset + kept * VALUE_BYTES
  if (bytes.length !== expected) throw damaged(`${bytes.length} bytes, ${expected} were expected`)
  for (const [index, place] of places.entries()) {
    values[place] = numberOfFloat16(view.getUint16(offset + index * VALUE_BYTES, true))
  }
  return values
}

/** In ascending order; of values of one size the first ones. */
function greatestPlaces(values: Float32Array, kept: number): readonly number[] {
  const sizes = values.map(Math.abs)
  const least = Float32Array.from(sizes).sort()[values.length - kept] ?? Number.POSITIVE_INFINITY
  let ties = kept - sizes.reduce((sum, size) => sum + (size > least ? 1 : 0), 0)
  const places: number[] = []
  for (const [at, size] of sizes.entries()) {
    if (size > least) places.push(at)
    else if (size === least && ties > 0) {
      ties -= 1
      places.push(at)
    }
  }
  return places
}

function writeLeb128(bytes: Uint8Array, offset: number, value: number): number {
  let [at, rest] = [offset, value]
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  bytes[at++] = rest
  return at
}

function readLeb128(bytes: Uint8Array, offset: number): { value: number; end: number } {
  let value = 0
  for (let at = offset; at < offset + LEB128_BYTES_MAX; at++) {
    const byte = bytes[at]
    if (byte === undefined) throw damaged('it ends within a gap')
    value += (byte & 0x7f) * 0x80 ** (at - offset)
    if (byte < 0x80) return { value, end: at + 1 }
  }
  throw damaged(`a gap of more than ${LEB128_BYTES_MAX} bytes`)
}

function damaged(what: string): GainnetError {
  return new GainnetError('PROTOCOL_INVALID', `an update in top-k is damaged: ${what}`)
}
