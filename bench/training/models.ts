import { seededRandom, standardNormal } from '../../runtime/seeded-random.ts'
import { attr } from '../../training/onnx/attribute.ts'
import { buildModel, buildNode, buildValueInfo, OPSET_MAX } from '../../training/onnx/build.ts'
import { ELEMENT, type ElementType } from '../../training/onnx/element-type.ts'
import { encodeModel } from '../../training/onnx/onnx-codec.ts'
import type { AttributeProto, NodeProto, TensorProto } from '../../training/onnx/onnx-proto.ts'
import { buildTensor, elementCount } from '../../training/onnx/tensor.ts'

/**
 * The models that are compared, as bench/pytorch/models.py has them. Their parameters have the order
 * and the layout of PyTorch's, but for the GPT, whose matrices stand the other way round: PyTorch's
 * exporter writes them so, as a MatMul of three axes has no transposed form.
 */
class Draft {
  readonly node: NodeProto[] = []
  readonly initializer: TensorProto[] = []
  readonly #random = seededRandom(1)

  add(
    opType: string,
    inputs: readonly string[],
    output: string,
    attributes: readonly AttributeProto[] = [],
  ): string {
    this.node.push(buildNode({ opType, inputs, outputs: [output], attributes }))
    return output
  }

  normal(name: string, shape: readonly number[], deviation: number): string {
    const draw = () => deviation * standardNormal(this.#random)
    return this.keep(name, shape, Float32Array.from({ length: elementCount(shape) }, draw))
  }

  filled(name: string, shape: readonly number[], value: number): string {
    return this.keep(name, shape, new Float32Array(elementCount(shape)).fill(value))
  }

  keep(
    name: string,
    shape: readonly number[],
    values: ArrayLike<number>,
    type: ElementType = ELEMENT.float,
  ): string {
    this.initializer.push(buildTensor({ name, type, shape, values }))
    return name
  }

  /** Untrained, other than an initializer. */
  constant(name: string, shape: readonly number[], values: readonly number[]): string {
    const tensor = buildTensor({ name, type: ELEMENT.float, shape, values })
    return this.add('Constant', [], name, [attr.tensor('value', tensor)])
  }

  /** Weights of variance 2 / inputs (He et al. 2015) as [out, in, …], and biases of zero. */
  layer(name: string, shape: readonly number[]): [string, string] {
    const deviation = Math.sqrt(2 / elementCount(shape.slice(1)))
    const weight = this.normal(`${name}.weight`, shape, deviation)
    return [weight, this.filled(`${name}.bias`, shape.slice(0, 1), 0)]
  }

  linear(name: string, x: string, { from, to }: { readonly from: number; readonly to: number }) {
    return this.add('Gemm', [x, ...this.layer(name, [to, from])], name, [attr.int('transB', 1)])
  }

  finish(options: {
    readonly input: { readonly name: string; readonly type: ElementType }
    readonly sampleShape: readonly number[]
    readonly output: string
    readonly outputShape: readonly number[]
  }): Uint8Array {
    const { input, sampleShape, output, outputShape } = options
    const graph = {
      node: this.node,
      name: output,
      initializer: this.initializer,
      input: [buildValueInfo(input.name, input.type, ['batch', ...sampleShape])],
      output: [buildValueInfo(output, ELEMENT.float, ['batch', ...outputShape])],
      valueInfo: [],
    }
    return encodeModel(buildModel({ opset: OPSET_MAX, graph }))
  }
}

/** 784-256-128-10 with ReLU. */
export function buildMlp(): Uint8Array {
  const draft = new Draft()
  const hidden = draft.add('Relu', [draft.linear('fc1', 'image', { from: 784, to: 256 })], 'h1')
  const second = draft.add('Relu', [draft.linear('fc2', hidden, { from: 256, to: 128 })], 'h2')
  draft.linear('fc3', second, { from: 128, to: 10 })
  return draft.finish({
    input: { name: 'image', type: ELEMENT.float },
    sampleShape: [784],
    output: 'fc3',
    outputShape: [10],
  })
}

/** Two blocks of Conv 3 × 3, ReLU and MaxPool 2 × 2 with 16 and 32 channels, and a linear layer. */
export function buildCnn(): Uint8Array {
  const draft = new Draft()
  const block = (name: string, x: string, [from, to]: readonly [number, number]) => {
    const pads = [attr.ints('pads', [1, 1, 1, 1])]
    const sum = draft.add('Conv', [x, ...draft.layer(name, [to, from, 3, 3])], name, pads)
    const active = draft.add('Relu', [sum], `${name}.active`)
    const window = [attr.ints('kernel_shape', [2, 2]), attr.ints('strides', [2, 2])]
    return draft.add('MaxPool', [active], `${name}.pooled`, window)
  }
  const first = block('conv1', 'image', [1, 16])
  const second = block('conv2', first, [16, 32])
  const flat = draft.add('Flatten', [second], 'features')
  draft.linear('fc', flat, { from: 32 * 7 * 7, to: 10 })
  return draft.finish({
    input: { name: 'image', type: ELEMENT.float },
    sampleShape: [1, 28, 28],
    output: 'fc',
    outputShape: [10],
  })
}

export const GPT = { layers: 2, size: 128, heads: 4, places: 64, vocabulary: 512 } as const

/** Decoder blocks with the normalization in front (Radford et al. 2019), exact GELU, no dropout. */
export function buildGpt(): Uint8Array {
  const { layers, size, places, vocabulary } = GPT
  const draft = new Draft()
  const token = draft.normal('token.weight', [vocabulary, size], 0.02)
  const place = draft.normal('place.weight', [places, size], 0.02)
  const embedded = draft.add('Gather', [token, 'tokens'], 'embedded')
  let x = draft.add('Add', [embedded, place], 'placed')
  for (let layer = 0; layer < layers; layer++) {
    const name = `block.${layer}`
    x = draft.add('Add', [x, attention(draft, `${name}.attention`, x)], `${name}.attended`)
    const wide = gptLinear(draft, `${name}.up`, norm(draft, `${name}.norm2`, x), [size, 4 * size])
    const active = draft.add('Gelu', [wide], `${name}.active`)
    const narrow = gptLinear(draft, `${name}.down`, active, [4 * size, size])
    x = draft.add('Add', [x, narrow], `${name}.out`)
  }
  const last = norm(draft, 'norm', x)
  draft.add('MatMul', [last, draft.normal('head.weight', [size, vocabulary], 0.02)], 'logits')
  return draft.finish({
    input: { name: 'tokens', type: ELEMENT.int32 },
    sampleShape: [places],
    output: 'logits',
    outputShape: [places, vocabulary],
  })
}

function norm(draft: Draft, name: string, x: string): string {
  const scale = draft.filled(`${name}.weight`, [GPT.size], 1)
  return draft.add(
    'LayerNormalization',
    [x, scale, draft.filled(`${name}.bias`, [GPT.size], 0)],
    name,
  )
}

function gptLinear(
  draft: Draft,
  name: string,
  x: string,
  [from, to]: readonly [number, number],
): string {
  const product = draft.add(
    'MatMul',
    [x, draft.normal(`${name}.weight`, [from, to], 0.02)],
    `${name}.product`,
  )
  return draft.add('Add', [product, draft.filled(`${name}.bias`, [to], 0)], name)
}

function attention(draft: Draft, name: string, x: string): string {
  const { size, heads, places } = GPT
  const normed = norm(draft, `${name}.norm`, x)
  const mixed = gptLinear(draft, `${name}.qkv`, normed, [size, 3 * size])
  draft.node.push(
    buildNode({
      opType: 'Split',
      inputs: [mixed],
      outputs: ['q', 'k', 'v'].map(part => `${name}.${part}`),
      attributes: [attr.int('axis', 2), attr.int('num_outputs', 3)],
    }),
  )
  const shape = draft.keep(`${name}.heads`, [4], [0, places, heads, size / heads], ELEMENT.int64)
  const split = (part: string, order: readonly number[]) => {
    const parts = draft.add('Reshape', [`${name}.${part}`, shape], `${name}.${part}.parts`)
    return draft.add('Transpose', [parts], `${name}.${part}.heads`, [attr.ints('perm', order)])
  }
  const [q, k, v] = [split('q', [0, 2, 1, 3]), split('k', [0, 2, 3, 1]), split('v', [0, 2, 1, 3])]
  const scale = draft.keep(`${name}.scale`, [], [Math.sqrt(heads / size)])
  const products = draft.add('MatMul', [q, k], `${name}.products`)
  const scaled = draft.add('Mul', [products, scale], `${name}.scaled`)
  // −1e9 hides what comes later.
  const future = Array.from({ length: places * places }, (_, index) =>
    index % places > Math.floor(index / places) ? -1e9 : 0,
  )
  const mask = draft.constant(`${name}.mask`, [places, places], future)
  const scores = draft.add('Add', [scaled, mask], `${name}.scores`)
  const shares = draft.add('Softmax', [scores], `${name}.shares`)
  const summed = draft.add('MatMul', [shares, v], `${name}.summed`)
  const joined = draft.add('Transpose', [summed], `${name}.joined`, [
    attr.ints('perm', [0, 2, 1, 3]),
  ])
  const flat = draft.keep(`${name}.flat`, [3], [0, places, size], ELEMENT.int64)
  const rows = draft.add('Reshape', [joined, flat], `${name}.rows`)
  return gptLinear(draft, `${name}.out`, rows, [size, size])
}
