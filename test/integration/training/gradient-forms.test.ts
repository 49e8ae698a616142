import { describe, expect, test } from 'vitest'
import { hasCode } from '../../../runtime/errors.ts'
import { attr } from '../../../training/onnx/attribute.ts'
import { type ReferenceCase, runGradients } from './reference-check.ts'

const SEED = 7

describe('of equal maxima the first in a window takes the gradient, as PyTorch has it', () => {
  const inputs = [{ shape: [1, 1, 2, 4], values: [1, 1, 0, 2, 1, 1, 2, 2] }]

  test('where windows lie side by side', async () => {
    const attributes = [attr.ints('kernel_shape', [2, 2]), attr.ints('strides', [2, 2])]
    const testCase = { name: 'ties', inputs, attributes }
    const { cotangents, gradients } = await runGradients('MaxPool', testCase, SEED)
    const [a = 0, b = 0] = cotangents.get('y')?.values ?? []
    expect([...(gradients[0] ?? [])]).toEqual([a, 0, 0, b, 0, 0, 0, 0])
  })

  test('where windows overlap', async () => {
    const testCase = { name: 'ties', inputs, attributes: [attr.ints('kernel_shape', [2, 2])] }
    const { cotangents, gradients } = await runGradients('MaxPool', testCase, SEED)
    const [a = 0, b = 0, c = 0] = cotangents.get('y')?.values ?? []
    expect([...(gradients[0] ?? [])]).toEqual([a, 0, 0, c, 0, 0, b, 0])
  })

  test('where the window is the whole image', async () => {
    const { cotangents, gradients } = await runGradients(
      'GlobalMaxPool',
      { name: 'ties', inputs },
      7,
    )
    const [a = 0] = cotangents.get('y')?.values ?? []
    expect([...(gradients[0] ?? [])]).toEqual([0, 0, 0, a, 0, 0, 0, 0])
  })
})

test('a vector of zeros has no direction and takes no gradient', async () => {
  for (const p of [1, 2]) {
    const testCase = {
      name: 'zeros',
      inputs: [{ shape: [1, 3], values: [0, 0, 0] }],
      attributes: [attr.int('p', p)],
    }
    const { gradients } = await runGradients('LpNormalization', testCase, SEED)
    expect([...(gradients[0] ?? [])].map(Math.abs)).toEqual([0, 0, 0])
  }
})

const layer = [{ shape: [3, 2, 2] }, { shape: [1, 8, 2] }, { shape: [1, 8, 2] }]
const pooled = attr.ints('kernel_shape', [2, 2])

const activations = {
  ...attr.ints('activations', []),
  // AttributeProto.AttributeType STRINGS of onnx.proto.
  type: 8,
  strings: [new TextEncoder().encode('Relu')],
}

const refusals: readonly (readonly [string, Omit<ReferenceCase, 'name'>, string])[] = [
  [
    'AveragePool',
    {
      inputs: [{ shape: [1, 1, 3, 3] }],
      attributes: [pooled, attr.ints('strides', [2, 2]), attr.int('ceil_mode', 1)],
    },
    'means of windows that hang over the end (ceil_mode)',
  ],
  [
    'MaxPool',
    { inputs: [{ shape: [1, 1, 4, 4] }], attributes: [pooled, attr.int('storage_order', 1)] },
    'indices that count columns first (storage_order)',
  ],
  [
    'BatchNormalization',
    {
      inputs: [{ shape: [2, 3] }, ...Array.from({ length: 4 }, () => ({ shape: [3] }))],
      attributes: [attr.int('training_mode', 1)],
      outputs: ['y', 'mean', 'variance'],
    },
    'a loss that depends on the statistics',
  ],
  ['LSTM', { inputs: layer, attributes: [attr.float('clip', 1)] }, 'a clip'],
  ['LSTM', { inputs: layer, attributes: [attr.int('input_forget', 1)] }, 'input_forget'],
  ['LSTM', { inputs: layer, attributes: [activations] }, 'activations [relu]'],
  [
    'LSTM',
    { inputs: [...layer, 'absent', { shape: [2] }] },
    'sequences of different lengths (sequence_lens)',
  ],
]

test.each(refusals)('%s is refused by node where a form is not known', async (op, form, words) => {
  const refused = runGradients(op, { name: words, ...form }, SEED)
  await expect(refused).rejects.toThrow(`node y (${op}): `)
  await expect(refused).rejects.toThrow(words)
  await expect(refused).rejects.toSatisfy(error => hasCode(error, 'GRADIENT_UNSUPPORTED_OP'))
})

test.each<readonly [string, Omit<ReferenceCase, 'name'>, string]>([
  [
    'ConvTranspose',
    {
      inputs: [{ shape: [1, 1, 3, 3] }, { shape: [1, 1, 2, 2] }],
      attributes: [attr.ints('output_shape', [5, 5])],
    },
    'output_shape and auto_pad SAME are not known here',
  ],
  [
    'ConvTranspose',
    {
      inputs: [{ shape: [1, 1, 3, 3] }, { shape: [1, 1, 2, 2] }],
      attributes: [attr.ints('dilations', [2, 2]), attr.ints('output_padding', [1, 0])],
    },
    'output_padding [1,0] is not below strides [1,1]',
  ],
  ['GRU', { inputs: layer, attributes: [attr.int('layout', 1)] }, 'batches in front (layout)'],
  ['Conv', { inputs: [{ shape: [1, 2, 3, 3] }, { shape: [1, 3, 2, 2] }] }, 'do not fit'],
  ['Conv', { inputs: [{ shape: [1, 1, 3, 3] }, { shape: [1, 1, 4, 4] }] }, 'does not fit into 3'],
])('%s is refused by node where a shape cannot be told', async (op, form, words) => {
  const refused = runGradients(op, { name: words, ...form }, SEED)
  await expect(refused).rejects.toThrow(`node y (${op}): `)
  await expect(refused).rejects.toThrow(words)
  await expect(refused).rejects.toSatisfy(error => hasCode(error, 'MODEL_INVALID'))
})
