import { describe, expect, test } from 'vitest'
import { GraphEmitter } from '../../../training/graph/graph-emitter.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'

function emitter(prefix = ''): GraphEmitter {
  const graph = new GraphEmitter(prefix)
  graph.declare('x', { elementType: ELEMENT.float, shape: [2, 3] })
  graph.declare('row', { elementType: ELEMENT.float, shape: [3] })
  return graph
}

describe('the emitter', () => {
  test('names values by operator and order, with the prefix of its graph', () => {
    const graph = emitter('step.')
    expect([graph.add('x', 'row'), graph.add('x', 'x'), graph.mul('x', 'x')]).toEqual([
      'step.Add',
      'step.Add_1',
      'step.Mul',
    ])
  })

  test('gives no name that is taken', () => {
    const graph = emitter()
    graph.declare('Add', { elementType: ELEMENT.float, shape: [] })
    expect(graph.add('x', 'x')).toBe('Add_1')
    expect(() => graph.declare('x', graph.type('x'))).toThrow('made twice')
  })

  test('keeps each constant once', () => {
    const graph = emitter()
    expect(graph.scalar(1, 'x')).toBe(graph.scalar(1, 'row'))
    expect(graph.scalar(0, 'x')).not.toBe(graph.scalar(-0, 'x'))
    expect(graph.ints([1, 2])).toBe(graph.ints([1, 2]))
    expect(graph.ints([1])).not.toBe(graph.scalar(1, 'x'))
  })

  test('leaves out what no output needs', () => {
    const graph = emitter()
    graph.mul('x', graph.scalar(3, 'x'))
    const sum = graph.add('x', graph.scalar(2, 'x'))
    const { node, initializer } = graph.finish({ name: 'g', inputs: ['x'], outputs: [sum] })
    expect(node.map(({ opType }) => opType)).toEqual(['Add'])
    expect(initializer).toHaveLength(1)
  })

  test('emits nothing for a cast, reshape, sum or transposition that changes nothing', () => {
    const graph = emitter()
    expect(graph.cast('x', ELEMENT.float)).toBe('x')
    expect(graph.reshape('x', [2, 3])).toBe('x')
    expect(graph.sumTo('x', [2, 3])).toBe('x')
    expect(graph.transpose('x', [0, 1])).toBe('x')
  })

  test.each([[[3]], [[1, 3]], [[2, 1]], [[]], [[1, 1]]])('sums [2, 3] back to [%s]', shape => {
    const graph = emitter()
    expect(graph.shape(graph.sumTo('x', shape))).toEqual(shape)
  })

  test('refuses shapes that do not broadcast, by node', () => {
    const graph = emitter()
    graph.declare('pair', { elementType: ELEMENT.float, shape: [2] })
    expect(() => graph.add('x', 'pair')).toThrow('(Add): shapes [2,3] and [2] do not broadcast')
  })
})
