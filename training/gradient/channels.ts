import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'

/** The sum of each channel of [N, C, …]. */
export function sumOfChannels(graph: GraphEmitter, x: ValueName): ValueName {
  const shape = graph.shape(x)
  return graph.sumAway(x, axesBut(shape, 1))
}

/** A value for each channel in a shape that broadcasts along [N, C, …]. */
export function alongChannels(graph: GraphEmitter, perChannel: ValueName, x: ValueName): ValueName {
  const shape = graph.shape(x)
  return graph.reshape(perChannel, [shape[1] ?? 0, ...shape.slice(2).map(() => 1)])
}

export function axesBut(shape: readonly number[], kept: number): number[] {
  return shape.flatMap((_, axis) => (axis === kept ? [] : [axis]))
}
