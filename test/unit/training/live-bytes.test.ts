import { expect, test } from 'vitest'
import { GraphEmitter } from '../../../training/graph/graph-emitter.ts'
import { liveBytes } from '../../../training/memory/live-bytes.ts'
import { buildNode } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'

const float = (shape: readonly number[]) => ({ elementType: ELEMENT.float, shape })

test('a value counts from its node to the last one that takes it, an output to the end', () => {
  const graph = new GraphEmitter()
  const inputs = [graph.declare('x', float([2, 3])), graph.declare('w', float([3, 100]))]
  const hidden = graph.emit('Relu', ['x'])
  const product = graph.matMul(hidden, 'w')
  const grown = graph.emit('Exp', [product])
  const output = graph.mul(grown, grown)
  const proto = graph.finish({ name: 'chain', inputs, outputs: [output] })
  // Two of 2 x 100 floats: what Exp takes and gives, then what Mul does.
  expect(liveBytes(proto)).toEqual({ peakBytes: 2 * 800, nodeCount: 4 })
  const both = graph.finish({ name: 'chain', inputs, outputs: [product, output] })
  expect(liveBytes(both).peakBytes).toBe(3 * 800)
})

test('open axes count as what they are said to be', () => {
  const graph = new GraphEmitter()
  const inputs = [graph.declare('x', float([2, 3]))]
  const proto = graph.finish({ name: 'one', inputs, outputs: [graph.emit('Relu', ['x'])] })
  const open = {
    ...proto,
    input: proto.input.map(value => ({
      ...value,
      type: {
        tensorType: {
          elemType: ELEMENT.float,
          shape: { dim: [{ dimParam: 'samples' }, { dimValue: 3 }] },
        },
      },
    })),
  }
  expect(liveBytes(open, { samples: 50 }).peakBytes).toBe(50 * 3 * 4)
})

test('a node without a type rule has the type that was stated for it, in the graph from then on', () => {
  const graph = new GraphEmitter()
  const inputs = ['from', 'to', 'by'].map(name => graph.declare(name, float([])))
  graph.addNode(buildNode({ opType: 'MelWeightMatrix', inputs, outputs: ['matrix'] }), () =>
    float([10]),
  )
  const proto = graph.finish({ name: 'mel', inputs, outputs: [graph.emit('Exp', ['matrix'])] })
  expect(proto.valueInfo.map(({ name }) => name)).toEqual(['matrix'])
  expect(liveBytes(proto)).toEqual({ peakBytes: 2 * 40, nodeCount: 2 })
})
