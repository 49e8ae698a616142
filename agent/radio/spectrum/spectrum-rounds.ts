import { type Matrix, matrixOf } from '../../../protocol/matrix.ts'
import { SAMPLE_FORMATS } from '../sample-formats.ts'
import { binsOfBlocks } from './block-energies.ts'
import { type HeardSlot, heardSlot, noiseFloor } from './noise-floor.ts'
import { slotOccupancy, thresholdsOf } from './occupancy.ts'
import { SlotCutter } from './slot-cutter.ts'
import { FLOOR_ROUNDS, type SpectrumPlan } from './spectrum-plan.ts'

/** What was measured in one round; blocks from the lowest frequency up. */
export interface SpectrumRound {
  /** Slots x blocks, 1 = free all the time; 0 where nothing of the slot was heard. */
  readonly availability: Matrix
  /** Slots x blocks, mean power in each block, full scale being 1; 0 where nothing was heard. */
  readonly power: Matrix
  /** Share of each slot that was heard. */
  readonly heard: Float32Array
  /** Power of noise in each block, full scale being 1. */
  readonly floor: Float64Array
  /** Transforms left out so far because a sample was not a number. */
  readonly notNumbers: number
}

/** Samples in, measured rounds out. The floor of a round is known when it is over, and judged then. */
export class SpectrumRounds {
  readonly #plan: SpectrumPlan
  readonly #bins: Int32Array
  readonly #least: number
  readonly #cutter: SlotCutter
  readonly #onRound: (round: SpectrumRound) => void
  #slots: Float32Array[] = []
  #floorSlots: HeardSlot[] = []

  constructor(plan: SpectrumPlan, onRound: (round: SpectrumRound) => void) {
    this.#plan = plan
    this.#onRound = onRound
    this.#bins = binsOfBlocks(plan.blocks)
    // Rounding to steps is noise of step²/12 in I and as much in Q (B. Widrow 1956).
    this.#least = SAMPLE_FORMATS[plan.format].step ** 2 / 6
    this.#cutter = new SlotCutter(plan, energies => this.#take(energies))
  }

  push(bytes: Uint8Array): void {
    this.#cutter.push(bytes)
  }

  skip(bytes: number): void {
    this.#cutter.skip(bytes)
  }

  /** The stream has ended: a round that was begun has as many slots as there were. */
  finish(): void {
    this.#cutter.finish()
    if (this.#slots.length > 0) this.#judge()
  }

  #take(energies: Float32Array): void {
    this.#slots.push(energies)
    if (this.#slots.length === this.#plan.slots) this.#judge()
  }

  #judge(): void {
    const { blocks, slots: slotsMax, floorRounds = FLOOR_ROUNDS } = this.#plan
    const slots = this.#slots
    this.#slots = []
    const heardNow = slots.map(energies => heardSlot(energies, this.#bins))
    this.#floorSlots = [...this.#floorSlots, ...heardNow].slice(-floorRounds * slotsMax)
    const floor = noiseFloor(this.#floorSlots, this.#least)
    const thresholds = thresholdsOf(floor, this.#bins)
    const measured = slots.map(energies => slotOccupancy(energies, thresholds))
    this.#onRound({
      availability: matrixOf(slots.length, blocks, (slot, block) => {
        const one = measured[slot]
        return one && one.heard > 0 ? 1 - (one.occupancy[block] ?? 0) : 0
      }),
      power: matrixOf(
        slots.length,
        blocks,
        (slot, block) => meanEnergy(slots[slot], block, blocks) / blocks,
      ),
      heard: Float32Array.from(measured, ({ heard }) => heard),
      floor: floor.map(energy => energy / blocks),
      notNumbers: this.#cutter.notNumbers,
    })
  }
}

/** Over the transforms that were heard. */
function meanEnergy(energies: Float32Array | undefined, block: number, blocks: number): number {
  let [sum, heard] = [0, 0]
  for (let at = block; energies && at < energies.length; at += blocks) {
    const energy = energies[at] ?? Number.NaN
    if (Number.isNaN(energy)) continue
    sum += energy
    heard += 1
  }
  return heard > 0 ? sum / heard : 0
}
