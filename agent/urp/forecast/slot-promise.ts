import { quantile } from 'simple-statistics'
import { SLOT_METHODS, type SlotMethod, type SlotView } from './slot-methods.ts'
import { ROUNDS_FOR_SLOTS, slotQuantiles } from './slot-quantiles.ts'

/** Rounds whose errors tell how far a method is to be lowered, or raised, to its quantile. */
const ROUNDS_OF_ERRORS = 16
/** Of each round, evenly spread: more would not tell more, and rounds may have thousands of slots. */
const ERRORS_PER_ROUND = 32
/** Share of the past losses that counts one round later: a step must be able to change the choice. */
const MEMORY_PER_ROUND = 0.8

/** The promise of methods that knew nothing better; also the first one, before any has a past. */
const RECENT = 'recent quantile'

/** What is promised for the coming slots. */
export interface Promised {
  readonly values: readonly number[]
  /** The method whose promises were best lately. */
  readonly method: string
  /** What each method would have promised, and what it expected: for learning. */
  readonly said: readonly Said[]
}

interface Said {
  readonly expected: readonly number[] | null
  readonly promise: readonly number[] | null
}

interface Past {
  readonly name: string
  readonly method: SlotMethod | null
  loss: number
  /** Measured minus expected, a list a round. */
  readonly errors: number[][]
}

// A promise of the quantile q is judged by the quantile loss (Koenker and Bassett 1978), whose
// expectation is least for the quantile itself:
//
//   ρ(x - p) = (x - p) (q - 1[x < p])
//
// A method's promise is what it expects plus the q-quantile of its own past errors (conformal
// prediction in its split form, Papadopoulos et al. 2002): x >= p in 1 - q of the slots.

/** Promises a quantile of each slot of a row, by the method that was best at it lately. */
export class SlotPromise {
  readonly #quantile: number
  readonly #pasts: readonly Past[]

  constructor(options: { readonly quantile: number }) {
    this.#quantile = options.quantile
    const methods: [string, SlotMethod | null][] = [[RECENT, null], ...Object.entries(SLOT_METHODS)]
    this.#pasts = methods.map(([name, method]) => ({ name, method, loss: 0, errors: [] }))
  }

  /**
   * Null where nothing was measured in the rounds. What was promised for the round that runs is
   * judged by what has come of it already, or a step would be believed a round later.
   */
  promise(
    view: SlotView,
    running?: { readonly promised: Promised; readonly slots: ArrayLike<number> },
  ): Promised | null {
    const recent = slotQuantiles(view.rounds, { slots: view.slots, quantile: this.#quantile })
    if (!recent) return null
    const span = spanOf(view.rounds)
    const said = this.#pasts.map(past => this.#say(past, { view, recent, span }))
    const losses = running ? this.#lossesOf(running.promised, running.slots) : null
    const able = this.#pasts.flatMap(({ name, loss }, index) => {
      const values = said[index]?.promise
      return values ? [{ name, loss: loss + (losses?.[index] ?? 0), values }] : []
    })
    const best = able.reduce((least, one) => (one.loss < least.loss ? one : least))
    return { values: best.values, method: best.name, said }
  }

  /** What came where this was promised; NaN is not measured. */
  learn(promised: Promised, slots: ArrayLike<number>): void {
    const losses = this.#lossesOf(promised, slots)
    if (!losses) return
    for (const [index, past] of this.#pasts.entries()) {
      past.loss = MEMORY_PER_ROUND * past.loss + (losses[index] ?? 0)
      const expected = promised.said[index]?.expected
      if (!expected) continue
      past.errors.push(errorsOf(expected, slots))
      if (past.errors.length > ROUNDS_OF_ERRORS) past.errors.shift()
    }
  }

  /** One a method; null where nothing was measured. */
  #lossesOf({ said }: Promised, slots: ArrayLike<number>): number[] | null {
    const losses = said.map(({ promise }) => (promise ? this.#lossOf(promise, slots) : null))
    // One that promised nothing is taken for as bad as the worst, not for perfect.
    const worst = Math.max(...losses.map(loss => loss ?? 0))
    return Number.isNaN(worst) ? null : losses.map(loss => loss ?? worst)
  }

  #say(
    { method, errors }: Past,
    given: {
      readonly view: SlotView
      readonly recent: readonly number[]
      readonly span: { readonly least: number; readonly most: number }
    },
  ): Said {
    const { view, recent, span } = given
    if (!method) return { expected: null, promise: recent }
    const expected = method(view)
    const past = errors.flat()
    if (!expected || errors.length < ROUNDS_FOR_SLOTS || past.length === 0) {
      return { expected, promise: null }
    }
    const shift = quantile(past, this.#quantile)
    const promise = expected.map((value, slot) =>
      Number.isNaN(value)
        ? (recent[slot] ?? 0)
        : Math.min(span.most, Math.max(span.least, value + shift)),
    )
    return { expected, promise }
  }

  #lossOf(promise: readonly number[], slots: ArrayLike<number>): number {
    let [sum, count] = [0, 0]
    for (const [slot, value] of promise.entries()) {
      const over = (slots[slot] ?? Number.NaN) - value
      if (Number.isNaN(over)) continue
      sum += over * (this.#quantile - (over < 0 ? 1 : 0))
      count++
    }
    return count > 0 ? sum / count : Number.NaN
  }
}

/** Measured minus expected, of some slots. */
function errorsOf(expected: readonly number[], slots: ArrayLike<number>): number[] {
  const stride = Math.ceil(expected.length / ERRORS_PER_ROUND)
  return expected.flatMap((value, at) =>
    at % stride === 0 ? known((slots[at] ?? Number.NaN) - value) : [],
  )
}

function known(value: number): number[] {
  return Number.isNaN(value) ? [] : [value]
}

/** Nothing is promised that the rounds did not have. */
function spanOf(rounds: readonly ArrayLike<number>[]): {
  readonly least: number
  readonly most: number
} {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const round of rounds) {
    for (let slot = 0; slot < round.length; slot++) {
      const value = round[slot] ?? Number.NaN
      if (value < least) least = value
      if (value > most) most = value
    }
  }
  return { least, most }
}
