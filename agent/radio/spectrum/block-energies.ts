import FFT from 'fft.js'
import { FFT_POINTS } from './spectrum-plan.ts'

/**
 * Hann's window, scaled so that the squares sum to one: noise of power p then has the mean energy p
 * in every bin, however the transform is cut.
 */
export function unitHann(points: number): Float64Array {
  const window = Float64Array.from(
    { length: points },
    (_, at) => Math.sin((Math.PI * at) / points) ** 2,
  )
  const norm = Math.sqrt(window.reduce((sum, weight) => sum + weight * weight, 0))
  return window.map(weight => weight / norm)
}

/**
 * Bins beside zero that a Hann window spreads a constant into. What lies there is mostly the offset
 * of the receiver itself, which cannot be told from a carrier at that frequency, so nobody is asked.
 */
const OFFSET_BINS = 1

/** Bins that are summed in each block, lowest frequency first. */
export function binsOfBlocks(blocks: number): Int32Array {
  const bins = FFT_POINTS / blocks
  return Int32Array.from({ length: blocks }, (_, block) => {
    const first = block * bins - FFT_POINTS / 2
    const offset = Array.from({ length: 2 * OFFSET_BINS + 1 }, (_, at) => at - OFFSET_BINS)
    return bins - offset.filter(bin => bin >= first && bin < first + bins).length
  })
}

/** One transform at a time: samples to the mean energy of the bins of each block. */
export class BlockEnergies {
  readonly #fft = new FFT(FFT_POINTS)
  readonly #window = unitHann(FFT_POINTS)
  readonly #windowed = new Float64Array(2 * FFT_POINTS)
  readonly #spectrum = new Float64Array(2 * FFT_POINTS)
  readonly #bins: Int32Array
  readonly #binsPerBlock: number

  constructor(blocks: number) {
    this.#bins = binsOfBlocks(blocks)
    this.#binsPerBlock = FFT_POINTS / blocks
  }

  /** `samples` are I, Q, I, Q …; `out` has a place for each block, lowest frequency first. */
  measure(samples: Float64Array, out: Float32Array): void {
    const windowed = this.#windowed
    for (let at = 0; at < FFT_POINTS; at++) {
      const weight = this.#window[at] ?? 0
      windowed[2 * at] = (samples[2 * at] ?? 0) * weight
      windowed[2 * at + 1] = (samples[2 * at + 1] ?? 0) * weight
    }
    this.#fft.transform(this.#spectrum, windowed)
    for (let block = 0; block < out.length; block++) {
      out[block] = this.#energyOf(block) / (this.#bins[block] ?? 1)
    }
  }

  #energyOf(block: number): number {
    const spectrum = this.#spectrum
    const first = block * this.#binsPerBlock - FFT_POINTS / 2
    let energy = 0
    for (let bin = first; bin < first + this.#binsPerBlock; bin++) {
      if (bin >= -OFFSET_BINS && bin <= OFFSET_BINS) continue
      // Negative frequencies are the upper half of a transform.
      const at = 2 * (bin < 0 ? bin + FFT_POINTS : bin)
      const [re, im] = [spectrum[at] ?? 0, spectrum[at + 1] ?? 0]
      energy += re * re + im * im
    }
    return energy
  }
}
