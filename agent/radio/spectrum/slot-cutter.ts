import { SAMPLE_FORMATS, type SampleFormat } from '../sample-formats.ts'
import { BlockEnergies } from './block-energies.ts'
import { FFT_POINTS, type SlotShape, type SpectrumPlan, slotShape } from './spectrum-plan.ts'

/**
 * A stream of samples to the energies of its slots, transform after transform without overlap. Slots
 * are counted in samples, lost ones included, so that a slot stays where it was in time; transforms
 * that samples are missing of, or whose samples are no numbers, are NaN.
 */
export class SlotCutter {
  readonly #format: SampleFormat
  readonly #shape: SlotShape
  readonly #blocks: number
  readonly #onSlot: (energies: Float32Array) => void
  readonly #transform: BlockEnergies
  readonly #frame: Uint8Array
  readonly #samples = new Float64Array(2 * FFT_POINTS)
  #frameBytes = 0
  #hasGap = false
  /** Bytes of this slot so far, lost ones included. */
  #at = 0
  #energies: Float32Array
  #notNumbers = 0

  constructor(plan: SpectrumPlan, onSlot: (energies: Float32Array) => void) {
    this.#format = SAMPLE_FORMATS[plan.format]
    this.#shape = slotShape(plan)
    this.#blocks = plan.blocks
    this.#onSlot = onSlot
    this.#transform = new BlockEnergies(plan.blocks)
    this.#frame = new Uint8Array(FFT_POINTS * this.#format.bytes)
    this.#energies = this.#newSlot()
  }

  /** Transforms that were left out because a sample in them was not a number. */
  get notNumbers(): number {
    return this.#notNumbers
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const room = Math.min(this.#frame.length - this.#frameBytes, this.#slotBytes - this.#at)
      const part = bytes.subarray(at, at + room)
      this.#frame.set(part, this.#frameBytes)
      at += part.length
      this.#frameBytes += part.length
      if (this.#frameBytes === this.#frame.length) this.#measure()
      this.#advance(part.length)
    }
  }

  /** So many bytes of the stream are lost. */
  skip(bytes: number): void {
    for (let left = bytes; left > 0; ) {
      const room = Math.min(this.#frame.length - this.#frameBytes, this.#slotBytes - this.#at, left)
      this.#frameBytes += room
      this.#hasGap = true
      left -= room
      if (this.#frameBytes === this.#frame.length) this.#measure()
      this.#advance(room)
    }
  }

  /** The slot that was begun, if any of it was heard; the rest of it was not. */
  finish(): void {
    if (this.#energies.some(energy => !Number.isNaN(energy))) this.#onSlot(this.#energies)
    this.#at = 0
    this.#frameBytes = 0
    this.#hasGap = false
    this.#energies = this.#newSlot()
  }

  get #slotBytes(): number {
    return this.#shape.slotSamples * this.#format.bytes
  }

  #measure(): void {
    const frame = Math.floor(this.#at / this.#frame.length)
    const out = this.#energies.subarray(frame * this.#blocks, (frame + 1) * this.#blocks)
    if (!this.#hasGap && out.length > 0) {
      this.#format.read(this.#frame, this.#samples)
      this.#transform.measure(this.#samples, out)
      if (!out.every(energy => Number.isFinite(energy))) {
        out.fill(Number.NaN)
        this.#notNumbers += 1
      }
    }
    this.#frameBytes = 0
    this.#hasGap = false
  }

  #advance(bytes: number): void {
    this.#at += bytes
    if (this.#at < this.#slotBytes) return
    // What is left of a slot after its last whole transform is in none.
    const energies = this.#energies
    this.#at = 0
    this.#frameBytes = 0
    this.#hasGap = false
    this.#energies = this.#newSlot()
    this.#onSlot(energies)
  }

  #newSlot(): Float32Array {
    return new Float32Array(this.#shape.framesPerSlot * this.#blocks).fill(Number.NaN)
  }
}
