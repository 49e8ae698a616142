import { GainnetError } from '../../runtime/errors.ts'
import { elementCount } from '../onnx/tensor.ts'
import { type LlamaSizes, llamaParameters } from './llama.ts'

const HEADER_BYTES = 7 * 4
/** Above any model that fits a board: a header beyond is not one. */
const SIZE_MAX = 1 << 20

/** Where llama2.c has the tensors of all layers one kind after the other. */
const KINDS = [
  'attention.norm',
  'attention.query',
  'attention.key',
  'attention.value',
  'attention.output',
  'inner.norm',
  'inner.gate',
  'inner.down',
  'inner.up',
] as const

/**
 * Reads a model file of llama2.c (github karpathy/llama2.c, run.c, version 0): seven int32, then
 * float32 tensors. Matrices lie there by output and are turned to [inputs, outputs]. Queries and keys
 * have their rotary pairs side by side there; here the halves of a pair are half a head apart, which
 * is the same attention with its sizes in another order.
 */
export function readLlama2c(bytes: Uint8Array): {
  readonly sizes: LlamaSizes
  readonly weights: ReadonlyMap<string, Float32Array>
} {
  const sizes = readHeader(bytes)
  const values = readFloats(bytes)
  const shapes = new Map(llamaParameters(sizes).map(parameter => [parameter.name, parameter.shape]))
  const layers = Array.from({ length: sizes.layers }, (_, index) => `blocks.${index}`)
  const names = [
    'embedding.weight',
    ...KINDS.flatMap(kind => layers.map(layer => `${layer}.${kind}.weight`)),
    'norm.weight',
  ]
  const weights = new Map<string, Float32Array>()
  let offset = 0
  for (const name of names) {
    const shape = shapes.get(name) ?? []
    const count = elementCount(shape)
    weights.set(name, arrange(name, values.subarray(offset, offset + count), shape, sizes))
    offset += count
  }
  // What follows are two tables of angles, which nobody reads any more.
  const expected = offset + (sizes.contextTokens * sizes.width) / sizes.heads
  if (values.length !== expected) {
    throw new GainnetError(
      'MODEL_CORRUPT',
      `a llama2.c model of this header has ${expected} numbers, the file has ${values.length}`,
    )
  }
  return { sizes, weights }
}

function readHeader(bytes: Uint8Array): LlamaSizes {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const numbers = Array.from({ length: HEADER_BYTES / 4 }, (_, index) =>
    bytes.length < HEADER_BYTES ? 0 : view.getInt32(4 * index, true),
  )
  const [width = 0, hiddenWidth = 0, layers = 0, heads = 0, keyValueHeads = 0] = numbers
  const [vocabularySize = 0, contextTokens = 0] = numbers.slice(5)
  if (vocabularySize < 0) {
    throw new GainnetError(
      'MODEL_INVALID',
      'the llama2.c model has a last layer of its own, only one shared with the embedding is read',
    )
  }
  const isOne = numbers.every(number => number > 0 && number <= SIZE_MAX)
  if (!isOne || width % (2 * heads) !== 0 || heads % keyValueHeads !== 0) {
    throw new GainnetError('MODEL_CORRUPT', `not the header of a llama2.c model: ${numbers}`)
  }
  return {
    vocabularySize,
    contextTokens,
    width,
    hiddenWidth,
    layers,
    heads,
    keyValueHeads,
  }
}

/** The numbers behind the header, read where the processor's byte order may be another. */
function readFloats(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset + HEADER_BYTES)
  const count = Math.floor((bytes.length - HEADER_BYTES) / 4)
  return Float32Array.from({ length: count }, (_, index) => view.getFloat32(4 * index, true))
}

function arrange(
  name: string,
  values: Float32Array,
  shape: readonly number[],
  { width, heads }: LlamaSizes,
): Float32Array {
  const [inputs = 0, outputs] = shape
  if (name === 'embedding.weight' || outputs === undefined) return values
  const isRotary = name.endsWith('.query.weight') || name.endsWith('.key.weight')
  const headSize = isRotary ? width / heads : 0
  return Float32Array.from({ length: values.length }, (_, index) => {
    const [input, output] = [Math.floor(index / outputs), index % outputs]
    const row = isRotary ? rotaryRow(output, headSize) : output
    return values[row * inputs + input] ?? Number.NaN
  })
}

/** Where llama2.c has this row of a head: its pairs are neighbours. */
function rotaryRow(row: number, headSize: number): number {
  const place = row % headSize
  const half = headSize / 2
  return row - place + (place < half ? 2 * place : 2 * (place - half) + 1)
}
