import { type Random, standardNormal } from '../../runtime/seeded-random.ts'

/** A tone that is there for part of the samples; power of full scale is 1. */
export interface Tone {
  /** From the middle of the band, as a share of the rate: -0.5 to 0.5. */
  readonly frequency: number
  readonly power: number
  readonly from?: number
  readonly to?: number
}

/** I, Q, I, Q … of white noise and tones. */
export function iqSignal(
  samples: number,
  options: {
    readonly random: Random
    readonly noisePower: number
    readonly tones?: readonly Tone[]
    /** Of the receiver itself, on both I and Q. */
    readonly offset?: number
  },
): Float32Array {
  const { random, noisePower, tones = [], offset = 0 } = options
  const deviation = Math.sqrt(noisePower / 2)
  const out = new Float32Array(2 * samples)
  for (let at = 0; at < samples; at++) {
    let [re, im] = [offset + deviation * standardNormal(random), 0]
    im = offset + deviation * standardNormal(random)
    for (const { frequency, power, from = 0, to = samples } of tones) {
      if (at < from || at >= to) continue
      re += Math.sqrt(power) * Math.cos(2 * Math.PI * frequency * at)
      im += Math.sqrt(power) * Math.sin(2 * Math.PI * frequency * at)
    }
    out[2 * at] = re
    out[2 * at + 1] = im
  }
  return out
}

/** As an RTL2832U sends it. */
export function asCu8(signal: Float32Array): Uint8Array {
  return Uint8Array.from(signal, value =>
    Math.min(255, Math.max(0, Math.round(value * 128 + 127.5))),
  )
}

export function asBytes(signal: Float32Array): Uint8Array {
  return new Uint8Array(signal.buffer, signal.byteOffset, signal.byteLength)
}
