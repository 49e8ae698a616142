/** Which axis comes to each place, as Transpose has it. */
export type Order = readonly number[]

export function isUnchanged(order: Order): boolean {
  return order.every((axis, place) => axis === place)
}

/** The order that makes each matrix of the last two axes a transposed one. */
export function swapOfLast(rank: number): Order {
  const axes = Array.from({ length: rank }, (_, axis) => axis)
  return [...axes.slice(0, -2), rank - 1, rank - 2]
}
