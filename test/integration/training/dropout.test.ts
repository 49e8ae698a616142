import { describe, expect, test } from 'vitest'
import { buildBackwardGraph } from '../../../training/graph/backward-graph.ts'
import { GraphEmitter } from '../../../training/graph/graph-emitter.ts'
import { attr } from '../../../training/onnx/attribute.ts'
import { buildModel, buildNode, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { encodeModel } from '../../../training/onnx/onnx-codec.ts'
import { loadOrt, openOrtSession } from '../../../training/trainer/ort-session.ts'
import { type Operand, run } from './gradient-check.ts'

const COUNT = 400

/** y and dx of a Dropout that drops a quarter, for x = 1 and dy = 2, twice from one session. */
async function dropTwice(seed: number) {
  const graph = new GraphEmitter()
  const type = { elementType: ELEMENT.float, shape: [COUNT] }
  const inputs = ['x', 'dy'].map(name => graph.declare(name, type))
  const constants = [graph.scalar(0.25, 'x'), graph.constant(ELEMENT.bool, [], [1])]
  const node = buildNode({
    opType: 'Dropout',
    inputs: ['x', ...constants],
    outputs: ['y'],
    attributes: [attr.int('seed', seed)],
  })
  graph.addNode(node)
  const gradients = buildBackwardGraph({
    graph,
    nodes: [node],
    seeds: new Map([['y', 'dy']]),
    wanted: ['x'],
  })
  const dx = gradients.get('x') ?? ''
  const proto = graph.finish({ name: 'dropout', inputs, outputs: ['y', dx] })
  const model = buildModel({ graph: proto, opset: OPSET_MAX })
  const ortSession = await openOrtSession(await loadOrt(), encodeModel(model))
  const operands = inputs.map((name, index): Operand => {
    const values = new Array(COUNT).fill(index + 1)
    return { name, type: ELEMENT.float, shape: [COUNT], values }
  })
  try {
    const results = [await run(ortSession, operands), await run(ortSession, operands)]
    return results.map(result => ({ y: result.y ?? [], dx: result[dx] ?? [] }))
  } finally {
    await ortSession.release()
  }
}

describe('Dropout in training', () => {
  test('gives the gradient to just what it kept, scaled the same way', async () => {
    for (const { y, dx } of await dropTwice(7)) {
      expect(new Set(y.map(value => value.toFixed(4)))).toEqual(new Set(['0.0000', '1.3333']))
      for (const [index, value] of y.entries()) expect(dx[index]).toBeCloseTo(2 * value, 5)
      const droppedCount = y.filter(value => value === 0).length
      expect(droppedCount / COUNT).toBeGreaterThan(0.15)
      expect(droppedCount / COUNT).toBeLessThan(0.35)
    }
  })

  test('draws another mask at each step, and the same ones from the same seed', async () => {
    const [first, again, other] = [await dropTwice(7), await dropTwice(7), await dropTwice(8)]
    expect(first[0]?.y).not.toEqual(first[1]?.y)
    expect(again).toEqual(first)
    expect(other).not.toEqual(first)
  })
})
