import { attr } from '../../../../training/onnx/attribute.ts'
import type { GradientCase } from '../gradient-check.ts'

function einsum(equation: string, ...shapes: readonly (readonly number[])[]): GradientCase {
  return {
    name: equation,
    inputs: shapes.map(shape => ({ shape })),
    attributes: [attr.string('equation', equation)],
  }
}

export const linearCases: Readonly<Record<string, readonly GradientCase[]>> = {
  Einsum: [
    einsum('ij,jk->ik', [2, 3], [3, 4]),
    einsum('bhqd,bhkd->bhqk', [2, 2, 3, 2], [2, 2, 4, 2]),
    einsum('bhqk,bhkd->bqhd', [2, 2, 3, 4], [2, 2, 4, 2]),
    einsum('ij,jk', [2, 3], [3, 2]),
    einsum('i,j->ij', [2], [3]),
    einsum('ij,ik->k', [2, 3], [2, 4]),
    einsum('ij,j->', [2, 3], [3]),
    einsum('ij->ji', [2, 3]),
    einsum('ijk->j', [2, 3, 2]),
    einsum('bi,ij,bj->b', [2, 3], [3, 2], [2, 2]),
    einsum('...qd,...kd->...qk', [2, 2, 3, 2], [2, 2, 4, 2]),
    einsum('...ij,jk', [2, 2, 3], [3, 2]),
    einsum('b...d,d->b...', [2, 3, 2], [2]),
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
}
