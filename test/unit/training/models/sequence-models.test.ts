import { describe, expect, test } from 'vitest'
import { buildLlama, llamaSchema } from '../../../../training/models/llama.ts'
import { readLlama2c } from '../../../../training/models/llama2c-checkpoint.ts'
import { buildModel } from '../../../../training/models/registry.ts'
import { buildSacNetworks } from '../../../../training/models/sac-networks.ts'
import { nextTokenSamples } from '../../../../training/samples/next-token-samples.ts'
import { sequenceCases } from '../../../integration/training/models/sequence-cases.ts'

describe.each(sequenceCases)('$name', ({ options }) => {
  test('has equal bytes for equal options, and others for another seed', () => {
    expect(buildModel(options)).toEqual(buildModel(options))
    expect(buildModel({ ...options, seed: 2 })).not.toEqual(buildModel(options))
  })
})

test('the networks of SAC are equal for equal options; the two critics differ', () => {
  const options = { observationSize: 3, actionSize: 2, hiddenSizes: [4], seed: 9 }
  const networks = buildSacNetworks(options)
  expect(buildSacNetworks(options)).toEqual(networks)
  expect(networks.critics[0]).not.toEqual(networks.critics[1])
})

test('heads that do not share the width are refused', () => {
  const sizes = { vocabularySize: 16, contextTokens: 4, layers: 1 }
  const refusal = { code: 'MODEL_INVALID' }
  const llama = { kind: 'llama', ...sizes, hiddenWidth: 8 } as const
  const building = [
    () => buildModel({ kind: 'gpt', ...sizes, width: 10, heads: 4 }),
    () => buildModel({ ...llama, width: 12, heads: 4, keyValueHeads: 4 }),
    () => buildModel({ ...llama, width: 16, heads: 4, keyValueHeads: 3 }),
  ]
  for (const build of building) expect(build).toThrow(expect.objectContaining(refusal))
})

/** A llama2.c file of this header with so many numbers behind it: 0, 1, 2 … */
function checkpoint(header: readonly number[], count: number): Buffer {
  const bytes = Buffer.alloc(4 * (header.length + count))
  for (const [index, number] of header.entries()) bytes.writeInt32LE(number, 4 * index)
  for (let index = 0; index < count; index++) bytes.writeFloatLE(index, 4 * (7 + index))
  return bytes
}

/** Width 4, hidden 3, one layer, one head of 4, vocabulary 5, context 2. */
const HEADER = [4, 3, 1, 1, 1, 5, 2]
const COUNT = 20 + 4 + 4 * 16 + 4 + 3 * 12 + 4 + 2 * 4

test('the matrices of llama2.c are turned, and the rotary pairs of a head set apart', () => {
  const { sizes, weights } = readLlama2c(checkpoint(HEADER, COUNT))
  expect(sizes).toEqual({
    width: 4,
    hiddenWidth: 3,
    layers: 1,
    heads: 1,
    keyValueHeads: 1,
    vocabularySize: 5,
    contextTokens: 2,
  })
  expect([...(weights.get('embedding.weight') ?? [])].slice(0, 4)).toEqual([0, 1, 2, 3])
  // By output there: 24 to 27 are the first query. Here by input, in the order of outputs 0, 2, 1, 3.
  const query = weights.get('blocks.0.attention.query.weight') ?? []
  expect([...query].slice(0, 4)).toEqual([24, 32, 28, 36])
  const value = weights.get('blocks.0.attention.value.weight') ?? []
  expect([...value].slice(0, 4)).toEqual([56, 60, 64, 68])
  const model = buildLlama(llamaSchema.parse({ kind: 'llama', ...sizes }), weights)
  expect(model.length).toBeGreaterThan(4 * COUNT)
})

test('a llama2.c file that is cut off or none is refused', () => {
  const corrupt = { code: 'MODEL_CORRUPT' }
  const whole = checkpoint(HEADER, COUNT)
  for (const bytes of [
    whole.subarray(0, whole.length - 4),
    whole.subarray(0, 20),
    Buffer.concat([whole, Buffer.alloc(4)]),
    checkpoint([4, 3, 1, 0, 1, 5, 2], COUNT),
    checkpoint([4, 3, 1, 1, 1, 1 << 30, 2], COUNT),
  ]) {
    expect(() => readLlama2c(bytes)).toThrow(expect.objectContaining(corrupt))
  }
  const own = checkpoint([4, 3, 1, 1, 1, -5, 2], COUNT)
  expect(() => readLlama2c(own)).toThrow(/a last layer of its own/)
})

test('weights that lack a tensor are refused by its name', () => {
  const { sizes, weights } = readLlama2c(checkpoint(HEADER, COUNT))
  const few = new Map([...weights].filter(([name]) => name !== 'norm.weight'))
  const options = llamaSchema.parse({ kind: 'llama', ...sizes })
  expect(() => buildLlama(options, few)).toThrow(/norm.weight/)
})

test('each token of a row has the one that follows it as label', () => {
  const { inputs, labels, inputWidth } = nextTokenSamples([1, 2, 3, 4, 5, 6, 7, 8], {
    contextTokens: 3,
    samplesMax: 9,
  })
  expect(inputWidth).toBe(3)
  expect([...inputs]).toEqual([1, 2, 3, 4, 5, 6])
  expect([...labels]).toEqual([2, 3, 4, 5, 6, 7])
  expect(nextTokenSamples([1, 2, 3], { contextTokens: 3, samplesMax: 9 }).labels).toHaveLength(0)
  expect(
    nextTokenSamples([1, 2, 3, 4, 5, 6, 7], { contextTokens: 3, samplesMax: 1 }).labels,
  ).toHaveLength(3)
})
