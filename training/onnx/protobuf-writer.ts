import { strict as assert } from 'node:assert'
import type { Int64 } from './onnx-proto.ts'

const utf8 = new TextEncoder()

/** Bytes of a varint. Negative numbers are sign-extended to 64 bits, so they take ten. */
export function varintLength(value: Int64): number {
  if (value < 0) return 10
  let length = 1
  if (typeof value === 'bigint') {
    for (let rest = value >> 7n; rest > 0n; rest >>= 7n) length += 1
  } else for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length += 1
  return length
}

export function utf8Length(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}

/** Writes protobuf wire format into a buffer whose size is known beforehand. */
export class ProtobufWriter {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #position = 0

  constructor(byteLength: number) {
    this.#bytes = new Uint8Array(byteLength)
    this.#view = new DataView(this.#bytes.buffer)
  }

  varint(value: Int64): void {
    if (typeof value === 'bigint' || value < 0) this.#bigVarint(BigInt.asUintN(64, BigInt(value)))
    else {
      let rest = value
      for (; rest >= 128; rest = Math.floor(rest / 128)) this.#byte((rest % 128) | 0x80)
      this.#byte(rest)
    }
  }

  float(value: number): void {
    this.#view.setFloat32(this.#position, value, true)
    this.#position += 4
  }

  double(value: number): void {
    this.#view.setFloat64(this.#position, value, true)
    this.#position += 8
  }

  string(text: string): void {
    this.varint(utf8Length(text))
    this.#position += utf8.encodeInto(text, this.#bytes.subarray(this.#position)).written
  }

  bytes(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#position)
    this.#position += bytes.byteLength
  }

  finish(): Uint8Array {
    assert.equal(this.#position, this.#bytes.byteLength, 'sizes and writing disagree')
    return this.#bytes
  }

  #bigVarint(value: bigint): void {
    let rest = value
    for (; rest >= 128n; rest >>= 7n) this.#byte(Number(rest & 0x7fn) | 0x80)
    this.#byte(Number(rest))
  }

  #byte(byte: number): void {
    this.#bytes[this.#position++] = byte
  }
}
