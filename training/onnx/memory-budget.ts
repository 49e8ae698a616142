import type { ProtobufReader } from './protobuf-reader.ts'

const MEBIBYTE = 2 ** 20

/**
 * What a hostile file could otherwise make of two bytes: an object, a view of the file. Bytes as they
 * were measured on Node 20 (x64), those of arrays with what growing them leaves behind.
 */
export const COST = {
  message: 200,
  /** A Uint8Array on the file. */
  view: 128,
  /** An element of an array that grows. */
  element: 28,
  /** An element of an array that is made in its size. */
  presizedElement: 8,
  bigint: 24,
} as const

/** Beyond some 2^25 elements V8 makes a dictionary of an array whose size is given. */
export const PRESIZED_MAX = 2 ** 24

/**
 * Bounds the memory that reading a file takes to 4 times its size and 64 MiB: by the costs of what is
 * made of it to a part of that, as a garbage collector needs room.
 */
export class MemoryBudget {
  readonly #reader: ProtobufReader
  readonly #bytesMax: number
  #left: number

  constructor(reader: ProtobufReader) {
    this.#reader = reader
    this.#bytesMax = 2 * reader.end + 28 * MEBIBYTE
    this.#left = this.#bytesMax
  }

  spend(bytes: number): void {
    this.#left -= bytes
    if (this.#left >= 0) return
    this.#reader.fail(
      `to read the file would take more than ${Math.round(this.#bytesMax / MEBIBYTE)} MiB: save ` +
        'the values of its tensors as raw_data',
    )
  }
}
