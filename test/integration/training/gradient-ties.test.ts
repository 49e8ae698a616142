import { describe, expect, test } from 'vitest'
import { buildBackwardGraph } from '../../../training/graph/backward-graph.ts'
import { GraphEmitter } from '../../../training/graph/graph-emitter.ts'
import { attr } from '../../../training/onnx/attribute.ts'
import { buildModel, buildNode, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { encodeModel } from '../../../training/onnx/onnx-codec.ts'
import type { AttributeProto } from '../../../training/onnx/onnx-proto.ts'
import { elementCount } from '../../../training/onnx/tensor.ts'
import { loadOrt, openOrtSession } from '../../../training/trainer/ort-session.ts'
import { type Operand, run } from './gradient-check.ts'

/** The gradient of Σ y for each input, given as vectors. */
async function gradientsAt(
  opType: string,
  inputs: readonly (readonly number[])[],
  attributes: readonly AttributeProto[] = [],
): Promise<readonly number[][]> {
  const graph = new GraphEmitter()
  const operands = inputs.map((values, index): Operand => {
    const shape = [values.length]
    const name = graph.declare(`x${index}`, { elementType: ELEMENT.float, shape })
    return { name, type: ELEMENT.float, shape, values: [...values] }
  })
  const names = operands.map(({ name }) => name)
  const node = buildNode({ opType, inputs: names, outputs: ['y'], attributes })
  graph.addNode(node)
  const shape = graph.shape('y')
  const ones = new Array(elementCount(shape)).fill(1)
  const dy = graph.constant(ELEMENT.float, shape, ones)
  const gradients = buildBackwardGraph({
    graph,
    nodes: [node],
    seeds: new Map([['y', dy]]),
    wanted: names,
  })
  const outputs = names.map(name => gradients.get(name) ?? '')
  const proto = graph.finish({ name: 'ties', inputs: names, outputs: [...new Set(outputs)] })
  const model = buildModel({ graph: proto, opset: OPSET_MAX })
  const ortSession = await openOrtSession(await loadOrt(), encodeModel(model))
  try {
    const computed = await run(ortSession, operands)
    return outputs.map(name => computed[name] ?? [])
  } finally {
    await ortSession.release()
  }
}

const dropsAxes = [attr.int('keepdims', 0)]

// What PyTorch gives for the same inputs (torch.autograd of the function of the same name).
describe('at kinks, ties and poles the gradient is that of PyTorch', () => {
  test.each([
    { opType: 'Abs', x: [0, -0], dx: [0, 0] },
    { opType: 'Celu', x: [0], dx: [1] },
    { opType: 'Elu', x: [0], dx: [0.5], attributes: [attr.float('alpha', 0.5)] },
    { opType: 'HardSigmoid', x: [-2.5, 2.5], dx: [0, 0] },
    { opType: 'HardSwish', x: [-3, 3], dx: [0, 1] },
    { opType: 'LeakyRelu', x: [0], dx: [0.25], attributes: [attr.float('alpha', 0.25)] },
    { opType: 'Relu', x: [0], dx: [0] },
    { opType: 'Selu', x: [0], dx: [1.7580993] },
    { opType: 'Softsign', x: [0], dx: [1] },
    { opType: 'ThresholdedRelu', x: [1, 1.5], dx: [0, 1] },
    { opType: 'ReduceL1', x: [0, -2, 3], dx: [0, -1, 1], attributes: dropsAxes },
    { opType: 'ReduceL2', x: [0, 0], dx: [0, 0], attributes: dropsAxes },
    { opType: 'ReduceMax', x: [1, 3, 3, 2], dx: [0, 0.5, 0.5, 0], attributes: dropsAxes },
    { opType: 'ReduceMin', x: [2, 2, 2, 5], dx: [1 / 3, 1 / 3, 1 / 3, 0], attributes: dropsAxes },
    { opType: 'ReduceProd', x: [2, 0, 5], dx: [0, 10, 0], attributes: dropsAxes },
    { opType: 'ReduceProd', x: [0, 0, 5], dx: [0, 0, 0], attributes: dropsAxes },
  ])('of $opType at $x', async ({ opType, x, dx, attributes = [] }) => {
    const [gradient = []] = await gradientsAt(opType, [x], attributes)
    expect(gradient).toHaveLength(dx.length)
    for (const [index, value] of gradient.entries()) expect(value).toBeCloseTo(dx[index] ?? 0, 6)
  })

  test.each([
    {
      opType: 'Max',
      inputs: [
        [1, 2],
        [1, 3],
      ],
      gradients: [
        [0.5, 0],
        [0.5, 1],
      ],
    },
    {
      opType: 'Min',
      inputs: [
        [1, 2],
        [1, 3],
      ],
      gradients: [
        [0.5, 1],
        [0.5, 0],
      ],
    },
    { opType: 'PRelu', inputs: [[0], [0.25]], gradients: [[0.25], [0]] },
    {
      opType: 'Pow',
      inputs: [
        [0, 0, 3],
        [2, 0, 0],
      ],
      gradients: [
        [0, 0, 0],
        [0, 0, Math.log(3)],
      ],
    },
  ])('of $opType at $inputs', async ({ opType, inputs, gradients }) => {
    const computed = await gradientsAt(opType, inputs)
    expect(computed.map(values => values.map(value => Math.round(value * 1e6) / 1e6 + 0))).toEqual(
      gradients.map(values => values.map(value => Math.round(value * 1e6) / 1e6)),
    )
  })
})
