import { attr } from '../../../../training/onnx/attribute.ts'
import type { GradientCase } from '../gradient-check.ts'
import { negative, positive, type Range } from './operands.ts'

const keepsNot = attr.int('keepdims', 0)
const noop = attr.int('noop_with_empty_axes', 1)

function reductions(range: Range = {}): GradientCase[] {
  return [
    { name: 'one axis', inputs: [{ shape: [2, 3], ...range }, { constant: [1] }] },
    {
      name: 'a negative axis, dropped',
      inputs: [{ shape: [2, 3, 2], ...range }, { constant: [-2] }],
      attributes: [keepsNot],
    },
    {
      name: 'two axes, dropped',
      inputs: [{ shape: [2, 3, 2], ...range }, { constant: [2, 0] }],
      attributes: [keepsNot],
    },
    { name: 'all axes', inputs: [{ shape: [2, 3], ...range }] },
    {
      name: 'all axes, dropped',
      inputs: [{ shape: [2, 3], ...range }],
      attributes: [keepsNot],
    },
  ]
}

/** Before operator set 18 for all but the sum. */
const asAttribute: GradientCase = {
  name: 'axes as an attribute',
  inputs: [{ shape: [2, 3, 2] }],
  attributes: [attr.ints('axes', [0, 2]), keepsNot],
  opset: 17,
}

const noAxes: GradientCase = {
  name: 'no axes, which leaves all as it is',
  inputs: [{ shape: [2, 3] }],
  attributes: [noop],
}

export const reductionCases: Readonly<Record<string, readonly GradientCase[]>> = {
  ReduceL1: [...reductions(positive), ...reductions(negative)],
  ReduceL2: [...reductions(), asAttribute],
  ReduceLogSum: reductions(positive),
  ReduceLogSumExp: [...reductions(), asAttribute],
  ReduceMax: [...reductions(), asAttribute, noAxes],
  ReduceMean: [...reductions(), asAttribute, noAxes],
  ReduceMin: [...reductions(), asAttribute, noAxes],
  ReduceProd: [
    ...reductions(),
    asAttribute,
    { name: 'one zero', inputs: [{ shape: [4], values: [2, 0, -1, 0.5] }] },
    { name: 'two zeros', inputs: [{ shape: [4], values: [2, 0, 0, 0.5] }] },
  ],
  ReduceSum: [...reductions(), noAxes],
  ReduceSumSquare: [...reductions(), asAttribute],
}
