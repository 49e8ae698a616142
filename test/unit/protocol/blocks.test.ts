import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BlockAssembler,
  bitmapOf,
  blockCountOf,
  cutBlocks,
  hashOf,
  indicesOf,
} from '../../../protocol/blocks.ts'

function planOf(bytes: Uint8Array, blockBytes: number) {
  const blockHashes = cutBlocks(bytes, blockBytes).map(hashOf)
  return { bytes: bytes.length, blockBytes, sha256: hashOf(bytes), blockHashes }
}

describe('cutting', () => {
  test('the blocks are the bytes, all of one size but the last', () => {
    expect(cutBlocks(Uint8Array.of(1, 2, 3, 4, 5), 2)).toEqual([
      Uint8Array.of(1, 2),
      Uint8Array.of(3, 4),
      Uint8Array.of(5),
    ])
    expect(blockCountOf(4, 2)).toBe(2)
  })

  test('a bitmap names the indices it was made of, least bit first', () => {
    expect(bitmapOf(10, index => index === 0 || index === 9)).toEqual(Uint8Array.of(1, 2))
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(99)), indices => {
        const wanted = new Set(indices)
        const bitmap = bitmapOf(100, index => wanted.has(index))
        expect(indicesOf(bitmap, 100)).toEqual([...wanted].sort((a, b) => a - b))
      }),
    )
  })

  test('bits beyond the count and a bitmap that is too short are no indices', () => {
    expect(indicesOf(Uint8Array.of(0xff, 0xff), 3)).toEqual([0, 1, 2])
    expect(indicesOf(Uint8Array.of(1), 30)).toEqual([0])
  })
})

describe('assembling', () => {
  test('blocks in any order, some of them twice, come to the same bytes', () => {
    const cases = fc.record({
      bytes: fc.uint8Array({ minLength: 1, maxLength: 200 }),
      blockBytes: fc.integer({ min: 1, max: 40 }),
      keys: fc.infiniteStream(fc.nat()),
    })
    fc.assert(
      fc.property(cases, ({ bytes, blockBytes, keys }) => {
        const blocks = cutBlocks(bytes, blockBytes)
        const order = [...blocks.keys(), ...blocks.keys()]
          .map(index => ({ index, key: keys.next().value }))
          .sort((a, b) => a.key - b.key)
        const assembler = new BlockAssembler(planOf(bytes, blockBytes))
        for (const { index } of order) assembler.add(index, blocks[index] ?? new Uint8Array(0))
        expect(assembler.finish()).toEqual({ ok: true, bytes })
      }),
    )
  })

  test('it says which blocks are wanted', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4, 5)
    const assembler = new BlockAssembler(planOf(bytes, 2))
    expect(assembler.add(1, Uint8Array.of(3, 4))).toEqual({ kind: 'taken' })
    expect(indicesOf(assembler.wanted(), 3)).toEqual([0, 2])
    expect(assembler.missingCount).toBe(2)
    expect(() => assembler.finish()).toThrow('2 blocks are missing')
  })

  test('a wrong block is not taken, and the right one still is', () => {
    const assembler = new BlockAssembler(planOf(Uint8Array.of(1, 2, 3), 2))
    expect(assembler.add(0, Uint8Array.of(1, 9)).kind).toBe('wrong')
    expect(assembler.add(0, Uint8Array.of(1)).kind).toBe('wrong')
    expect(assembler.add(2, Uint8Array.of(1, 2)).kind).toBe('wrong')
    expect(assembler.add(-1, Uint8Array.of(1, 2)).kind).toBe('wrong')
    expect(assembler.add(Number.NaN, Uint8Array.of(1, 2)).kind).toBe('wrong')
    expect(assembler.add(0, Uint8Array.of(1, 2))).toEqual({ kind: 'taken' })
    expect(assembler.add(0, Uint8Array.of(1, 2))).toEqual({ kind: 'duplicate' })
  })

  test('without hashes of blocks a flipped bit shows in the hash of the whole', () => {
    const bytes = Uint8Array.of(1, 2, 3)
    const assembler = new BlockAssembler({ bytes: 3, blockBytes: 2, sha256: hashOf(bytes) })
    assembler.add(0, Uint8Array.of(1, 3))
    assembler.add(1, Uint8Array.of(3))
    expect(assembler.finish()).toEqual({ ok: false, sha256: hashOf(Uint8Array.of(1, 3, 3)) })
  })

  test('hashes that are not one for each block are refused at once', () => {
    const plan = planOf(Uint8Array.of(1, 2, 3), 2)
    expect(() => new BlockAssembler({ ...plan, bytes: 5 })).toThrow('2 hashes for 3 blocks')
  })
})
