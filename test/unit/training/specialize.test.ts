import { describe, expect, test } from 'vitest'
import { emitForward, readForwardModel } from '../../../training/forward/forward-graph.ts'
import { GraphEmitter } from '../../../training/graph/graph-emitter.ts'
import { attr } from '../../../training/onnx/attribute.ts'
import { buildModel, buildNode, buildValueInfo } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { decodeModel, encodeModel } from '../../../training/onnx/onnx-codec.ts'
import type { GraphProto } from '../../../training/onnx/onnx-proto.ts'
import { type Specialization, specializeModel } from '../../../training/onnx/specialize.ts'
import { buildTensor } from '../../../training/onnx/tensor.ts'

function initializer(name: string, type: 1 | 7, values: readonly number[]) {
  return buildTensor({ name, type, shape: [values.length], values })
}

function branch(name: string, graph: Pick<GraphProto, 'node' | 'output'>) {
  return attr.graph(name, { name, initializer: [], input: [], valueInfo: [], ...graph })
}

const squares = buildNode({ opType: 'Mul', inputs: ['scaled', 'scaled'], outputs: ['squares'] })
// An axis in the form of operator set 11: a graph in a node is upgraded like the one around it.
const sum = buildNode({
  opType: 'ReduceSum',
  inputs: ['squares'],
  outputs: ['sums'],
  attributes: [attr.ints('axes', [1])],
})
const mirrored = buildNode({ opType: 'Neg', inputs: ['scaled'], outputs: ['mirrored'] })

/** y = a sum of squares at a rate of 16000, else −x; both of x · scale. */
const bytes = encodeModel({
  ...buildModel({
    opset: 11,
    graph: {
      name: 'two rates',
      node: [
        buildNode({ opType: 'Mul', inputs: ['x', 'scale'], outputs: ['scaled'] }),
        buildNode({ opType: 'Equal', inputs: ['rate', 'wide'], outputs: ['isWide'] }),
        buildNode({
          opType: 'If',
          inputs: ['isWide'],
          outputs: ['y'],
          attributes: [
            branch('then_branch', { node: [squares, sum], output: [{ name: 'sums' }] }),
            branch('else_branch', { node: [mirrored], output: [{ name: 'mirrored' }] }),
          ],
        }),
        buildNode({ opType: 'Add', inputs: ['y', 'shift'], outputs: ['shifted'] }),
      ],
      initializer: [
        initializer('scale', ELEMENT.float, [1, 2, 3]),
        initializer('wide', ELEMENT.int64, [16_000]),
        initializer('shift', ELEMENT.float, [1]),
      ],
      input: [
        buildValueInfo('x', ELEMENT.float, ['batch', 'width']),
        buildValueInfo('rate', ELEMENT.int64, [1]),
      ],
      output: [buildValueInfo('shifted', ELEMENT.float, ['batch', 'what'])],
      valueInfo: [],
    },
  }),
})

function forwardOps(specialized: Uint8Array): readonly (string | undefined)[] {
  const model = readForwardModel(specialized)
  const graph = new GraphEmitter()
  const declare = (name: string, shape: readonly number[]) =>
    graph.declare(name, { elementType: ELEMENT.float, shape })
  const { nodes } = emitForward(graph, model, {
    inputs: new Map(
      model.inputs.map(({ name, elementType, sampleShape }) => {
        const shape = [2, ...sampleShape]
        return [name, graph.declare(`in.${name}`, { elementType, shape })]
      }),
    ),
    parameters: new Map(model.parameters.map(({ name, shape }) => [name, declare(name, shape)])),
    batch: 2,
    purpose: 'training',
  })
  return nodes.map(({ opType }) => opType).filter(opType => opType !== 'Identity')
}

const width = { shape: ['batch', 3] } as const
const atRate = (values: number): Specialization => ({
  inputs: { x: width, rate: { shape: [1], values } },
})

describe('a specialized model', () => {
  test('takes the branch that a fixed input decides', () => {
    expect(forwardOps(specializeModel(bytes, atRate(16_000)))).toEqual(
      expect.arrayContaining(['Mul', 'ReduceSum', 'Add']),
    )
    expect(forwardOps(specializeModel(bytes, atRate(8_000)))).toEqual(
      expect.arrayContaining(['Mul', 'Neg', 'Add']),
    )
  })

  test('has no input any more that was fixed, and no parameter in its place', () => {
    const model = readForwardModel(specializeModel(bytes, atRate(8_000)))
    expect(model.inputs.map(({ name }) => name)).toEqual(['x'])
    expect(model.parameters.map(({ name }) => name)).toEqual(['scale', 'shift'])
  })

  test('ends at an inner value where that is named the output, without what only others need', () => {
    const { graph } = decodeModel(
      specializeModel(bytes, { inputs: { x: width }, outputs: ['scaled'] }),
    )
    expect(graph?.node.map(({ opType }) => opType)).toEqual(['Mul'])
    expect(graph?.input.map(({ name }) => name)).toEqual(['x'])
    expect(graph?.initializer.map(({ name }) => name)).toEqual(['scale'])
    expect(graph?.output.map(({ name }) => name)).toEqual(['scaled'])
  })

  test('keeps what only a branch needs', () => {
    const { graph } = decodeModel(specializeModel(bytes, { outputs: ['y'] }))
    expect(graph?.node.map(({ opType }) => opType)).toEqual(['Mul', 'Equal', 'If'])
  })

  test('that leaves a branch undecided is refused by its node', () => {
    const undecided = specializeModel(bytes, {
      inputs: { x: width, rate: { shape: ['batch'] } },
    })
    const model = readForwardModel(undecided)
    expect(model.inputs).toHaveLength(2)
    expect(() => forwardOps(undecided)).toThrow('holds a graph of its own')
  })
})

describe('a specialization is refused', () => {
  test.each<[string, Specialization, string]>([
    ['of an input there is not', { inputs: { size: width } }, 'has no input size, but x, rate'],
    [
      'with too few values',
      { inputs: { rate: { shape: [2], values: [1] } } },
      'is given 1 values for the shape [2]',
    ],
    ['to a value there is not', { outputs: ['z'] }, 'the model has no value z'],
  ])('%s', (_, wanted, words) => {
    expect(() => specializeModel(bytes, wanted)).toThrow(words)
  })
})
