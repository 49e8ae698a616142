/**
 * Pseudo-random numbers in [0, 1) from a 32-bit seed (sfc32 by C. Doty-Humphrey, seeded through
 * splitmix32). The one source of chance in the project: a run is repeated from its seed.
 */
export type Random = () => number

export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const splitmix = (): number => {
    state = (state + 0x9e3779b9) | 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }
  let [a, b, c, counter] = [splitmix(), splitmix(), splitmix(), 1]
  return () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return (sum >>> 0) / 2 ** 32
  }
}

/** One draw from the standard normal distribution (Box and Muller 1958). */
export function standardNormal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()))
  return radius * Math.cos(2 * Math.PI * random())
}

/** Fills with draws from it, two of a pair of numbers: half the time of one after the other. */
export function fillStandardNormal(values: Float32Array, random: Random): Float32Array {
  for (let index = 0; index < values.length; index += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - random()))
    const angle = 2 * Math.PI * random()
    values[index] = radius * Math.cos(angle)
    // Beyond the end nothing is written.
    values[index + 1] = radius * Math.sin(angle)
  }
  return values
}

/** Shuffles in place (Fisher and Yates). */
export function shuffle<T>(items: T[] | Int32Array, random: Random): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const kept = items[last] as T & number
    items[last] = items[other] as T & number
    items[other] = kept
  }
}
