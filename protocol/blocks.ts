import { createHash } from 'node:crypto'
import { BLOCK_BYTES_MAX } from './update.ts'

/** SHA-256 in hexadecimal, by which blobs, blocks and model versions are named. */
export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export function blockCountOf(bytes: number, blockBytes: number): number {
  return Math.ceil(bytes / blockBytes)
}

/** Views of the bytes, all of `blockBytes` but the last. */
export function cutBlocks(bytes: Uint8Array, blockBytes = BLOCK_BYTES_MAX): readonly Uint8Array[] {
  return Array.from({ length: blockCountOf(bytes.length, blockBytes) }, (_, index) =>
    bytes.subarray(index * blockBytes, (index + 1) * blockBytes),
  )
}

/** A bit for each index, bit n of byte n >> 3, least first. */
export function bitmapOf(
  count: number,
  isSet: (index: number) => boolean,
): Uint8Array<ArrayBuffer> {
  const bitmap = new Uint8Array(Math.ceil(count / 8))
  for (let index = 0; index < count; index++) {
    if (isSet(index)) bitmap[index >> 3] = (bitmap[index >> 3] ?? 0) | (1 << (index & 7))
  }
  return bitmap
}

/** The set bits below `count`; what a peer sets beyond is ignored. */
export function indicesOf(bitmap: Uint8Array, count: number): number[] {
  const indices: number[] = []
  for (let index = 0; index < count; index++) {
    if (((bitmap[index >> 3] ?? 0) >> (index & 7)) & 1) indices.push(index)
  }
  return indices
}

export interface AssemblyPlan {
  readonly bytes: number
  readonly blockBytes: number
  readonly sha256: string
  /** Where known, each block is verified as it comes. */
  readonly blockHashes?: readonly string[]
}

export type BlockOutcome =
  | { readonly kind: 'taken' }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'wrong'; readonly reason: string }

/**
 * Puts blocks together in any order; duplicates do no harm, wrong blocks are not taken. The buffer
 * has its full size from the start: the caller has checked `bytes` against what it expects.
 */
export class BlockAssembler {
  readonly #plan: AssemblyPlan
  readonly #bytes: Uint8Array
  readonly #has: Uint8Array
  #missing: number

  constructor(plan: AssemblyPlan) {
    this.#plan = plan
    this.#missing = blockCountOf(plan.bytes, plan.blockBytes)
    if (plan.blockHashes && plan.blockHashes.length !== this.#missing) {
      throw new RangeError(`${plan.blockHashes.length} hashes for ${this.#missing} blocks`)
    }
    this.#bytes = new Uint8Array(plan.bytes)
    this.#has = new Uint8Array(this.#missing)
  }

  get missingCount(): number {
    return this.#missing
  }

  get isComplete(): boolean {
    return this.#missing === 0
  }

  add(index: number, block: Uint8Array): BlockOutcome {
    const { bytes, blockBytes, blockHashes } = this.#plan
    if (!Number.isInteger(index) || index < 0 || index >= this.#has.length) {
      return { kind: 'wrong', reason: `block ${index} of ${this.#has.length}` }
    }
    const expected = Math.min(blockBytes, bytes - index * blockBytes)
    if (block.length !== expected) {
      return { kind: 'wrong', reason: `block ${index}: ${block.length} bytes, not ${expected}` }
    }
    if (this.#has[index]) return { kind: 'duplicate' }
    const hash = blockHashes?.[index]
    if (hash !== undefined && hashOf(block) !== hash) {
      return { kind: 'wrong', reason: `block ${index} does not match its hash ${hash}` }
    }
    this.#bytes.set(block, index * blockBytes)
    this.#has[index] = 1
    this.#missing -= 1
    return { kind: 'taken' }
  }

  /** Bitmap of the blocks that are still missing. */
  wanted(): Uint8Array<ArrayBuffer> {
    return bitmapOf(this.#has.length, index => !this.#has[index])
  }

  /** The whole, verified, or the hash that came out instead. Only when complete. */
  finish(): { ok: true; bytes: Uint8Array } | { ok: false; sha256: string } {
    if (!this.isComplete) throw new RangeError(`${this.#missing} blocks are missing`)
    const sha256 = hashOf(this.#bytes)
    return sha256 === this.#plan.sha256 ? { ok: true, bytes: this.#bytes } : { ok: false, sha256 }
  }
}
