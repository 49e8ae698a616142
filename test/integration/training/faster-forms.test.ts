import { describe, expect, test } from 'vitest'
import { seededRandom, standardNormal } from '../../../runtime/seeded-random.ts'
import { keysAsRows } from '../../../training/forward/keys-as-rows.ts'
import { emitTrainingForm, reluBehindMaxPool } from '../../../training/forward/operator-forms.ts'
import {
  maxPoolByPhase,
  maxPoolGradientByPhase,
} from '../../../training/gradient/max-pool-phases.ts'
import { buildBackwardGraph } from '../../../training/graph/backward-graph.ts'
import { GraphEmitter, type ValueName } from '../../../training/graph/graph-emitter.ts'
import { attr } from '../../../training/onnx/attribute.ts'
import { buildModel, buildNode, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { encodeModel } from '../../../training/onnx/onnx-codec.ts'
import type { NodeProto } from '../../../training/onnx/onnx-proto.ts'
import { elementCount } from '../../../training/onnx/tensor.ts'
import { emitMoves } from '../../../training/optimizer/joint-moves.ts'
import type { Optimizer } from '../../../training/optimizer/optimizer.ts'
import {
  createOptimizer,
  optimizerKinds,
  optimizerSchema,
} from '../../../training/optimizer/registry.ts'
import { loadOrt, openOrtSession } from '../../../training/trainer/ort-session.ts'
import { poolWindow } from '../../../training/types/pooling.ts'

// What is emitted because it is faster gives what the plain form gives.

const ort = await loadOrt()

interface Input {
  readonly shape: readonly number[]
  readonly values: Float32Array
}

/** Values of the outputs of a graph. */
async function compute(
  inputs: Readonly<Record<string, Input>>,
  build: (graph: GraphEmitter) => readonly ValueName[],
): Promise<readonly ArrayLike<number | bigint>[]> {
  const graph = new GraphEmitter()
  for (const [name, { shape }] of Object.entries(inputs)) {
    graph.declare(name, { elementType: ELEMENT.float, shape })
  }
  const outputs = build(graph)
  const proto = graph.finish({ name: 'compared', inputs: Object.keys(inputs), outputs })
  const session = await openOrtSession(
    ort,
    encodeModel(buildModel({ graph: proto, opset: OPSET_MAX })),
  )
  const feeds = Object.entries(inputs).map(([name, { shape, values }]) => {
    return [name, new ort.Tensor('float32', values, shape)] as const
  })
  const ran = await session.run(Object.fromEntries(feeds))
  await session.release()
  return outputs.map(name => ran[name]?.data as ArrayLike<number>)
}

function draw(shape: readonly number[], seed: number, next = standardNormal): Input {
  const random = seededRandom(seed)
  return { shape, values: Float32Array.from({ length: elementCount(shape) }, () => next(random)) }
}

describe('the gradient of MaxPool by phase', () => {
  test.each([
    { shape: [2, 3, 4, 6], kernel: [2, 2] },
    { shape: [2, 2, 6, 4], kernel: [3, 2] },
    { shape: [1, 2, 3, 8], kernel: [1, 4] },
    { shape: [2, 3, 12], kernel: [3] },
  ])('has the numbers of that by indices, ties too: $shape, $kernel', async ({ shape, kernel }) => {
    // Few different numbers, so that most windows have several maxima.
    const x = draw(shape, 1, random => Math.floor(random() * 3) - 1)
    const pooled = shape.map((size, axis) => size / (kernel[axis - 2] ?? 1))
    const dy = draw(pooled, 2)
    const node = buildNode({
      opType: 'MaxPool',
      inputs: ['x'],
      outputs: ['y', 'indices'],
      attributes: [attr.ints('kernel_shape', kernel), attr.ints('strides', kernel)],
    })
    const [byIndices, byPhase, y, yByPhase] = await compute({ x, dy }, graph => {
      graph.addNode(node)
      const ones = kernel.map(() => 1)
      const whole = [attr.ints('kernel_shape', ones), attr.ints('strides', ones)]
      const window = poolWindow(node, shape)
      return [
        graph.emit('MaxUnpool', ['dy', 'indices', graph.ints(shape)], whole),
        maxPoolGradientByPhase(graph, { x: 'x', dy: 'dy', window }) ?? '',
        'y',
        maxPoolByPhase(graph, { x: 'x', window }) ?? '',
      ]
    })
    expect(yByPhase).toEqual(y)
    // Where nothing flows, a product with 0 leaves the sign of dy.
    const unsigned = Array.from(byPhase ?? [], value => Number(value) + 0)
    expect(unsigned).toEqual(Array.from(byIndices ?? []))
  })

  test('is left to the indices where windows overlap', () => {
    const graph = new GraphEmitter()
    const shape = [1, 1, 7, 7]
    for (const name of ['x', 'dy']) graph.declare(name, { elementType: ELEMENT.float, shape })
    const attributes = [attr.ints('kernel_shape', [3, 3]), attr.ints('strides', [2, 2])]
    const node = buildNode({ opType: 'MaxPool', inputs: ['x'], outputs: ['y'], attributes })
    const window = poolWindow(node, shape)
    expect(maxPoolByPhase(graph, { x: 'x', window })).toBeUndefined()
    expect(maxPoolGradientByPhase(graph, { x: 'x', dy: 'dy', window })).toBeUndefined()
  })
})

describe('ReLU in front of MaxPool', () => {
  const relu = buildNode({ opType: 'Relu', inputs: ['x'], outputs: ['active'] })
  const pool = buildNode({
    opType: 'MaxPool',
    inputs: ['active'],
    outputs: ['pooled'],
    attributes: [attr.ints('kernel_shape', [2, 2]), attr.ints('strides', [2, 2])],
  })
  const swap = (node: readonly NodeProto[], output = 'pooled') =>
    reluBehindMaxPool({
      ...{ node, name: '', initializer: [], input: [], valueInfo: [] },
      output: [{ name: output }],
    })

  test('comes behind it, and the values are the same bits', async () => {
    const swapped = swap([relu, pool])
    expect(swapped.map(({ opType }) => opType)).toEqual(['MaxPool', 'Relu'])
    const x = draw([2, 3, 6, 8], 1)
    const run = (nodes: readonly NodeProto[]) =>
      compute({ x }, graph => {
        for (const node of nodes) graph.addNode(node)
        return ['pooled']
      })
    expect(await run(swapped)).toEqual(await run([relu, pool]))
  })

  test('stays where its output has another use', () => {
    const other = buildNode({ opType: 'Neg', inputs: ['active'], outputs: ['other'] })
    expect(swap([relu, pool, other])).toEqual([relu, pool, other])
    expect(swap([relu, pool], 'active')).toEqual([relu, pool])
  })
})

describe('keys that a Transpose makes columns', () => {
  const turn = buildNode({
    opType: 'Transpose',
    inputs: ['keys'],
    outputs: ['columns'],
    attributes: [attr.ints('perm', [0, 2, 3, 1])],
  })
  const product = buildNode({
    opType: 'MatMul',
    inputs: ['queries', 'columns'],
    outputs: ['scores'],
  })

  test('come as rows first, and values and gradients are the same', async () => {
    const nodes = keysAsRows([turn, product], { output: [{ name: 'scores' }] })
    expect(nodes.map(({ opType }) => opType)).toEqual(['Transpose', 'Transpose', 'MatMul'])
    const inputs = {
      keys: draw([2, 5, 3, 4], 1),
      queries: draw([2, 3, 6, 4], 2),
      dy: draw([2, 3, 6, 5], 3),
    }
    const run = (given: readonly NodeProto[]) =>
      compute(inputs, graph => {
        for (const node of given) graph.addNode(node)
        const wanted = ['keys', 'queries']
        const seeds = new Map([['scores', 'dy']])
        const gradients = buildBackwardGraph({ graph, nodes: given, seeds, wanted })
        return ['scores', ...wanted.map(name => gradients.get(name) ?? '')]
      })
    const [plain, ours] = [await run([turn, product]), await run(nodes)]
    for (const [index, values] of plain.entries()) {
      for (const [place, value] of Array.from(values).entries()) {
        expect(Number(ours[index]?.[place])).toBeCloseTo(Number(value), 5)
      }
    }
  })

  test('stay columns where anything else takes them', () => {
    const other = buildNode({ opType: 'Neg', inputs: ['columns'], outputs: ['other'] })
    const output = [{ name: 'scores' }]
    expect(keysAsRows([turn, product, other], { output })).toEqual([turn, product, other])
    expect(keysAsRows([turn, product], { output: [{ name: 'columns' }] })).toEqual([turn, product])
  })
})

describe.each([
  { opType: 'LayerNormalization', inputs: ['x', 'scale', 'bias'], attributes: [] },
  { opType: 'LayerNormalization', inputs: ['x', 'wide'], attributes: [attr.int('axis', 1)] },
  { opType: 'Gelu', inputs: ['x'], attributes: [] },
  { opType: 'Gelu', inputs: ['x'], attributes: [attr.string('approximate', 'tanh')] },
])('$opType of $inputs by parts', ({ opType, inputs, attributes }) => {
  test('has the values of the operator', async () => {
    const given = {
      x: draw([3, 5, 8], 1),
      scale: draw([8], 2),
      bias: draw([8], 3),
      wide: draw([5, 8], 4),
    }
    const [whole, parts] = await compute(given, graph => {
      const node = buildNode({ opType, inputs, outputs: ['whole'], attributes })
      graph.addNode(node)
      return ['whole', emitTrainingForm(graph, node) ?? '']
    })
    expect(parts?.length).toBe(whole?.length)
    for (const [place, value] of Array.from(whole ?? []).entries()) {
      expect(Number(parts?.[place])).toBeCloseTo(Number(value), 5)
    }
  })
})

describe('small parameters', () => {
  test.each(optimizerKinds)('moved as one by %s end as the same bits', async kind => {
    const optimizer = createOptimizer(optimizerSchema.parse({ kind }))
    const shapes = [[4], [3, 2], [70, 70], [5]]
    const roles = ['parameter', 'gradient', ...optimizer.slots]
    const inputs = Object.fromEntries(
      shapes.flatMap((shape, index) =>
        roles.map((role, place) => [
          `${role}.${index}`,
          draw(shape, 10 * index + place, random => random() + 0.1),
        ]),
      ),
    )
    const scalars = optimizer.scalars.map((name, index) => {
      return [name, { shape: [], values: Float32Array.of(0.01 / (index + 1)) }] as const
    })
    const move = (moved: Optimizer) =>
      compute({ ...inputs, ...Object.fromEntries(scalars) }, graph =>
        emitMoves(graph, moved, {
          moves: shapes.map((_, index) => ({
            parameter: `parameter.${index}`,
            gradient: `gradient.${index}`,
            slots: optimizer.slots.map(slot => `${slot}.${index}`),
          })),
          scalars: optimizer.scalars,
        }).flatMap(({ parameter, slots }) => [parameter, ...slots]),
      )
    expect(await move(optimizer)).toEqual(await move({ ...optimizer, seesWhole: true }))
  })
})

describe('a parameter that is held as a row', () => {
  test.each(optimizerKinds)('is moved by %s as a matrix is', async kind => {
    const optimizer = createOptimizer(optimizerSchema.parse({ kind }))
    const roles = ['parameter', 'gradient', ...optimizer.slots]
    const scalars = optimizer.scalars.map((name, index) => {
      return [name, { shape: [], values: Float32Array.of(0.01 / (index + 1)) }] as const
    })
    const move = (shape: readonly number[]) => {
      const drawn = roles.map((role, place) => {
        return [role, draw(shape, place, random => random() + 0.1)] as const
      })
      return compute(Object.fromEntries([...drawn, ...scalars]), graph => {
        const inputs = { parameter: 'parameter', gradient: 'gradient', slots: optimizer.slots }
        const moved = optimizer.emit(graph, { ...inputs, scalars: optimizer.scalars })
        return [moved.parameter, ...moved.slots]
      })
    }
    const [matrix, row] = [await move([30, 40]), await move([1, 1200])]
    for (const [index, values] of matrix.entries()) {
      for (const [place, value] of Array.from(values).entries()) {
        expect(Number(row[index]?.[place])).toBeCloseTo(Number(value), 5)
      }
    }
  })
})

describe('a sum over the axes in front', () => {
  test.each([
    { shape: [7, 5], axes: [0] },
    { shape: [3, 4, 5], axes: [0, 1] },
    { shape: [3, 4, 5], axes: [0] },
    { shape: [300, 3], axes: [0] },
  ])('of $shape over $axes is what ReduceSum gives', async ({ shape, axes }) => {
    const x = draw(shape, 1, random => Math.floor(random() * 100))
    const [ours, plain] = await compute({ x }, graph => [
      graph.sumAway('x', axes),
      graph.emit('ReduceSum', ['x', graph.ints(axes)], [attr.int('keepdims', 0)]),
    ])
    expect(ours).toEqual(plain)
  })
})
