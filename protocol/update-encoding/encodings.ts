import { GainnetError } from '../../runtime/errors.ts'
import { bytesOfParameters, parametersOfBytes } from '../parameter-bytes.ts'
import { float16Of, numberOfFloat16 } from './float16.ts'
import { decodeTopK, encodeTopK } from './top-k.ts'

/** How the numbers of an update are written down; all but float32 lose some of them. */
export const UPDATE_ENCODINGS = ['float32', 'float16', 'int8', 'top-k'] as const
export type UpdateEncoding = (typeof UPDATE_ENCODINGS)[number]

/** Values that share a scale: more cost accuracy, fewer bytes. */
const INT8_BLOCK = 256

interface Codec {
  encode(values: Float32Array, o: { readonly topShare: number }): Uint8Array
  /** PROTOCOL_INVALID where the bytes are not `count` values in this encoding. */
  decode(bytes: Uint8Array, count: number): Float32Array
  /** No update of `count` values is longer. */
  bytesMax(count: number, o: { readonly topShare: number }): number
}

const CODECS: Readonly<Record<UpdateEncoding, Codec>> = {
  float32: {
    encode: bytesOfParameters,
    decode: (bytes, count) => parametersOfBytes(ofLength(bytes, 4 * count)),
    bytesMax: count => 4 * count,
  },
  float16: {
    encode: values => {
      const view = new DataView(new ArrayBuffer(2 * values.length))
      for (const [at, value] of values.entries()) view.setUint16(2 * at, float16Of(value), true)
      return new Uint8Array(view.buffer)
    },
    decode: (bytes, count) => {
      const { buffer, byteOffset } = ofLength(bytes, 2 * count)
      const view = new DataView(buffer, byteOffset)
      return Float32Array.from({ length: count }, (_, at) =>
        numberOfFloat16(view.getUint16(2 * at, true)),
      )
    },
    bytesMax: count => 2 * count,
  },
  int8: { encode: encodeInt8, decode: decodeInt8, bytesMax: int8Bytes },
  'top-k': {
    encode: encodeTopK,
    decode: decodeTopK,
    // A count, and for each value a gap of up to five bytes and two bytes of value.
    bytesMax: (count, { topShare }) => 4 + 7 * Math.ceil(count * topShare),
  },
}

export function encodeUpdate(
  encoding: UpdateEncoding,
  values: Float32Array,
  o: { readonly topShare: number },
): Uint8Array {
  return CODECS[encoding].encode(values, o)
}

export function decodeUpdate(
  encoding: UpdateEncoding,
  bytes: Uint8Array,
  count: number,
): Float32Array {
  return CODECS[encoding].decode(bytes, count)
}

export function encodedBytesMax(
  encoding: UpdateEncoding,
  count: number,
  o: { readonly topShare: number },
): number {
  return CODECS[encoding].bytesMax(count, o)
}

/** Scales of all blocks (float32, little endian), then a byte a value: value = scale · byte. */
function encodeInt8(values: Float32Array): Uint8Array {
  const blocks = Math.ceil(values.length / INT8_BLOCK)
  const bytes = new Uint8Array(int8Bytes(values.length))
  const view = new DataView(bytes.buffer)
  for (let block = 0; block < blocks; block++) {
    const start = block * INT8_BLOCK
    const part = values.subarray(start, start + INT8_BLOCK)
    const scale = part.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127
    view.setFloat32(4 * block, scale, true)
    const written = view.getFloat32(4 * block, true)
    for (const [at, value] of part.entries()) {
      const steps = written === 0 ? 0 : Math.round(value / written)
      view.setInt8(4 * blocks + start + at, Math.max(-127, Math.min(127, steps)))
    }
  }
  return bytes
}

function decodeInt8(bytes: Uint8Array, count: number): Float32Array {
  const { buffer, byteOffset } = ofLength(bytes, int8Bytes(count))
  const view = new DataView(buffer, byteOffset)
  const first = 4 * Math.ceil(count / INT8_BLOCK)
  return Float32Array.from({ length: count }, (_, at) => {
    const scale = view.getFloat32(4 * Math.floor(at / INT8_BLOCK), true)
    return scale * view.getInt8(first + at)
  })
}

function int8Bytes(count: number): number {
  return 4 * Math.ceil(count / INT8_BLOCK) + count
}

function ofLength(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length === length) return bytes
  const fault = `an update of ${bytes.length} bytes came, ${length} were expected`
  throw new GainnetError('PROTOCOL_INVALID', fault)
}
