import { attr } from '../../../../training/onnx/attribute.ts'
import type { GradientCase } from '../gradient-check.ts'

const add = attr.string('reduction', 'add')

export const indexingCases: Readonly<Record<string, readonly GradientCase[]>> = {
  CumSum: [
    { name: 'forwards', inputs: [{ shape: [2, 4] }, { constant: [1], shape: [] }] },
    {
      name: 'without itself',
      inputs: [{ shape: [4, 2] }, { constant: [0], shape: [] }],
      attributes: [attr.int('exclusive', 1)],
    },
    {
      name: 'backwards, from a negative axis',
      inputs: [{ shape: [2, 3] }, { constant: [-1], shape: [] }],
      attributes: [attr.int('reverse', 1)],
    },
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
  GatherND: [
    {
      name: 'elements',
      inputs: [{ shape: [2, 3] }, { shape: [3, 2], integers: [0, 1, 1, 2, 0, 1], type: 'int64' }],
    },
    {
      name: 'rows, by a negative index',
      inputs: [{ shape: [3, 2] }, { shape: [2, 1], integers: [-1, 0], type: 'int64' }],
    },
    {
      name: 'with a batch axis',
      inputs: [{ shape: [2, 3, 2] }, { shape: [2, 2, 1], integers: [1, 0, 2, 2], type: 'int64' }],
      attributes: [attr.int('batch_dims', 1)],
    },
    {
      name: 'with two batch axes',
      inputs: [{ shape: [2, 2, 3] }, { shape: [2, 2, 1], integers: [1, 0, 2, 2], type: 'int64' }],
      attributes: [attr.int('batch_dims', 2)],
    },
  ],
  ScatterElements: [
    {
      name: 'replacing along the last axis',
      inputs: [
        { shape: [2, 4] },
        { shape: [2, 2], integers: [0, 3, 2, 1], type: 'int64' },
        { shape: [2, 2] },
      ],
      attributes: [attr.int('axis', -1)],
    },
    {
      name: 'adding along the first axis, one index twice',
      inputs: [
        { shape: [3, 2] },
        { shape: [2, 2], integers: [2, 1, 2, -1], type: 'int32' },
        { shape: [2, 2] },
      ],
      attributes: [add],
    },
    ...['max', 'min'].map(reduction => ({
      name: `the ${reduction} along the last axis, one index twice`,
      inputs: [
        { shape: [2, 3] },
        { shape: [2, 3], integers: [2, 1, 2, 0, 0, 1], type: 'int64' },
        { shape: [2, 3] },
      ] as const,
      attributes: [attr.string('reduction', reduction), attr.int('axis', 1)],
    })),
  ],
  ScatterND: [
    {
      name: 'replacing rows',
      inputs: [
        { shape: [4, 2] },
        { shape: [2, 1], integers: [3, 0], type: 'int64' },
        { shape: [2, 2] },
      ],
    },
    {
      name: 'adding elements, one index twice',
      inputs: [
        { shape: [2, 3] },
        { shape: [3, 2], integers: [0, 1, 1, 2, 0, 1], type: 'int64' },
        { shape: [3] },
      ],
      attributes: [add],
    },
    {
      name: 'the max of rows, one twice',
      inputs: [
        { shape: [3, 2] },
        { shape: [3, 1], integers: [2, 0, 2], type: 'int64' },
        { shape: [3, 2] },
      ],
      attributes: [attr.string('reduction', 'max')],
    },
  ],
  TopK: [
    {
      name: 'the largest two of each row',
      inputs: [{ shape: [3, 5] }, { constant: [2] }],
      outputCount: 2,
    },
    {
      name: 'the smallest of each column, in any order',
      inputs: [{ shape: [4, 2] }, { constant: [2] }],
      attributes: [attr.int('axis', 0), attr.int('largest', 0), attr.int('sorted', 0)],
      outputCount: 2,
    },
  ],
  Trilu: [
    { name: 'the upper triangle', inputs: [{ shape: [3, 4] }] },
    {
      name: 'the lower one of a batch, from another diagonal',
      inputs: [{ shape: [2, 3, 3] }, { constant: [-1], shape: [] }],
      attributes: [attr.int('upper', 0)],
    },
  ],
}
