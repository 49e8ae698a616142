/** One action that a device may take, with what it is worth to all that follows. */
export interface Option {
  /** -1 to idle, of which there is always room. */
  readonly model: number
  readonly value: number
}

/**
 * The best choice of one option a device when model m takes `capacities[m]` of them: a
 * transportation problem, solved exactly by adding devices one after the other along the cheapest
 * path of displacements (successive shortest paths; Ahuja, Magnanti and Orlin 1993, 9.7). Places
 * are few, as devices of a model are alike but for what moving them costs. Every device needs an
 * option to idle. Returns the index of each device's option.
 */
export function assignDevices(
  options: readonly (readonly Option[])[],
  capacities: readonly number[],
): number[] {
  const places = new Places(options, capacities)
  for (const device of options.keys()) places.add(device)
  return places.chosen
}

/** Losses below it are rounding. */
const ROUNDING = 1e-12

/** Models, and idling as the last of them, with the devices that they hold. */
class Places {
  readonly chosen: number[]
  readonly #options: readonly (readonly Option[])[]
  readonly #capacities: readonly number[]
  readonly #holds: Set<number>[]

  constructor(options: readonly (readonly Option[])[], capacities: readonly number[]) {
    this.#options = options
    this.#capacities = [...capacities, Number.POSITIVE_INFINITY]
    this.#holds = this.#capacities.map(() => new Set<number>())
    this.chosen = options.map(() => -1)
  }

  /**
   * Bellman and Ford over places: loss[p] is the least loss at which place p can be entered, by the
   * new device itself or by one displaced from another place.
   */
  add(device: number): void {
    const loss = this.#capacities.map(() => Number.POSITIVE_INFINITY)
    const by = this.#capacities.map(() => ({ device: -1, option: -1, from: -1 }))
    const queue: number[] = []
    const offer = (mover: number, from: number, base: number): void => {
      for (const [option, { model, value }] of (this.#options[mover] ?? []).entries()) {
        const place = this.#placeOf(model)
        const total = base - value
        if (place === from || total >= (loss[place] ?? 0) - ROUNDING) continue
        loss[place] = total
        by[place] = { device: mover, option, from }
        if (!queue.includes(place)) queue.push(place)
      }
    }
    offer(device, -1, 0)
    for (let place = queue.shift(); place !== undefined; place = queue.shift()) {
      if (this.#hasRoom(place)) continue
      for (const held of this.#holds[place] ?? []) {
        offer(held, place, (loss[place] ?? 0) + this.#valueOf(held))
      }
    }
    this.#enter(this.#cheapest(loss), by)
  }

  #cheapest(loss: readonly number[]): number {
    let best = this.#capacities.length - 1
    for (const [place, one] of loss.entries()) {
      if (this.#hasRoom(place) && one < (loss[best] ?? 0) - ROUNDING) best = place
    }
    return best
  }

  /** Moves along the path that ends in `place`, from its end. */
  #enter(
    place: number,
    by: readonly { readonly device: number; readonly option: number; readonly from: number }[],
  ): void {
    for (let at = place; at >= 0; ) {
      const { device, option, from } = by[at] as { device: number; option: number; from: number }
      if (from >= 0) this.#holds[from]?.delete(device)
      this.#holds[at]?.add(device)
      this.chosen[device] = option
      at = from
    }
  }

  #hasRoom(place: number): boolean {
    return (this.#holds[place]?.size ?? 0) < (this.#capacities[place] ?? 0)
  }

  #placeOf(model: number): number {
    return model < 0 ? this.#capacities.length - 1 : model
  }

  #valueOf(device: number): number {
    return this.#options[device]?.[this.chosen[device] ?? -1]?.value ?? 0
  }
}
