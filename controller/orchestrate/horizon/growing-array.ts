const CAPACITY_FIRST = 1024

/** Numbers without end: a typed array that doubles when it is full. Hold `values` only until a push. */
export class GrowingArray {
  values = new Float64Array(CAPACITY_FIRST)
  length = 0

  /** Returns the index of what was added. */
  push(value: number): number {
    const index = this.length
    this.extend(1)
    this.values[index] = value
    return index
  }

  /** Adds entries whose values are not said. */
  extend(count: number): void {
    this.length += count
    if (this.length <= this.values.length) return
    const grown = new Float64Array(Math.max(this.length, this.values.length * 2))
    grown.set(this.values)
    this.values = grown
  }
}
