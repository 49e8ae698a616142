import { GainnetError } from '../../runtime/errors.ts'
import type { Int64 } from './onnx-proto.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * A cursor over protobuf wire format (protobuf.dev/programming-guides/encoding). It never reads
 * beyond its end and never copies: byte fields are views.
 */
export class ProtobufReader {
  readonly bytes: Uint8Array
  readonly #view: DataView
  position: number
  end: number
  #high = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.position = 0
    this.end = bytes.byteLength
  }

  fail(message: string): never {
    throw new GainnetError('MODEL_INVALID', `${message} (at byte ${this.position})`, {
      position: this.position,
    })
  }

  /** The low 32 bits as an unsigned number; the high ones wait in #high. */
  #varint(): number {
    let low = 0
    let high = 0
    for (let shift = 0; ; shift += 7) {
      if (shift > 63) this.fail('a varint is longer than ten bytes')
      if (this.position >= this.end) this.fail('the file ends within a varint')
      const byte = this.bytes[this.position++] ?? 0
      const bits = byte & 0x7f
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high = bits >>> 4
      } else high |= bits << (shift - 32)
      if (byte < 0x80) break
    }
    this.#high = high
    return low >>> 0
  }

  uint32(): number {
    const low = this.#varint()
    if (this.#high !== 0) this.fail('a number is larger than 32 bits')
    return low
  }

  /** Negative int32 values stand on the wire as ten bytes, sign-extended to 64 bits. */
  int32(): number {
    return this.#varint() | 0
  }

  int64(): Int64 {
    const low = this.#varint()
    const value = (this.#high | 0) * 2 ** 32 + low
    if (Number.isSafeInteger(value)) return value
    return BigInt.asIntN(64, (BigInt(this.#high >>> 0) << 32n) | BigInt(low))
  }

  uint64(): Int64 {
    const low = this.#varint()
    const value = (this.#high >>> 0) * 2 ** 32 + low
    if (Number.isSafeInteger(value)) return value
    return (BigInt(this.#high >>> 0) << 32n) | BigInt(low)
  }

  safeInt64(): number {
    const value = this.int64()
    if (typeof value === 'bigint') this.fail(`the number ${value} is too large for a size`)
    return value
  }

  float(): number {
    return this.#view.getFloat32(this.#skip(4), true)
  }

  double(): number {
    return this.#view.getFloat64(this.#skip(8), true)
  }

  /** A length and that many bytes. */
  delimited(): Uint8Array {
    const length = this.uint32()
    const start = this.#skip(length)
    return this.bytes.subarray(start, start + length)
  }

  string(): string {
    const bytes = this.delimited()
    if (bytes.byteLength === 0) return ''
    try {
      return utf8.decode(bytes)
    } catch {
      this.fail('a string is not UTF-8')
    }
  }

  /** Passes over the content of a field that nobody knows. */
  skipField(wireType: number): void {
    if (wireType === 0) this.#varint()
    else if (wireType === 1) this.#skip(8)
    else if (wireType === 2) this.#skip(this.uint32())
    else if (wireType === 5) this.#skip(4)
    else this.fail(`wire type ${wireType} is not used by ONNX`)
  }

  /** Moves on by the length; returns where it was. */
  #skip(length: number): number {
    const start = this.position
    if (length > this.end - start) {
      this.fail(`a field of ${length} bytes reaches beyond its message`)
    }
    this.position = start + length
    return start
  }
}
