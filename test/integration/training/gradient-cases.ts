import { attr } from '../../../training/onnx/attribute.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import type { GradientCase } from './gradient-check.ts'

const positive = { from: 0.5, to: 2 }

/** For two inputs that broadcast; the second may be kept away from zero. */
function pairs(range: { readonly from?: number; readonly to?: number } = {}): GradientCase[] {
  return [
    { name: 'equal shapes', inputs: [{ shape: [2, 3] }, { shape: [2, 3], ...range }] },
    { name: 'a row to all rows', inputs: [{ shape: [2, 3] }, { shape: [3], ...range }] },
    { name: 'both stretched', inputs: [{ shape: [2, 1, 3] }, { shape: [4, 1], ...range }] },
    { name: 'a scalar', inputs: [{ shape: [2, 3] }, { shape: [], ...range }] },
    { name: 'a scalar first', inputs: [{ shape: [] }, { shape: [2, 2], ...range }] },
  ]
}

/** For one input and an output of the same shape. */
function singles(range: { readonly from?: number; readonly to?: number } = {}): GradientCase[] {
  return [
    { name: 'a matrix', inputs: [{ shape: [3, 4], ...range }] },
    { name: 'a vector', inputs: [{ shape: [5], ...range }] },
    { name: 'a scalar', inputs: [{ shape: [], ...range }] },
  ]
}

const axes: GradientCase[] = [
  { name: 'the last axis by default', inputs: [{ shape: [3, 4] }] },
  { name: 'the first axis', inputs: [{ shape: [3, 4] }], attributes: [attr.int('axis', 0)] },
  { name: 'a middle axis', inputs: [{ shape: [2, 3, 2] }], attributes: [attr.int('axis', -2)] },
]

const keepsNot = attr.int('keepdims', 0)

/** Every differentiable operator with the shapes and attributes that its rule tells apart. */
export const gradientCases: Readonly<Record<string, readonly GradientCase[]>> = {
  Add: pairs(),
  Cast: [
    {
      name: 'to the same type',
      inputs: [{ shape: [2, 3] }],
      attributes: [attr.int('to', ELEMENT.double)],
    },
    { name: 'a scalar', inputs: [{ shape: [] }], attributes: [attr.int('to', ELEMENT.double)] },
  ],
  Concat: [
    {
      name: 'three along the first axis',
      inputs: [{ shape: [2, 3] }, { shape: [1, 3] }, { shape: [3, 3] }],
      attributes: [attr.int('axis', 0)],
    },
    {
      name: 'two along the last axis',
      inputs: [{ shape: [2, 1] }, { shape: [2, 3] }],
      attributes: [attr.int('axis', -1)],
    },
  ],
  Div: pairs(positive),
  Exp: singles(),
  Expand: [
    { name: 'a column to a matrix', inputs: [{ shape: [3, 1] }, { constant: [3, 4] }] },
    { name: 'a vector to more axes', inputs: [{ shape: [3] }, { constant: [2, 1, 3] }] },
    { name: 'a scalar', inputs: [{ shape: [] }, { constant: [2, 2] }] },
  ],
  Flatten: [
    { name: 'after the first axis', inputs: [{ shape: [2, 3, 2] }] },
    { name: 'to one row', inputs: [{ shape: [2, 3] }], attributes: [attr.int('axis', 0)] },
    { name: 'a negative axis', inputs: [{ shape: [2, 3, 2] }], attributes: [attr.int('axis', -1)] },
  ],
  Gather: [
    {
      name: 'rows taken twice, as in an embedding',
      inputs: [{ shape: [4, 3] }, { shape: [2, 2], integers: [1, 3, 1, 0], type: 'int32' }],
    },
    {
      name: 'along the middle axis, with a negative index',
      inputs: [{ shape: [2, 3, 2] }, { shape: [2], integers: [-1, 0], type: 'int64' }],
      attributes: [attr.int('axis', 1)],
    },
    {
      name: 'along the last axis by a matrix of indices',
      inputs: [{ shape: [2, 3] }, { shape: [2, 2], integers: [2, 2, 0, 1], type: 'int32' }],
      attributes: [attr.int('axis', -1)],
    },
    {
      name: 'one row by a scalar',
      inputs: [{ shape: [4, 3] }, { shape: [], integers: [2], type: 'int64' }],
    },
  ],
  GatherElements: [
    {
      name: 'along the last axis',
      inputs: [{ shape: [2, 3] }, { shape: [2, 2], integers: [0, 0, 2, 1], type: 'int32' }],
      attributes: [attr.int('axis', 1)],
    },
    {
      name: 'along the first axis',
      inputs: [{ shape: [3, 2] }, { shape: [2, 2], integers: [2, 1, 2, 0], type: 'int64' }],
    },
  ],
  Gemm: [
    { name: 'without a bias', inputs: [{ shape: [2, 3] }, { shape: [3, 4] }] },
    {
      name: 'with a bias for each column',
      inputs: [{ shape: [2, 3] }, { shape: [3, 4] }, { shape: [4] }],
    },
    {
      name: 'with the left one transposed and a scalar bias',
      inputs: [{ shape: [3, 2] }, { shape: [3, 4] }, { shape: [] }],
      attributes: [attr.int('transA', 1)],
    },
    {
      name: 'with the right one transposed, scaled',
      inputs: [{ shape: [2, 3] }, { shape: [4, 3] }, { shape: [2, 4] }],
      attributes: [attr.int('transB', 1), attr.float('alpha', 0.5), attr.float('beta', 1.5)],
    },
    {
      name: 'with both transposed',
      inputs: [{ shape: [3, 2] }, { shape: [4, 3] }, { shape: [2, 1] }],
      attributes: [attr.int('transA', 1), attr.int('transB', 1)],
    },
  ],
  Identity: singles(),
  Log: singles(positive),
  LogSoftmax: axes,
  MatMul: [
    { name: 'two matrices', inputs: [{ shape: [2, 3] }, { shape: [3, 4] }] },
    { name: 'a batch by one matrix', inputs: [{ shape: [2, 2, 3] }, { shape: [3, 4] }] },
    { name: 'two batches that broadcast', inputs: [{ shape: [2, 1, 2, 3] }, { shape: [3, 3, 2] }] },
    { name: 'a vector by a matrix', inputs: [{ shape: [3] }, { shape: [3, 2] }] },
    { name: 'a batch by a vector', inputs: [{ shape: [2, 2, 3] }, { shape: [3] }] },
    { name: 'a vector by a batch', inputs: [{ shape: [3] }, { shape: [2, 3, 2] }] },
    { name: 'two vectors', inputs: [{ shape: [3] }, { shape: [3] }] },
  ],
  Mul: pairs(),
  Neg: singles(),
  Reciprocal: singles(positive),
  ReduceMean: [
    { name: 'one axis', inputs: [{ shape: [2, 3] }, { constant: [1] }] },
    { name: 'all axes, dropped', inputs: [{ shape: [2, 3] }], attributes: [keepsNot] },
    {
      name: 'axes as an attribute, as before operator set 18',
      inputs: [{ shape: [2, 3, 2] }],
      attributes: [attr.ints('axes', [0, 2]), keepsNot],
      opset: 17,
    },
  ],
  ReduceSum: [
    { name: 'one axis', inputs: [{ shape: [2, 3] }, { constant: [0] }] },
    {
      name: 'a negative axis, dropped',
      inputs: [{ shape: [2, 3, 2] }, { constant: [-2] }],
      attributes: [keepsNot],
    },
    { name: 'all axes', inputs: [{ shape: [2, 3] }] },
  ],
  // The ranges keep away from the kink, where a difference says nothing.
  Relu: [...singles(positive), ...singles({ from: -2, to: -0.5 })],
  Reshape: [
    { name: 'an open size', inputs: [{ shape: [2, 3, 2] }, { constant: [3, -1] }] },
    { name: 'a kept size', inputs: [{ shape: [2, 3, 2] }, { constant: [0, 6] }] },
    { name: 'to a scalar', inputs: [{ shape: [1, 1] }, { constant: [] }] },
  ],
  Sigmoid: singles(),
  Softmax: axes,
  Sqrt: singles(positive),
  Squeeze: [
    { name: 'one axis', inputs: [{ shape: [2, 1, 3, 1] }, { constant: [1] }] },
    { name: 'every axis of size one', inputs: [{ shape: [1, 3, 1] }] },
  ],
  Sub: pairs(),
  Tanh: singles(),
  Transpose: [
    { name: 'reversed by default', inputs: [{ shape: [2, 3, 4] }] },
    {
      name: 'a rotation of the axes',
      inputs: [{ shape: [2, 3, 4] }],
      attributes: [attr.ints('perm', [1, 2, 0])],
    },
  ],
  Unsqueeze: [
    { name: 'two axes, one from the back', inputs: [{ shape: [2, 3] }, { constant: [0, -1] }] },
    { name: 'a scalar', inputs: [{ shape: [] }, { constant: [0] }] },
  ],
}
