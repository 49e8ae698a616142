import { attr } from '../../../../training/onnx/attribute.ts'
import type { GradientCase, OperandCase } from '../gradient-check.ts'

function resize(
  mode: string,
  inputs: readonly OperandCase[],
  attributes: Readonly<Record<string, string>> = {},
): GradientCase {
  const words = Object.values(attributes)
  return {
    name: [mode, JSON.stringify(inputs.slice(1).at(-1)), ...words].join(', '),
    inputs,
    attributes: [
      attr.string('mode', mode),
      ...Object.entries(attributes).map(([name, value]) => attr.string(name, value)),
    ],
    float32: 'linear',
  }
}

const image: OperandCase = { shape: [1, 2, 3, 4] }
const by = (...scales: readonly number[]): OperandCase[] => [image, 'absent', { floats: scales }]
const to = (...sizes: readonly number[]): OperandCase[] => [
  image,
  'absent',
  'absent',
  { constant: sizes },
]
const coordinates = (mode: string) => ({ coordinate_transformation_mode: mode })

export const resizeCases: Readonly<Record<string, readonly GradientCase[]>> = {
  Resize: [
    resize('nearest', by(1, 1, 2, 2)),
    resize('nearest', by(1, 1, 2, 3), { ...coordinates('asymmetric'), nearest_mode: 'floor' }),
    resize('nearest', by(1, 1, 3, 2), { nearest_mode: 'ceil' }),
    resize('nearest', by(1, 1, 2, 2), { nearest_mode: 'round_prefer_ceil' }),
    resize('nearest', to(1, 2, 1, 2)),
    resize('nearest', to(1, 2, 6, 4), coordinates('align_corners')),
    resize('nearest', by(1, 1, 1.5, 2.6)),
    resize('nearest', by(1, 1, 0.7, 1.4), { ...coordinates('asymmetric'), nearest_mode: 'floor' }),
    resize('nearest', to(1, 3, 5, 3), { ...coordinates('align_corners'), nearest_mode: 'ceil' }),
    resize('linear', by(1, 1, 2, 2)),
    resize('linear', by(1, 1, 1.5, 2.5), coordinates('asymmetric')),
    resize('linear', to(1, 2, 5, 7), coordinates('align_corners')),
    resize('linear', to(1, 2, 2, 3), coordinates('pytorch_half_pixel')),
    resize('linear', to(1, 2, 1, 8), coordinates('pytorch_half_pixel')),
    resize('linear', by(1, 1, 1.4, 2.6), coordinates('half_pixel_symmetric')),
    {
      name: 'linear along two axes named',
      inputs: [{ shape: [2, 1, 2, 3] }, 'absent', { floats: [2, 3] }],
      attributes: [attr.string('mode', 'linear'), attr.ints('axes', [2, 3])],
      float32: 'linear',
    },
    {
      name: 'Upsample of operator set 9 to the nearest',
      opset: 9,
      opType: 'Upsample',
      inputs: [image, { floats: [1, 1, 2, 2] }],
      attributes: [attr.string('mode', 'nearest')],
      float32: 'linear',
    },
    {
      name: 'Resize of operator set 10, linear',
      opset: 10,
      inputs: [image, { floats: [1, 1, 2, 2] }],
      attributes: [attr.string('mode', 'linear')],
      float32: 'linear',
    },
  ],
}
