import { attr } from '../../../training/onnx/attribute.ts'
import { activationCases } from './cases/activation-cases.ts'
import { elementwiseCases, selectionCases, trigonometryCases } from './cases/elementwise-cases.ts'
import { reductionCases } from './cases/reduction-cases.ts'
import type { GradientCase } from './gradient-check.ts'

/** Every differentiable operator with the shapes and attributes that its rule tells apart. */
export const gradientCases: Readonly<Record<string, readonly GradientCase[]>> = {
  ...activationCases,
  ...elementwiseCases,
  ...reductionCases,
  ...selectionCases,
  ...trigonometryCases,
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
  MatMul: [
    { name: 'two matrices', inputs: [{ shape: [2, 3] }, { shape: [3, 4] }] },
    { name: 'a batch by one matrix', inputs: [{ shape: [2, 2, 3] }, { shape: [3, 4] }] },
    { name: 'two batches that broadcast', inputs: [{ shape: [2, 1, 2, 3] }, { shape: [3, 3, 2] }] },
    { name: 'a vector by a matrix', inputs: [{ shape: [3] }, { shape: [3, 2] }] },
    { name: 'a batch by a vector', inputs: [{ shape: [2, 2, 3] }, { shape: [3] }] },
    { name: 'a vector by a batch', inputs: [{ shape: [3] }, { shape: [2, 3, 2] }] },
    { name: 'two vectors', inputs: [{ shape: [3] }, { shape: [3] }] },
  ],
  Reshape: [
    { name: 'an open size', inputs: [{ shape: [2, 3, 2] }, { constant: [3, -1] }] },
    { name: 'a kept size', inputs: [{ shape: [2, 3, 2] }, { constant: [0, 6] }] },
    { name: 'to a scalar', inputs: [{ shape: [1, 1] }, { constant: [] }] },
  ],
  Squeeze: [
    { name: 'one axis', inputs: [{ shape: [2, 1, 3, 1] }, { constant: [1] }] },
    { name: 'every axis of size one', inputs: [{ shape: [1, 3, 1] }] },
  ],
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
