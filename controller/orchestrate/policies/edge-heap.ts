/** Indices by their values, the greatest on top, of equal ones the lower index. A binary heap. */
export class EdgeHeap {
  readonly #values: Float64Array
  readonly #order: Int32Array
  #size: number

  constructor(values: readonly number[]) {
    this.#values = Float64Array.from(values)
    this.#order = Int32Array.from(values, (_, index) => index)
    this.#size = values.length
    for (let at = (this.#size >> 1) - 1; at >= 0; at--) this.#sink(at)
  }

  top(): { readonly index: number; readonly value: number } | null {
    if (this.#size === 0) return null
    const index = this.#order[0] ?? 0
    return { index, value: this.#values[index] ?? 0 }
  }

  pop(): void {
    this.#size--
    this.#order[0] = this.#order[this.#size] ?? 0
    this.#sink(0)
  }

  /** Gives the top a lower value, with which it finds its place. */
  lowerTop(value: number): void {
    this.#values[this.#order[0] ?? 0] = value
    this.#sink(0)
  }

  #sink(from: number): void {
    const order = this.#order
    const moved = order[from] ?? 0
    let at = from
    for (let child = 2 * at + 1; child < this.#size; child = 2 * at + 1) {
      const right = child + 1
      const other = order[right] ?? 0
      if (right < this.#size && this.#isBefore(other, order[child] ?? 0)) child = right
      if (!this.#isBefore(order[child] ?? 0, moved)) break
      order[at] = order[child] ?? 0
      at = child
    }
    order[at] = moved
  }

  #isBefore(a: number, b: number): boolean {
    const [valueA, valueB] = [this.#values[a] ?? 0, this.#values[b] ?? 0]
    return valueA > valueB || (valueA === valueB && a < b)
  }
}
