import { describe, expect, test } from 'vitest'
import { graphWork, trainingWork } from '../../../../training/cost/count-work.ts'
import { typedNodes } from '../../../../training/cost/typed-nodes.ts'
import { NO_WORK, WORK_KINDS } from '../../../../training/cost/work-counts.ts'
import { buildTrainingArtifact } from '../../../../training/forms/training-artifact.ts'
import { GraphEmitter, type ValueName } from '../../../../training/graph/graph-emitter.ts'
import { buildModel, type ModelOptions } from '../../../../training/models/registry.ts'
import { attr } from '../../../../training/onnx/attribute.ts'
import { buildNode, buildValueInfo } from '../../../../training/onnx/build.ts'
import { ELEMENT } from '../../../../training/onnx/element-type.ts'
import { decodeModel } from '../../../../training/onnx/onnx-codec.ts'
import type { GraphProto, NodeProto } from '../../../../training/onnx/onnx-proto.ts'

function graphOf(
  inputs: Readonly<Record<string, readonly number[]>>,
  build: (graph: GraphEmitter) => readonly ValueName[],
): GraphProto {
  const graph = new GraphEmitter()
  for (const [name, shape] of Object.entries(inputs)) {
    graph.declare(name, { elementType: ELEMENT.float, shape })
  }
  return graph.finish({ name: 'g', inputs: Object.keys(inputs), outputs: build(graph) })
}

describe('the work of a graph, counted by hand', () => {
  test('of a product is 2·m·n·k and what it reads and writes', () => {
    const graph = graphOf({ a: [3, 4], b: [4, 5] }, graph => [graph.matMul('a', 'b')])
    expect(graphWork(graph, {})).toEqual({
      ...NO_WORK,
      flops: 2 * 3 * 4 * 5,
      sweptBytes: 4 * (12 + 20 + 15),
      operators: 1,
    })
  })

  test('of a convolution is its products and the columns that it unrolls', () => {
    const pads = [attr.ints('pads', [1, 1, 1, 1])]
    const graph = graphOf({ x: [2, 3, 8, 8], w: [5, 3, 3, 3] }, graph => [
      graph.emit('Conv', ['x', 'w'], pads),
    ])
    expect(graphWork(graph, {})).toEqual({
      ...NO_WORK,
      flops: 2 * (2 * 5 * 8 * 8) * (3 * 3 * 3),
      columnBytes: 4 * (2 * 8 * 8) * (3 * 3 * 3),
      operators: 1,
    })
  })

  test('of a transposed convolution has the columns of what goes in', () => {
    const graph = graphOf({ x: [2, 5, 8, 8], w: [5, 3, 2, 2] }, graph => [
      graph.emit('ConvTranspose', ['x', 'w'], [attr.ints('strides', [2, 2])]),
    ])
    expect(graphWork(graph, {})).toMatchObject({
      flops: 2 * (2 * 5 * 8 * 8) * (3 * 2 * 2),
      columnBytes: 4 * (2 * 8 * 8) * (3 * 2 * 2),
    })
  })

  test('of elements is bytes, broadcast ones as often as they are there', () => {
    const graph = graphOf({ x: [6, 7], y: [7] }, graph => [
      graph.emit('Tanh', [graph.add('x', 'y')]),
    ])
    expect(graphWork(graph, {})).toEqual({
      ...NO_WORK,
      sweptBytes: 4 * (42 + 7 + 42) + 4 * (42 + 42),
      operators: 2,
    })
  })

  test('of a part is what is taken, of a view only its start', () => {
    const graph = graphOf({ x: [100, 10] }, graph => {
      const rows = graph.emit('Gather', ['x', graph.ints([7, 9])])
      return [graph.transpose(graph.reshape(rows, [4, 5]), [1, 0])]
    })
    expect(graphWork(graph, {})).toEqual({
      ...NO_WORK,
      movedBytes: 4 * (20 + 20) + 4 * (20 + 20),
      operators: 3,
    })
  })

  test('of more nodes than caches hold has the rest of them apart', () => {
    const graph = graphOf({ x: [8], y: [8] }, graph => {
      let value: ValueName = 'x'
      for (let count = 0; count < 130; count++) value = graph.add(value, 'y')
      return [value]
    })
    expect(graphWork(graph, {})).toMatchObject({ operators: 130, farOperators: 30 })
  })

  test('of operands that no cache of the second level holds is told apart', () => {
    const graph = graphOf({ x: [512, 512] }, graph => [graph.neg('x')])
    expect(graphWork(graph, {})).toEqual({ ...NO_WORK, largeBytes: 2 * 2 ** 20, operators: 1 })
  })

  test('leaves out what ONNX Runtime computes once or before the first run', () => {
    const graph = graphOf({ x: [8], y: [8] }, graph => {
      const [one, same] = [graph.mul('x', 'y'), graph.mul('x', 'y')]
      const constant = graph.constant(ELEMENT.float, [8], [1, 2, 3, 4, 5, 6, 7, 8])
      return [graph.add(one, graph.neg(same)), graph.add(same, graph.neg(constant)), graph.neg(one)]
    })
    const operators = typedNodes(graph).map(({ node }) => node.opType)
    // Neg of the one and of the same are the same; that of a constant is a constant.
    expect(operators).toEqual(['Mul', 'Neg', 'Add', 'Add'])
  })

  test('of a Scan is that of its body, as often as it runs', () => {
    const body = graphOf({ sum: [4], row: [4] }, graph => [graph.add('sum', 'row')])
    const scan = buildNode({
      opType: 'Scan',
      inputs: ['start', 'rows'],
      outputs: ['end'],
      attributes: [attr.graph('body', body), attr.int('num_scan_inputs', 1)],
    })
    const graph: GraphProto = {
      node: [scan],
      name: 'g',
      initializer: [],
      input: [
        buildValueInfo('start', ELEMENT.float, [4]),
        buildValueInfo('rows', ELEMENT.float, ['rows', 4]),
      ],
      output: [buildValueInfo('end', ELEMENT.float, [4])],
      valueInfo: [],
    }
    expect(graphWork(graph, { rows: 9 })).toEqual({
      ...NO_WORK,
      sweptBytes: 9 * 4 * (4 + 4 + 4),
      operators: 1 + 9,
    })
  })
})

describe('the work of training', () => {
  const artifactOf = (batch: number, accumulation = 1) =>
    buildTrainingArtifact(
      buildModel({ kind: 'mlp', inputSize: 6, hiddenSizes: [16], outputSize: 3, seed: 1 }),
      { loss: 'softmax-cross-entropy', optimizer: { kind: 'adam' }, batch, accumulation },
    )

  test('has all products but the gradient of the data, which nobody needs', () => {
    const batch = 10
    const { step, run } = trainingWork(artifactOf(batch).bytes)
    const [first, second] = [2 * batch * 6 * 16, 2 * batch * 16 * 3]
    expect(step.flops).toBe(2 * first + 3 * second)
    // Weights and biases with two slots each.
    expect(run).toEqual({ ...NO_WORK, stateBytes: 4 * 3 * (6 * 16 + 16 + 16 * 3 + 3) })
  })

  test('grows with the batch, and with the batches of a step', () => {
    const flops = (batch: number, accumulation?: number) =>
      trainingWork(artifactOf(batch, accumulation).bytes).step.flops
    expect(flops(20)).toBe(2 * flops(10))
    expect(flops(10, 3)).toBe(3 * flops(10))
  })

  test('is counted for every operator of a model with attention and of one with convolutions', () => {
    const text = { vocabularySize: 32, contextTokens: 8, width: 16, heads: 2, layers: 1, seed: 1 }
    const models: readonly ModelOptions[] = [
      { kind: 'gpt', ...text },
      { kind: 'cnn', imageShape: [1, 8, 8], channels: [4], classes: 3, seed: 1 },
    ]
    for (const options of models) {
      const { bytes, flopsPerSample } = buildTrainingArtifact(buildModel(options), {
        loss: 'softmax-cross-entropy',
        optimizer: { kind: 'adam' },
        batch: 4,
      })
      const { step } = trainingWork(bytes)
      expect(step.flops).toBeGreaterThan(0.6 * 4 * flopsPerSample)
      // Some sums are products with ones, which the count of a sample leaves out.
      expect(step.flops).toBeLessThan(1.1 * 4 * flopsPerSample)
      const nodes = allNodes(decodeModel(bytes).graph?.node ?? [])
      expect(step.operators).toBeLessThanOrEqual(nodes.length + 1)
      for (const kind of WORK_KINDS) expect(step[kind]).toBeGreaterThanOrEqual(0)
    }
  })
})

function allNodes(nodes: readonly NodeProto[]): readonly NodeProto[] {
  return nodes.flatMap(node => [
    node,
    ...node.attribute.flatMap(({ g }) => (g ? allNodes(g.node) : [])),
  ])
}
