/** Indices by their values, the greatest on top, of equal ones the lower index. A binary heap. */
export class GreatestFirst {
  readonly #values: Float64Array
  readonly #order: Int32Array
  #size: number

  constructor(values: ArrayLike<number>) {
    this.#size = values.length
    this.#values = Float64Array.from(values)
    this.#order = new Int32Array(this.#size)
    for (let index = 0; index < this.#size; index++) this.#order[index] = index
    for (let at = (this.#size >> 1) - 1; at >= 0; at--) this.#sink(at)
  }

  /** Index of the greatest value, -1 when all are popped. */
  top(): number {
    return this.#size === 0 ? -1 : (this.#order[0] ?? -1)
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
    const values = this.#values
    const moved = order[from] ?? 0
    const value = values[moved] ?? 0
    let at = from
    for (let child = 2 * at + 1; child < this.#size; child = 2 * at + 1) {
      let index = order[child] ?? 0
      if (child + 1 < this.#size) {
        const other = order[child + 1] ?? 0
        if (isBefore(values[other] ?? 0, other, values[index] ?? 0, index)) {
          child++
          index = other
        }
      }
      if (!isBefore(values[index] ?? 0, index, value, moved)) break
      order[at] = index
      at = child
    }
    order[at] = moved
  }
}

function isBefore(value: number, index: number, than: number, other: number): boolean {
  return value > than || (value === than && index < other)
}
