import { type Random, standardNormal } from '../../runtime/seeded-random.ts'

/** How many values go into one unit of a layer, and to how many one unit goes. */
export interface Fans {
  readonly fanIn: number
  readonly fanOut: number
}

/** Draws one weight of a layer with these fans. */
export type InitialWeights = (fans: Fans) => (random: Random) => number

/** Variance 2 / inputs keeps the scale of what ReLU lets through (He et al. 2015, equation 10). */
export const heNormal: InitialWeights = ({ fanIn }) => normalOf(Math.sqrt(2 / fanIn))

/** Variance 1 / inputs keeps the scale of the signal from layer to layer (LeCun et al. 1998, 4.6). */
export const lecunNormal: InitialWeights = ({ fanIn }) => normalOf(1 / Math.sqrt(fanIn))

/**
 * Variance 2 / (inputs + outputs), a compromise between the scale of signal and gradient (Glorot and
 * Bengio 2010, equation 16).
 */
export const xavierUniform: InitialWeights = ({ fanIn, fanOut }) => {
  const bound = Math.sqrt(6 / (fanIn + fanOut))
  return random => (2 * random() - 1) * bound
}

/** A deviation of the caller's, whatever the size of the layer: embeddings, residual branches. */
export function normal(deviation: number): InitialWeights {
  return () => normalOf(deviation)
}

/** The same, smaller or larger. */
export function scaled(initial: InitialWeights, factor: number): InitialWeights {
  return fans => {
    const draw = initial(fans)
    return random => factor * draw(random)
  }
}

/** Biases, scales of normalizations, a last layer that begins as nothing. Draws no numbers. */
export function filledWith(value: number): InitialWeights {
  return () => () => value
}

function normalOf(deviation: number): (random: Random) => number {
  return random => deviation * standardNormal(random)
}
