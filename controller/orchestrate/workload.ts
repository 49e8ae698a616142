import type { SlotRange } from '../../protocol/assignment.ts'
import {
  blocksFor,
  downloadEnd,
  samplesSensed,
  sumOver,
  uploadStart,
  wholeSamples,
} from './slot-kernels.ts'
import { CONTROL_SLOTS, type SlotPool } from './slot-pool.ts'

/**
 * How many samples a device can sense, train on and deliver for a model: the achievable workload
 * (GainNet, arXiv 2401.02662, III-B), solved exactly on the slots of the URP. Sensing happens in
 * CR r, consumption (download, training, upload) in CR r + 1: the Zeros structure.
 */

/** What is told of a sensor that hands on samples ready for use. */
export interface SensingRate {
  readonly samplesPerSecond: number
  readonly resourceBlocks: number
}

/** One kind of sample that a sensor delivers. */
export interface SensingClass {
  readonly samplesPerSnapshot: number
  /** Frames of a camera in a slot; Infinity where only the blocks limit (a radio that senses). */
  readonly snapshotsPerSlotMax: number
  /** w: resource blocks that one snapshot takes, 0 for a passive sensor. */
  readonly blocksPerSnapshot: number
  /** Pre-processing of one sample, in its own or a later slot of the same CR. */
  readonly flopsPerSample: number
}

/**
 * Figures are of what the sensor delivers ready for use, with its blocks taken once a slot: nothing
 * is left to pre-process, and free blocks beyond those do not make it faster.
 */
export function sensingClassOf(figures: SensingRate, slotSeconds: number): SensingClass {
  return {
    samplesPerSnapshot: figures.samplesPerSecond * slotSeconds,
    snapshotsPerSlotMax: 1,
    blocksPerSnapshot: figures.resourceBlocks,
    flopsPerSample: 0,
  }
}

/** What one consumption takes: S^dl and S^ul in bits, c_m·E·overhead in FLOP a sample. */
export interface ConsumptionNeeds {
  readonly downloadBits: number
  readonly uploadBits: number
  readonly flopsPerSample: number
}

/**
 * c_m·E with what the real run needs beyond the ideal count of operations: `computeOverhead` is
 * measured per agent and model as real over ideal computing time.
 */
export function trainingFlopsPerSample(o: {
  readonly flopsPerSample: number
  readonly localEpochs: number
  readonly computeOverhead: number
}): number {
  return o.flopsPerSample * o.localEpochs * o.computeOverhead
}

/**
 * G(ρ, m): samples that can be sensed and pre-processed in one CR. In each slot the new samples join
 * the backlog of their class, then the slot's computing serves the cheapest class first.
 *
 * Proof: that is shortest remaining processing time on one pre-emptive machine with release times
 * (the slots) and one common deadline (the end of the CR). Take an optimal plan that in some slot
 * serves a dearer class while a cheaper one waits: moving that computing to the cheaper class
 * completes at least as many samples by then, and the dearer samples wait no longer than until the
 * computing that the cheaper ones would have had. Exchange after exchange turns it into this plan.
 */
export function sensingCapacity(pool: SlotPool, classes: readonly SensingClass[]): number {
  return samplesSensed(pool, 0, pool.slots, cheapestFirst(classes))
}

export function cheapestFirst(classes: readonly SensingClass[]): SensingClass[] {
  return [...classes].sort((a, b) => a.flopsPerSample - b.flopsPerSample)
}

/** Slots [k1, k2) are left for computing between the last download and the first upload slot. */
export interface ConsumptionWindow {
  readonly downloadBlocks: number
  readonly uploadBlocks: number
  readonly computeFrom: number
  readonly computeTo: number
}

export type Refusal = { readonly ok: false; readonly reason: string }

/**
 * k1 = least number of leading slots whose blocks carry the download, k2 = greatest slot from which
 * on the blocks carry the upload. The compulsory serial timing constraint (GainNet, III-A) orders
 * download, computing and upload strictly by slots: any plan ends its download in slot k1 - 1 or
 * later and starts its upload in slot k2 or earlier, so its computing lies in [k1, k2).
 */
export function consumptionWindow(
  pool: SlotPool,
  needs: ConsumptionNeeds,
): (ConsumptionWindow & { readonly ok: true }) | Refusal {
  const downloadBlocks = blocksFor(needs.downloadBits, pool.downlinkBitsPerBlock)
  const uploadBlocks = blocksFor(needs.uploadBits, pool.uplinkBitsPerBlock)
  const span = { offset: 0, from: CONTROL_SLOTS, to: pool.slots }
  const computeFrom = downloadEnd(pool.blocks, span, downloadBlocks)
  if (computeFrom < 0) return tooFewBlocks('download', downloadBlocks, pool)
  const computeTo = uploadStart(pool.blocks, span, uploadBlocks)
  if (computeTo < 0) return tooFewBlocks('upload', uploadBlocks, pool)
  if (computeFrom >= computeTo) {
    const reason =
      `no slot is left to compute in: the download of ${downloadBlocks} blocks ends before slot ` +
      `${computeFrom}, the upload of ${uploadBlocks} blocks starts in slot ${computeTo}`
    return { ok: false, reason }
  }
  return { ok: true, downloadBlocks, uploadBlocks, computeFrom, computeTo }
}

function tooFewBlocks(phase: string, needed: number, { blocks }: SlotPool): Refusal {
  const reason = `the ${phase} needs ${needed} resource blocks, ${sum(blocks)} are free`
  return { ok: false, reason }
}

/** C = ⌊Σ_{k1 ≤ k < k2} f_k / (c_m·E)⌋: samples that fit between download and upload. */
export function consumptionCapacity(
  pool: SlotPool,
  needs: ConsumptionNeeds,
): { readonly ok: true; readonly capacity: number; readonly window: ConsumptionWindow } | Refusal {
  const window = consumptionWindow(pool, needs)
  if (!window.ok) return window
  const flops = sumOver(pool.flops, window.computeFrom, window.computeTo)
  const capacity = wholeSamples(flops / needs.flopsPerSample)
  if (capacity === 0) {
    const needed = needs.flopsPerSample.toPrecision(3)
    const reason = `one sample needs ${needed} FLOP, ${flops.toPrecision(3)} are free`
    return { ok: false, reason }
  }
  return { ok: true, capacity, window }
}

export type WorkloadResult =
  | {
      readonly ok: true
      /** D* = min(G, C), in samples, at least 1. */
      readonly workload: number
      readonly limitedBy: 'sensing' | 'consumption'
      readonly sensingCapacity: number
      readonly consumptionCapacity: number
    }
  | Refusal

/** D* = min(G(ρ_r, m), C(m, URP_{r+1})), with the side that limits it; a tie counts as sensing. */
export function achievableWorkload(o: {
  readonly sensingPool: SlotPool
  readonly consumptionPool: SlotPool
  readonly classes: readonly SensingClass[]
  readonly needs: ConsumptionNeeds
}): WorkloadResult {
  const sensing = sensingCapacity(o.sensingPool, o.classes)
  if (sensing === 0) return { ok: false, reason: 'sensing delivers no whole sample in this CR' }
  const consumption = consumptionCapacity(o.consumptionPool, o.needs)
  if (!consumption.ok) return consumption
  return {
    ok: true,
    workload: Math.min(sensing, consumption.capacity),
    limitedBy: sensing <= consumption.capacity ? 'sensing' : 'consumption',
    sensingCapacity: sensing,
    consumptionCapacity: consumption.capacity,
  }
}

/** Cells of the pool that a consumption takes, as an assignment states them. */
export interface Allocation {
  readonly downloadSlots: SlotRange
  readonly computeSlots: SlotRange
  readonly uploadSlots: SlotRange
  /** Resource-block slots, in all. */
  readonly downloadBlocks: number
  readonly uploadBlocks: number
  /** Units that computing keeps busy on average over its slots. */
  readonly computingShare: number
}

/**
 * The canonical arrangement: download in the earliest blocks, computing in the earliest cycles from
 * k1 on, upload in the latest blocks. It leaves the totals that every plan leaves, and of all plans
 * the most computing in each last part of the CR, which is where the next sensing needs it.
 * `residual` is the pool ⊖ those cells.
 */
export function arrangeConsumption(
  pool: SlotPool,
  needs: ConsumptionNeeds,
  sampleCount: number,
): { readonly ok: true; readonly allocation: Allocation; readonly residual: SlotPool } | Refusal {
  const consumption = consumptionCapacity(pool, needs)
  if (!consumption.ok) return consumption
  const { capacity, window } = consumption
  if (sampleCount > capacity) {
    return { ok: false, reason: `${sampleCount} samples do not fit, ${capacity} do` }
  }
  const { computeFrom, computeTo, downloadBlocks, uploadBlocks } = window
  const forward = slotsBetween(CONTROL_SLOTS, computeFrom)
  const download = taken(pool.blocks, forward, downloadBlocks)
  const upload = taken(pool.blocks, slotsBetween(computeTo, pool.slots).reverse(), uploadBlocks)
  const flopCount = sampleCount * needs.flopsPerSample
  const compute = taken(pool.flops, slotsBetween(computeFrom, computeTo), flopCount)
  const busyUnits = compute.map((flops, slot) => (flops > 0 ? unitsBusy(pool, slot, flops) : 0))
  const computeSlots = spanOf(compute, computeFrom)
  return {
    ok: true,
    allocation: {
      downloadSlots: spanOf(download, CONTROL_SLOTS),
      computeSlots,
      uploadSlots: spanOf(upload, computeTo),
      downloadBlocks,
      uploadBlocks,
      computingShare: sum(busyUnits) / Math.max(1, computeSlots[1] - computeSlots[0]),
    },
    residual: {
      ...pool,
      blocks: pool.blocks.map((free, slot) => free - at(download, slot) - at(upload, slot)),
      flops: pool.flops.map((free, slot) => free - at(compute, slot)),
      units: pool.units.map((free, slot) => Math.max(0, free - at(busyUnits, slot))),
    },
  }
}

/** Takes `amount` from the slots in the order given, as much as each has. */
function taken(free: Float64Array, order: readonly number[], amount: number): Float64Array {
  const cells = new Float64Array(free.length)
  let rest = amount
  for (const slot of order) {
    const part = Math.min(at(free, slot), rest)
    cells[slot] = part
    rest -= part
  }
  return cells
}

/** The units of a slot share its computing evenly, so busy units are in proportion to FLOP. */
function unitsBusy(pool: SlotPool, slot: number, flops: number): number {
  return (at(pool.units, slot) * flops) / at(pool.flops, slot)
}

/** From the first to the last slot in use; empty at `otherwise` when none is. */
function spanOf(cells: Float64Array, otherwise: number): SlotRange {
  const first = cells.findIndex(cell => cell > 0)
  return first < 0 ? [otherwise, otherwise] : [first, cells.findLastIndex(cell => cell > 0) + 1]
}

function slotsBetween(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, offset) => from + offset)
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0)
}

function at(values: Float64Array, index: number): number {
  const value = values[index]
  if (value === undefined) throw new RangeError(`no slot ${index} of ${values.length}`)
  return value
}
