import { expect, test } from 'vitest'
import { attr } from '../../../training/onnx/attribute.ts'
import { buildNode } from '../../../training/onnx/build.ts'
import type { AttributeProto } from '../../../training/onnx/onnx-proto.ts'
import { checkGradient, type GradientCase } from './gradient-check.ts'

const SEED = 20260103
const TOLERANCE = 1e-7

function node(
  opType: string,
  inputs: readonly string[],
  output: string,
  attributes: readonly AttributeProto[] = [],
) {
  return buildNode({ opType, inputs, outputs: [output], attributes })
}

const equation = (text: string) => [attr.string('equation', text)]
const lastAxis = { constant: [-1] }

/** Functions that exporters write as several nodes. */
const composed: readonly GradientCase[] = [
  {
    name: 'SiLU',
    inputs: [{ shape: [3, 4] }],
    nodes: ([x = '']) => [node('Sigmoid', [x], 's'), node('Mul', [x, 's'], 'y0')],
  },
  {
    name: 'Mish',
    inputs: [{ shape: [3, 4] }, { number: 1 }],
    nodes: ([x = '', one = '']) => [
      node('Exp', [x], 'e'),
      node('Add', ['e', one], 'e1'),
      node('Log', ['e1'], 'softplus'),
      node('Tanh', ['softplus'], 't'),
      node('Mul', [x, 't'], 'y0'),
    ],
  },
  {
    name: 'layer normalization',
    inputs: [{ shape: [2, 5] }, { shape: [5] }, { shape: [5] }, lastAxis, { number: 2 }],
    nodes: ([x = '', scale = '', bias = '', axis = '', two = '']) => [
      node('ReduceMean', [x, axis], 'mean'),
      node('Sub', [x, 'mean'], 'centred'),
      node('Pow', ['centred', two], 'squares'),
      node('ReduceMean', ['squares', axis], 'variance'),
      node('Sqrt', ['variance'], 'deviation'),
      node('Div', ['centred', 'deviation'], 'standard'),
      node('Mul', ['standard', scale], 'scaled'),
      node('Add', ['scaled', bias], 'y0'),
    ],
  },
  {
    name: 'root mean square normalization',
    inputs: [{ shape: [2, 5] }, { shape: [5] }, lastAxis],
    nodes: ([x = '', scale = '', axis = '']) => [
      node('ReduceL2', [x, axis], 'norm'),
      node('Reciprocal', ['norm'], 'inverse'),
      node('Mul', [x, 'inverse'], 'standard'),
      node('Mul', ['standard', scale], 'y0'),
    ],
  },
  {
    name: 'rotary position embedding',
    inputs: [{ shape: [1, 2, 3, 4] }, { shape: [3, 4] }, { shape: [3, 4] }],
    nodes: ([x = '', cos = '', sin = '']) => [
      buildNode({
        opType: 'Split',
        inputs: [x],
        outputs: ['left', 'right'],
        attributes: [attr.int('axis', -1), attr.int('num_outputs', 2)],
      }),
      node('Neg', ['right'], 'negative'),
      node('Concat', ['negative', 'left'], 'turned', [attr.int('axis', -1)]),
      node('Mul', [x, cos], 'straight'),
      node('Mul', ['turned', sin], 'across'),
      node('Add', ['straight', 'across'], 'y0'),
    ],
  },
  {
    name: 'causal attention',
    inputs: [
      { shape: [1, 2, 3, 2] },
      { shape: [1, 2, 3, 2] },
      { shape: [1, 2, 3, 2] },
      { shape: [3, 3], integers: [1, 0, 0, 1, 1, 0, 1, 1, 1], type: 'bool' },
      { number: -1e9 },
    ],
    nodes: ([q = '', k = '', v = '', mask = '', low = '']) => [
      node('Einsum', [q, k], 'scores', equation('bhqd,bhkd->bhqk')),
      node('Where', [mask, 'scores', low], 'masked'),
      node('Softmax', ['masked'], 'weights'),
      node('Einsum', ['weights', v], 'y0', equation('bhqk,bhkd->bqhd')),
    ],
  },
]

test.each(composed)('the gradient of $name equals a central difference', async given => {
  const { errorMax, checkedCount } = await checkGradient('', given, SEED)
  expect(checkedCount).toBeGreaterThan(0)
  expect(errorMax, `${given.name}: error ${errorMax}, seed ${SEED}`).toBeLessThanOrEqual(TOLERANCE)
})
