import { attr } from '../../../../training/onnx/attribute.ts'
import type { AttributeProto } from '../../../../training/onnx/onnx-proto.ts'
import type { GradientCase, Reference } from '../gradient-check.ts'
import { erf } from './elementwise-cases.ts'
import { float32Singles, negative, positive, type Range, singles } from './operands.ts'

const axes: GradientCase[] = [
  { name: 'the last axis by default', inputs: [{ shape: [3, 4] }] },
  { name: 'the first axis', inputs: [{ shape: [3, 4] }], attributes: [attr.int('axis', 0)] },
  { name: 'a middle axis', inputs: [{ shape: [2, 3, 2] }], attributes: [attr.int('axis', -2)] },
]

/** In each range of x, between the kinks; the attributes go with the function. */
function activations(
  y: (x: number) => number,
  ranges: readonly Range[],
  attributes: readonly AttributeProto[] = [],
): GradientCase[] {
  return ranges.flatMap(range =>
    float32Singles(y, range).map(given => ({
      ...given,
      name: `${given.name}${attributes.map(({ name, f }) => `, ${name} ${f}`)}`,
      attributes,
    })),
  )
}

const signs = [positive, negative]
const everywhere: readonly Range[] = [{ from: -3, to: 3 }]

const leaky = (alpha: number) => (x: number) => (x > 0 ? x : alpha * x)
const elu = (alpha: number) => (x: number) => (x > 0 ? x : alpha * Math.expm1(x))
const celu = (alpha: number) => (x: number) => (x > 0 ? x : alpha * Math.expm1(x / alpha))
const selu = (alpha: number, gamma: number) => (x: number) => gamma * elu(alpha)(x)
const hardSigmoid = (alpha: number, beta: number) => (x: number) =>
  Math.max(0, Math.min(1, alpha * x + beta))
const softplus = (x: number) => Math.log1p(Math.exp(x))
const exactGelu = (x: number) => 0.5 * x * (1 + erf(x / Math.SQRT2))
const tanhGelu = (x: number) =>
  0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))

/** The slope has the last axes of x: one for all, or one a row of the last but one. */
const prelu: Reference = ([x, slope]) => {
  if (!x || !slope) return []
  const inner = slope.shape.length > 1 ? (x.shape.at(-1) ?? 1) : 1
  return x.values.map((value, index) => {
    const place = Math.floor(index / inner) % slope.values.length
    return value > 0 ? value : (slope.values[place] ?? 0) * value
  })
}

const outsideSix: readonly Range[] = [
  { from: -5, to: -3.5 },
  { from: -2.5, to: 2.5 },
  { from: 3.5, to: 5 },
]

export const activationCases: Readonly<Record<string, readonly GradientCase[]>> = {
  Celu: [
    ...activations(celu(1), signs),
    ...activations(celu(0.5), signs, [attr.float('alpha', 0.5)]),
  ],
  Elu: [...activations(elu(1), signs), ...activations(elu(0.5), signs, [attr.float('alpha', 0.5)])],
  Gelu: [
    ...activations(exactGelu, [{}]),
    ...activations(tanhGelu, everywhere, [attr.string('approximate', 'tanh')]),
  ],
  HardSigmoid: [
    ...activations(hardSigmoid(0.2, 0.5), [
      { from: -5, to: -3 },
      { from: -2, to: 2 },
      { from: 3, to: 5 },
    ]),
    ...activations(
      hardSigmoid(0.5, 0.25),
      [{ from: -0.4, to: 1.4 }],
      [attr.float('alpha', 0.5), attr.float('beta', 0.25)],
    ),
  ],
  HardSwish: activations(x => x * hardSigmoid(1 / 6, 0.5)(x), outsideSix),
  LeakyRelu: [
    ...activations(leaky(0.01), signs),
    ...activations(leaky(0.25), signs, [attr.float('alpha', 0.25)]),
  ],
  LogSoftmax: axes,
  Mish: activations(x => x * Math.tanh(softplus(x)), everywhere),
  PRelu: [
    { name: 'one slope', inputs: [{ shape: [2, 3], ...negative }, { shape: [1] }], float32: prelu },
    {
      name: 'a slope a channel',
      inputs: [{ shape: [2, 3, 4], ...negative }, { shape: [3, 1] }],
      float32: prelu,
    },
    {
      name: 'a slope for each of the last axis, not used',
      inputs: [{ shape: [2, 3], ...positive }, { shape: [3] }],
      float32: prelu,
    },
  ],
  Relu: signs.flatMap(singles),
  Selu: [
    ...activations(selu(1.6732632, 1.050701), signs),
    ...activations(selu(2, 0.5), signs, [attr.float('alpha', 2), attr.float('gamma', 0.5)]),
  ],
  Sigmoid: singles(),
  Softmax: axes,
  Softplus: activations(softplus, everywhere),
  Softsign: activations(x => x / (1 + Math.abs(x)), signs),
  Tanh: singles(),
  ThresholdedRelu: [
    ...activations(
      x => (x > 1 ? x : 0),
      [
        { from: 1.1, to: 2 },
        { from: -2, to: 0.9 },
      ],
    ),
    ...activations(x => (x > 0.5 ? x : 0), [{ from: 0.6, to: 2 }], [attr.float('alpha', 0.5)]),
  ],
}
