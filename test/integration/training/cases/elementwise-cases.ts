import { attr } from '../../../../training/onnx/attribute.ts'
import { ELEMENT } from '../../../../training/onnx/element-type.ts'
import type { GradientCase } from '../gradient-check.ts'
import { float32Singles, negative, pairs, positive, singles } from './operands.ts'

/** erf by its series (Abramowitz and Stegun 7.1.6), exact to float64 for |x| ≤ 2. */
export function erf(x: number): number {
  let term = x
  let sum = x
  for (let n = 1; n < 60; n += 1) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}

const three = [{ shape: [2, 3] }, { shape: [3] }, { shape: [2, 1] }]

export const elementwiseCases: Readonly<Record<string, readonly GradientCase[]>> = {
  // The ranges keep away from kinks, where a difference says nothing.
  Abs: [...singles(positive), ...singles(negative)],
  Add: pairs(),
  Cast: [
    {
      name: 'to the same type',
      inputs: [{ shape: [2, 3] }],
      attributes: [attr.int('to', ELEMENT.double)],
    },
    { name: 'a scalar', inputs: [{ shape: [] }], attributes: [attr.int('to', ELEMENT.double)] },
  ],
  CastLike: [
    { name: 'like another constant', inputs: [{ shape: [2, 3] }, { number: 0 }] },
    { name: 'like a constant', inputs: [{ shape: [2] }, { number: 1 }] },
  ],
  Div: pairs(positive),
  Dropout: [
    { name: 'outside of training', inputs: [{ shape: [2, 3] }] },
    {
      name: 'told not to train',
      inputs: [{ shape: [2, 3] }, { number: 0.5 }, { flag: false }],
      outputCount: 2,
    },
    { name: 'nothing dropped', inputs: [{ shape: [4] }, { number: 0 }, { flag: true }] },
  ],
  Erf: float32Singles(erf),
  Exp: singles(),
  Identity: singles(),
  Log: singles(positive),
  Mean: [
    { name: 'one', inputs: [{ shape: [2, 3] }], float32: 'linear' },
    { name: 'three that broadcast', inputs: three, float32: 'linear' },
  ],
  Mod: [
    // Quotients whose whole part no small step changes.
    ...pairs({ from: 2.1, to: 2.9 }, { from: 5.9, to: 6.2 }),
    ...pairs({ from: 2.1, to: 2.9 }, { from: -6.2, to: -5.9 }),
  ].map(given => ({ ...given, attributes: [attr.int('fmod', 1)] })),
  Mul: pairs(),
  Neg: singles(),
  Pow: [
    ...pairs({}, positive),
    { name: 'a square', inputs: [{ shape: [2, 3] }, { number: 2 }] },
    { name: 'a cube', inputs: [{ shape: [2, 3] }, { number: 3 }] },
    { name: 'a root', inputs: [{ shape: [4], ...positive }, { number: 0.5 }] },
    { name: 'no power', inputs: [{ shape: [4] }, { number: 0 }] },
    { name: 'a whole power', inputs: [{ shape: [2, 2] }, { constant: [3, 2] }] },
  ],
  Reciprocal: singles(positive),
  Sqrt: singles(positive),
  Sub: pairs(),
  Sum: [
    { name: 'one', inputs: [{ shape: [2, 3] }] },
    { name: 'three that broadcast', inputs: three },
  ],
}

const inside = { from: -0.9, to: 0.9 }

export const trigonometryCases: Readonly<Record<string, readonly GradientCase[]>> = {
  Acos: float32Singles(Math.acos, inside),
  Acosh: float32Singles(Math.acosh, { from: 1.5, to: 3 }),
  Asin: float32Singles(Math.asin, inside),
  Asinh: float32Singles(Math.asinh),
  Atan: float32Singles(Math.atan),
  Atanh: float32Singles(Math.atanh, inside),
  Cos: float32Singles(Math.cos),
  Cosh: float32Singles(Math.cosh),
  Sin: float32Singles(Math.sin),
  Sinh: float32Singles(Math.sinh),
  Tan: float32Singles(Math.tan, { from: -1, to: 1 }),
}

const [low, middle, high] = [
  { from: -2, to: -1 },
  { from: -0.9, to: 0.9 },
  { from: 1, to: 2 },
]

/** Every element is decided by a margin, once each way. */
const decided: GradientCase[] = [
  {
    name: 'the first everywhere',
    inputs: [
      { shape: [2, 3], ...low },
      { shape: [3], ...high },
    ],
  },
  {
    name: 'the second everywhere',
    inputs: [
      { shape: [], ...high },
      { shape: [3], ...low },
    ],
  },
  {
    name: 'three that broadcast',
    inputs: [
      { shape: [2, 1], ...low },
      { shape: [2, 3], ...high },
      { shape: [], ...middle },
    ],
  },
  { name: 'one alone', inputs: [{ shape: [2, 3] }] },
  { name: 'some of each', inputs: [{ shape: [4, 5] }, { shape: [4, 5] }] },
]

export const selectionCases: Readonly<Record<string, readonly GradientCase[]>> = {
  Clip: [
    { name: 'between two constants', inputs: [{ shape: [12] }, { number: -1 }, { number: 1 }] },
    { name: 'from below only', inputs: [{ shape: [2, 6] }, { number: 0.1 }] },
    { name: 'from above only', inputs: [{ shape: [2, 6] }, 'absent', { number: 0.1 }] },
    { name: 'without bounds', inputs: [{ shape: [3] }] },
    {
      name: 'between two that are trained',
      inputs: [{ shape: [12] }, { shape: [], from: -1, to: -0.5 }, { shape: [], ...positive }],
    },
    {
      name: 'between bounds the wrong way round',
      inputs: [{ shape: [6] }, { shape: [], from: 0.8, to: 1 }, { shape: [], from: -1, to: 0 }],
    },
  ],
  Max: decided,
  Min: decided,
  Where: [
    {
      name: 'equal shapes',
      inputs: [
        { shape: [2, 2], integers: [1, 0, 0, 1], type: 'bool' },
        { shape: [2, 2] },
        { shape: [2, 2] },
      ],
    },
    {
      name: 'all three stretched',
      inputs: [{ shape: [3, 1], integers: [1, 0, 1], type: 'bool' }, { shape: [2] }, { shape: [] }],
    },
  ],
}
