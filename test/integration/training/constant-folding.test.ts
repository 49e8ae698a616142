import { expect, test } from 'vitest'
import { foldedOps } from '../../../training/graph/constant-folding.ts'
import { GraphEmitter } from '../../../training/graph/graph-emitter.ts'
import { attr } from '../../../training/onnx/attribute.ts'
import { buildModel, buildNode, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { encodeModel } from '../../../training/onnx/onnx-codec.ts'
import type { AttributeProto } from '../../../training/onnx/onnx-proto.ts'
import { buildTensor } from '../../../training/onnx/tensor.ts'
import { loadOrt, openOrtSession } from '../../../training/trainer/ort-session.ts'
import { run } from './gradient-check.ts'

interface Integers {
  readonly shape: readonly number[]
  readonly values: readonly number[]
  readonly type?: 'int64' | 'bool'
}

interface FoldingCase {
  readonly opType: string
  readonly inputs: readonly Integers[]
  readonly attributes?: readonly AttributeProto[]
}

const row = (...values: readonly number[]): Integers => ({ shape: [values.length], values })
const one = (value: number): Integers => ({ shape: [], values: [value] })
const truths = (...values: readonly number[]): Integers => ({ ...row(...values), type: 'bool' })
const table: Integers = { shape: [2, 3], values: [1, -2, 3, 4, 5, -6] }
const seven = buildTensor({ name: '', type: ELEMENT.int64, shape: [1], values: [7] })

const cases: readonly FoldingCase[] = [
  { opType: 'Add', inputs: [table, row(10, 20, 30)] },
  { opType: 'And', inputs: [truths(1, 0, 1), truths(1, 1, 0)] },
  { opType: 'Cast', inputs: [row(0, 2, -1)], attributes: [attr.int('to', ELEMENT.bool)] },
  { opType: 'Cast', inputs: [row(3)], attributes: [attr.int('to', ELEMENT.int32)] },
  { opType: 'Concat', inputs: [row(1, 2), row(-1)], attributes: [attr.int('axis', 0)] },
  { opType: 'ConstantOfShape', inputs: [row(2, 2)], attributes: [attr.tensor('value', seven)] },
  { opType: 'Div', inputs: [row(7, -7, 6), one(2)] },
  { opType: 'Equal', inputs: [row(1, 2), row(1, 3)] },
  { opType: 'Expand', inputs: [{ shape: [2, 1], values: [4, 5] }, row(3, 2, 2)] },
  { opType: 'Gather', inputs: [row(5, 6, 7), row(-1, 0)] },
  { opType: 'Gather', inputs: [row(5, 6, 7), one(1)] },
  { opType: 'Greater', inputs: [row(1, 3), one(2)] },
  { opType: 'Identity', inputs: [table] },
  { opType: 'Less', inputs: [row(1, 3), one(2)] },
  { opType: 'Max', inputs: [table, one(2)] },
  { opType: 'Min', inputs: [table, one(2)] },
  { opType: 'Mul', inputs: [{ shape: [2, 1], values: [2, 3] }, row(4, 5)] },
  { opType: 'Neg', inputs: [row(1, 0, -2)] },
  { opType: 'Not', inputs: [truths(1, 0)] },
  { opType: 'Or', inputs: [truths(1, 0, 0), truths(1, 1, 0)] },
  { opType: 'Range', inputs: [one(5), one(-2), one(-3)] },
  { opType: 'ReduceProd', inputs: [row(2, 3, 4)], attributes: [attr.int('keepdims', 0)] },
  { opType: 'Reshape', inputs: [table, row(3, -1)] },
  { opType: 'Shape', inputs: [table] },
  { opType: 'Shape', inputs: [table], attributes: [attr.int('start', -1)] },
  { opType: 'Shape', inputs: [table], attributes: [attr.int('end', 1)] },
  { opType: 'Size', inputs: [table] },
  { opType: 'Slice', inputs: [row(1, 2, 3, 4), row(1), row(1000), row(0), row(2)] },
  { opType: 'Slice', inputs: [table, row(-1, 1), row(-4, 3), row(0, 1), row(-1, 1)] },
  { opType: 'Squeeze', inputs: [row(3), row(0)] },
  { opType: 'Sub', inputs: [row(3, 4), row(5)] },
  { opType: 'Transpose', inputs: [table] },
  {
    opType: 'Transpose',
    inputs: [{ shape: [1, 2, 3], values: [1, 2, 3, 4, 5, 6] }],
    attributes: [attr.ints('perm', [1, 2, 0])],
  },
  { opType: 'Unsqueeze', inputs: [one(3), row(0)] },
  { opType: 'Where', inputs: [truths(1, 0), row(8, 9), one(2)] },
]

test.each(cases)('$opType of known integers is known, as ONNX Runtime has it', async given => {
  const { opType, attributes = [] } = given
  const tensors = given.inputs.map(({ shape, values, type = 'int64' }, index) =>
    buildTensor({ name: `x${index}`, type: ELEMENT[type], shape, values }),
  )
  const graph = new GraphEmitter()
  for (const [index, { shape, type = 'int64' }] of given.inputs.entries()) {
    const tensor = tensors[index]
    if (tensor) graph.addConstant(`x${index}`, tensor, { elementType: ELEMENT[type], shape })
  }
  const inputs = tensors.map(({ name = '' }) => name)
  const node = buildNode({ opType, inputs, outputs: ['y'], attributes })
  graph.addNode(node)
  const { node: left } = graph.finish({ name: 'folded', inputs: [], outputs: ['y'] })
  expect(left).toEqual([])
  const whole = {
    node: [node],
    name: 'whole',
    initializer: tensors,
    input: [],
    output: [{ name: 'y' }],
    valueInfo: [],
  }
  const bytes = encodeModel(buildModel({ graph: whole, opset: OPSET_MAX }))
  const ortSession = await openOrtSession(await loadOrt(), bytes)
  const { y } = await run(ortSession, []).finally(() => ortSession.release())
  expect(graph.constantInts('y')).toEqual(y)
})

test('what hangs on an input is left to ONNX Runtime', () => {
  const graph = new GraphEmitter()
  graph.declare('x', { elementType: ELEMENT.int64, shape: [2] })
  expect(graph.constantInts(graph.add('x', graph.ints([1, 2])))).toBeUndefined()
  expect(graph.constantInts(graph.emit('Shape', ['x']))).toEqual([2])
})

test('every operator that is folded has its case', () => {
  expect([...new Set(cases.map(({ opType }) => opType))].toSorted()).toEqual(foldedOps.toSorted())
})
