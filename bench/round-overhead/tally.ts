/** Collects what comes in from several peers until there is enough of it. */
export class Tally<Item> {
  #items: Item[] = []
  #count = Number.POSITIVE_INFINITY
  #resolve: (items: readonly Item[]) => void = () => {}
  #reject: (error: Error) => void = () => {}

  /** Resolves with the next `count` items; what came before is forgotten. */
  collect(count: number, msMax = 60_000): Promise<readonly Item[]> {
    this.#items = []
    this.#count = count
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`${this.#items.length} of ${count} came within ${msMax} ms`))
      }, msMax).unref()
      this.#resolve = items => {
        clearTimeout(timer)
        resolve(items)
      }
      this.#reject = error => {
        clearTimeout(timer)
        reject(error)
      }
    })
  }

  add(item: Item): void {
    this.#items.push(item)
    if (this.#items.length === this.#count) this.#resolve(this.#items)
  }

  fail(reason: string): void {
    this.#reject(new Error(reason))
  }
}
