/** Two links that use the same channels, each with its own power; the noise is 1. */
export interface Interference {
  /** Gain from a link's sender to its own receiver, [2, channels]. */
  readonly direct: Float64Array
  /** Gain from the other link's sender to this link's receiver, [2, channels]. */
  readonly crossed: Float64Array
  readonly channels: number
  /** Power of each link. */
  readonly budget: number
}

/** Σ over both links and all channels of log₂(1 + g p / (1 + h p′)), for powers of [2, channels]. */
export function interferedRate(
  { direct, crossed, channels }: Interference,
  powers: ArrayLike<number>,
): number {
  let rate = 0
  for (let place = 0; place < 2 * channels; place++) {
    const other = (place + channels) % (2 * channels)
    const disturbed = 1 + (crossed[place] ?? 0) * (powers[other] ?? 0)
    rate += Math.log1p(((direct[place] ?? 0) * (powers[place] ?? 0)) / disturbed)
  }
  return rate / Math.LN2
}

const BISECTIONS = 40

/**
 * Weighted minimum mean square error (Shi et al. 2011, table I, for links of one antenna): a stationary
 * point of the sum rate, which is not concave where links disturb each other. It depends on the start.
 *
 *   u = √g v / (1 + g v² + h v′²)      w = 1 / (1 − u √g v)
 *   v = w u √g / (w u² g + w′ u′² h′ + λ)      λ ≥ 0 so that Σ v² ≤ budget
 */
export function weightedMmse(
  given: Interference,
  start: Float64Array,
  iterations: number,
): Float64Array {
  const { direct, crossed, channels } = given
  const size = 2 * channels
  const amplitudes = start.map(Math.sqrt)
  const terms = {
    wanted: new Float64Array(size),
    charged: new Float64Array(size),
    weights: new Float64Array(size),
    receivers: new Float64Array(size),
  }
  for (let iteration = 0; iteration < iterations; iteration++) {
    for (let place = 0; place < size; place++) {
      const gain = direct[place] ?? 0
      const own = amplitudes[place] ?? 0
      const other = amplitudes[(place + channels) % size] ?? 0
      const heard = 1 + gain * own ** 2 + (crossed[place] ?? 0) * other ** 2
      const receiver = (Math.sqrt(gain) * own) / heard
      terms.receivers[place] = receiver
      terms.weights[place] = 1 / (1 - receiver * Math.sqrt(gain) * own)
    }
    chargeSenders(given, terms)
    for (const link of [0, 1]) priceLink(amplitudes, { ...terms, link, given })
  }
  return amplitudes.map(amplitude => amplitude ** 2)
}

/** w u √g, and w u² g + w′ u′² h′. */
function chargeSenders(
  { direct, crossed, channels }: Interference,
  o: Readonly<Record<'wanted' | 'charged' | 'weights' | 'receivers', Float64Array>>,
): void {
  const heardBy = (place: number, gains: Float64Array): number =>
    (o.weights[place] ?? 0) * (o.receivers[place] ?? 0) ** 2 * (gains[place] ?? 0)
  for (let place = 0; place < o.wanted.length; place++) {
    const other = (place + channels) % (2 * channels)
    const root = Math.sqrt(direct[place] ?? 0)
    o.wanted[place] = (o.weights[place] ?? 0) * (o.receivers[place] ?? 0) * root
    o.charged[place] = heardBy(place, direct) + heardBy(other, crossed)
  }
}

function priceLink(
  amplitudes: Float64Array,
  o: {
    readonly wanted: Float64Array
    readonly charged: Float64Array
    readonly link: number
    readonly given: Interference
  },
): void {
  const { channels, budget } = o.given
  const from = o.link * channels
  const spendAt = (price: number): number => {
    let spent = 0
    for (let place = from; place < from + channels; place++) {
      const divisor = (o.charged[place] ?? 0) + price
      const amplitude = divisor > 0 ? (o.wanted[place] ?? 0) / divisor : 0
      amplitudes[place] = amplitude
      spent += amplitude ** 2
    }
    return spent
  }
  if (spendAt(0) <= budget) return
  let [low, high] = [0, 1]
  while (spendAt(high) > budget) high *= 2
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (low + high) / 2
    if (spendAt(middle) > budget) low = middle
    else high = middle
  }
  spendAt(high)
}
