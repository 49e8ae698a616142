import { expect, test } from 'vitest'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { attr } from '../../../training/onnx/attribute.ts'
import { buildModel, buildNode, buildValueInfo, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { encodeModel } from '../../../training/onnx/onnx-codec.ts'
import type { AttributeProto, GraphProto } from '../../../training/onnx/onnx-proto.ts'
import { upgradedOps, upgradeGraph } from '../../../training/onnx/opset-upgrade.ts'
import { buildTensor, elementCount } from '../../../training/onnx/tensor.ts'
import { loadOrt, openOrtSession } from '../../../training/trainer/ort-session.ts'
import { type Operand, run } from './gradient-check.ts'

const SEED = 20260104

interface OldNode {
  readonly opType: string
  readonly opset: number
  /** Shapes of its float32 inputs. */
  readonly inputs: readonly (readonly number[])[]
  /** Constants behind them. */
  readonly constants?: readonly {
    readonly type: 'float' | 'int64'
    readonly values: readonly number[]
    readonly shape?: readonly number[]
  }[]
  readonly attributes?: readonly AttributeProto[]
  readonly outputCount?: number
}

const { int, ints, float, floats, string } = attr
const image = [1, 4, 2, 2]

function reduction(opType: string, opset = 17): OldNode[] {
  const attributes = [ints('axes', [0, -1]), int('keepdims', 0)]
  return [
    { opType, opset, inputs: [[2, 3, 2]], attributes },
    { opType, opset: 11, inputs: [[2, 3]] },
  ]
}

function softmax(opType: string): OldNode[] {
  return [
    { opType, opset: 7, inputs: [[2, 3, 2]] },
    { opType, opset: 12, inputs: [[2, 3, 2]], attributes: [int('axis', 2)] },
    { opType, opset: 11, inputs: [[2, 3]], attributes: [int('axis', 0)] },
    { opType, opset: 11, inputs: [[2, 3]], attributes: [int('axis', -1)] },
  ]
}

const oldNodes: readonly OldNode[] = [
  {
    opType: 'BatchNormalization',
    opset: 7,
    inputs: [[2, 3, 4], ...Array.from({ length: 4 }, () => [3])],
    attributes: [int('spatial', 1), float('epsilon', 1e-3)],
  },
  { opType: 'Clip', opset: 7, inputs: [[3, 4]], attributes: [float('min', -1), float('max', 1)] },
  { opType: 'Clip', opset: 10, inputs: [[3, 4]], attributes: [float('max', 0)] },
  { opType: 'Clip', opset: 9, inputs: [[3, 4]] },
  { opType: 'Constant', opset: 12, inputs: [], attributes: [float('value_float', 0.5)] },
  {
    opType: 'Constant',
    opset: 13,
    inputs: [],
    attributes: [floats('value_floats', [1, 2.5])],
  },
  { opType: 'Constant', opset: 12, inputs: [], attributes: [int('value_int', 3)] },
  { opType: 'Constant', opset: 12, inputs: [], attributes: [ints('value_ints', [3, 4])] },
  { opType: 'Dropout', opset: 7, inputs: [[2, 3]], attributes: [float('ratio', 0.3)] },
  { opType: 'Dropout', opset: 10, inputs: [[2, 3]] },
  {
    opType: 'GroupNormalization',
    opset: 18,
    inputs: [[2, 4, 3], [2], [2]],
    attributes: [int('num_groups', 2)],
  },
  ...softmax('Hardmax'),
  ...softmax('LogSoftmax'),
  ...softmax('Softmax'),
  {
    opType: 'Pad',
    opset: 7,
    inputs: [[2, 3]],
    attributes: [ints('pads', [0, 1, 2, 1]), float('value', 3)],
  },
  {
    opType: 'Pad',
    opset: 10,
    inputs: [[3, 3]],
    attributes: [ints('pads', [1, 0, 0, 2]), string('mode', 'reflect')],
  },
  ...['L1', 'L2', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'SumSquare'].flatMap(name =>
    reduction(`Reduce${name}`),
  ),
  // Of numbers above zero: ONNX Runtime takes the logarithm of their sum.
  { opType: 'ReduceLogSum', opset: 17, inputs: [[2, 3]], attributes: [ints('axes', [1])] },
  ...reduction('ReduceSum', 12),
  {
    opType: 'Resize',
    opset: 10,
    inputs: [image],
    constants: [{ type: 'float', values: [1, 1, 2, 2] }],
    attributes: [string('mode', 'linear')],
  },
  {
    opType: 'Resize',
    opset: 10,
    inputs: [image],
    constants: [{ type: 'float', values: [1, 1, 1.5, 2] }],
  },
  {
    opType: 'RoiAlign',
    opset: 10,
    inputs: [image, [1, 4]],
    constants: [{ type: 'int64', values: [0] }],
    attributes: [int('output_height', 2), int('output_width', 2)],
  },
  {
    opType: 'Scatter',
    opset: 9,
    inputs: [[2, 3]],
    constants: [
      { type: 'int64', values: [1, 0, 1], shape: [1, 3] },
      { type: 'float', values: [7, 8, 9], shape: [1, 3] },
    ],
  },
  {
    opType: 'Slice',
    opset: 9,
    inputs: [[3, 4]],
    attributes: [ints('starts', [1]), ints('ends', [-1]), ints('axes', [1])],
  },
  {
    opType: 'Slice',
    opset: 7,
    inputs: [[3, 4]],
    attributes: [ints('starts', [1, 0]), ints('ends', [1000, 2])],
  },
  {
    opType: 'Split',
    opset: 7,
    inputs: [[2, 5]],
    attributes: [ints('split', [2, 3]), int('axis', 1)],
    outputCount: 2,
  },
  { opType: 'Split', opset: 11, inputs: [[4, 2]], outputCount: 2 },
  { opType: 'Split', opset: 13, inputs: [[4, 2]], outputCount: 2 },
  { opType: 'Squeeze', opset: 7, inputs: [[1, 3, 1]], attributes: [ints('axes', [0])] },
  { opType: 'Squeeze', opset: 11, inputs: [[1, 3, 1]] },
  { opType: 'TopK', opset: 9, inputs: [[2, 5]], attributes: [int('k', 2)], outputCount: 2 },
  { opType: 'Unsqueeze', opset: 11, inputs: [[2, 3]], attributes: [ints('axes', [0, 3])] },
  {
    opType: 'Upsample',
    opset: 7,
    inputs: [image],
    attributes: [floats('scales', [1, 1, 2, 3]), string('mode', 'nearest')],
  },
  {
    opType: 'Upsample',
    opset: 9,
    inputs: [image],
    constants: [{ type: 'float', values: [1, 1, 2, 2] }],
    attributes: [string('mode', 'linear')],
  },
]

/** One that ONNX Runtime runs: what stands in front is the time. */
const timesInFront: readonly OldNode[] = [
  {
    opType: 'GRU',
    opset: 7,
    inputs: [
      [3, 2, 4],
      [1, 6, 4],
      [1, 6, 2],
    ],
    outputCount: 2,
  },
  {
    opType: 'LSTM',
    opset: 7,
    inputs: [
      [3, 2, 4],
      [1, 8, 4],
      [1, 8, 2],
    ],
    outputCount: 3,
  },
].map(node => ({ ...node, attributes: [int('hidden_size', 2)] }))

test.each([...oldNodes, ...timesInFront])(
  '$opType of operator set $opset gives the same when upgraded',
  async given => {
    const random = seededRandom(SEED)
    const operands = given.inputs.map((shape, index): Operand => {
      const values = Array.from({ length: elementCount(shape) }, () => 0.1 + 2 * random())
      return { name: `x${index}`, type: ELEMENT.float, shape, values }
    })
    const initializer = (given.constants ?? []).map((constant, index) => {
      const { values, shape = [values.length] } = constant
      return buildTensor({ name: `constant${index}`, type: ELEMENT[constant.type], shape, values })
    })
    const outputs = Array.from({ length: given.outputCount ?? 1 }, (_, index) => `y${index}`)
    const inputs = [...operands, ...initializer].map(({ name = '' }) => name)
    const { opType, opset, attributes = [] } = given
    const old: GraphProto = {
      node: [buildNode({ opType, inputs, outputs, attributes })],
      name: 'old',
      initializer,
      input: operands.map(({ name, type, shape }) => buildValueInfo(name, type, shape)),
      // ONNX Runtime finds out their types.
      output: outputs.map(name => ({ name })),
      valueInfo: [],
    }
    const before = await runOnce(old, opset, operands)
    const after = await runOnce(upgradeGraph(old, opset), OPSET_MAX, operands)
    for (const output of outputs) {
      const [expected = [], actual = []] = [before[output], after[output]]
      expect(actual, `seed ${SEED}`).toHaveLength(expected.length)
      for (const [index, value] of actual.entries()) {
        expect(value, `seed ${SEED}`).toBeCloseTo(expected[index] ?? Number.NaN, 5)
      }
    }
  },
)

test.each(timesInFront)('$opType with batches in front gives the same, turned', async given => {
  const { opType, inputs: shapes, attributes = [], outputCount = 0 } = given
  const random = seededRandom(SEED)
  const names = ['x', 'w', 'r']
  const [x, w, r] = shapes.map((shape, index): Operand => {
    const values = Array.from({ length: elementCount(shape) }, () => random() - 0.5)
    return { name: names[index] ?? '', type: ELEMENT.float, shape, values }
  })
  if (!x || !w || !r) throw new RangeError('three inputs')
  const outputs = Array.from({ length: outputCount }, (_, index) => `y${index}`)
  const graphOf = (operands: readonly Operand[], layout: number): GraphProto => ({
    node: [
      buildNode({
        opType,
        inputs: names,
        outputs,
        attributes: [...attributes, int('layout', layout)],
      }),
    ],
    name: 'recurrent',
    initializer: [],
    input: operands.map(({ name, type, shape }) => buildValueInfo(name, type, shape)),
    output: outputs.map(name => ({ name })),
    valueInfo: [],
  })
  const turned = { ...x, shape: [2, 3, 4], values: swapped(x.values, [3, 2, 4]) }
  const expected = await runOnce(graphOf([x, w, r], 0), 14, [x, w, r])
  const upgraded = upgradeGraph(graphOf([turned, w, r], 1), 14)
  const actual = await runOnce(upgraded, OPSET_MAX, [turned, w, r])
  expect(actual.y0).toEqual(swapped(expected.y0 ?? [], [3, 2, 2]))
  // One direction: only its axis stands elsewhere.
  for (const state of outputs.slice(1)) expect(actual[state]).toEqual(expected[state])
})

/** [a, b, c] as [b, a, c] */
function swapped(values: readonly number[], [a = 0, b = 0, c = 0]: readonly number[]): number[] {
  return Array.from({ length: a * b * c }, (_, place) => {
    const [second, first] = [Math.floor(place / (a * c)), Math.floor(place / c) % a]
    return values[(first * b + second) * c + (place % c)] ?? Number.NaN
  })
}

async function runOnce(graph: GraphProto, opset: number, operands: readonly Operand[]) {
  const bytes = encodeModel(buildModel({ graph, opset }))
  const ortSession = await openOrtSession(await loadOrt(), bytes)
  try {
    return await run(ortSession, operands)
  } finally {
    await ortSession.release()
  }
}

test('every operator that is upgraded has its case', () => {
  const checked = [...oldNodes, ...timesInFront].map(({ opType }) => opType)
  expect([...new Set(checked)].toSorted()).toEqual(upgradedOps.toSorted())
})
