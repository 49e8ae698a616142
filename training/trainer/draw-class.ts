import type { Random } from '../../runtime/seeded-random.ts'

/** A class drawn from softmax(logits / temperature); the likeliest for a temperature of 0. */
export function drawClass(logits: Float32Array, temperature: number, random: Random): number {
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  if (temperature === 0) return logits.indexOf(largest)
  const masses = Float64Array.from(logits, logit => Math.exp((logit - largest) / temperature))
  let rest = random() * masses.reduce((a, b) => a + b, 0)
  const drawn = masses.findIndex(mass => {
    rest -= mass
    return rest < 0
  })
  // Rounding may leave a last crumb of mass.
  return drawn === -1 ? logits.length - 1 : drawn
}
