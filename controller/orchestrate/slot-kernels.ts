import { CONTROL_SLOTS } from './slot-pool.ts'

/**
 * The slot computations of the achievable workload on plain arrays, so that a decision over many
 * devices, models and rounds allocates nothing. What they mean, and why they are exact, stands in
 * `workload.ts`, whose functions call these.
 */

/** Pools of one or many devices in one array: device d has slots [d·K, (d + 1)·K). */
export interface SlotArrays {
  readonly blocks: Float64Array
  readonly flops: Float64Array
}

/** The figures of one kind of sample that the kernel needs: see SensingClass. */
export interface SensedClass {
  readonly samplesPerSnapshot: number
  readonly snapshotsPerSlotMax: number
  readonly blocksPerSnapshot: number
  readonly flopsPerSample: number
}

/** Kinds of sample that one model can use at most. */
const CLASSES_MAX = 8
const backlog = new Float64Array(CLASSES_MAX)

/** Sums of slot figures carry rounding: 3 x 0.1 must pay for 0.3. */
const ROUNDING = 1e-9

export function wholeSamples(samples: number): number {
  return Math.floor(samples + ROUNDING)
}

/** Blocks that carry a payload; infinitely many where a block carries nothing. */
export function blocksFor(bits: number, bitsPerBlock: number): number {
  return Math.max(0, Math.ceil(bits / bitsPerBlock - ROUNDING))
}

/** G(ρ, m) of classes that stand in the order of their cost, the cheapest first. */
export function samplesSensed(
  { blocks, flops }: SlotArrays,
  offset: number,
  slots: number,
  cheapestFirst: readonly SensedClass[],
): number {
  if (cheapestFirst.length > CLASSES_MAX) throw new RangeError('too many kinds of sample')
  backlog.fill(0)
  let completed = 0
  for (let slot = offset + CONTROL_SLOTS; slot < offset + slots; slot++) {
    let flopsLeft = flops[slot] ?? 0
    const freeBlocks = blocks[slot] ?? 0
    for (let index = 0; index < cheapestFirst.length; index++) {
      const one = cheapestFirst[index] as SensedClass
      const waiting = (backlog[index] ?? 0) + snapshotsIn(freeBlocks, one) * one.samplesPerSnapshot
      const affordable = one.flopsPerSample > 0 ? flopsLeft / one.flopsPerSample : waiting
      const served = Math.min(waiting, affordable)
      backlog[index] = waiting - served
      flopsLeft -= served * one.flopsPerSample
      completed += served
    }
  }
  return wholeSamples(completed)
}

/** At most one class of a model may take blocks: two would both count the same free ones. */
function snapshotsIn(freeBlocks: number, one: SensedClass): number {
  if (one.blocksPerSnapshot === 0) return one.snapshotsPerSlotMax
  return Math.min(one.snapshotsPerSlotMax, Math.floor(freeBlocks / one.blocksPerSnapshot))
}

/** k1: slots from the start of the CR whose blocks carry the download; -1 where all do not. */
export function downloadEnd(blocks: Float64Array, o: SlotSpan, downloadBlocks: number): number {
  let slot = o.from
  for (let carried = 0; carried < downloadBlocks; slot++) {
    if (slot >= o.to) return -1
    carried += blocks[o.offset + slot] ?? 0
  }
  return slot
}

/** k2: the slot from which on the blocks carry the upload; -1 where all do not. */
export function uploadStart(blocks: Float64Array, o: SlotSpan, uploadBlocks: number): number {
  let slot = o.to
  for (let carried = 0; carried < uploadBlocks; ) {
    if (slot <= o.from) return -1
    carried += blocks[o.offset + --slot] ?? 0
  }
  return slot
}

/** Slots [from, to) of the device whose slots begin at `offset`. */
export interface SlotSpan {
  readonly offset: number
  readonly from: number
  readonly to: number
}

export function sumOver(values: Float64Array, from: number, to: number): number {
  let sum = 0
  for (let slot = from; slot < to; slot++) sum += values[slot] ?? 0
  return sum
}

/** The slots of one device in pools of one or many. */
export interface Stretch extends SlotArrays {
  readonly offset: number
}

export function copyStretch(from: SlotArrays, at: number, slots: number, to: Stretch): void {
  for (let slot = 0; slot < slots; slot++) {
    to.blocks[to.offset + slot] = from.blocks[at + slot] ?? 0
    to.flops[to.offset + slot] = from.flops[at + slot] ?? 0
  }
}

/** Takes from slots [from, to) as much as each has, the earliest first. */
export function takeForward(free: Float64Array, from: number, to: number, amount: number): void {
  let rest = amount
  for (let slot = from; slot < to && rest > 0; slot++) {
    const part = Math.min(free[slot] ?? 0, rest)
    free[slot] = (free[slot] ?? 0) - part
    rest -= part
  }
}

/** The same, the latest first. */
export function takeBackward(free: Float64Array, from: number, to: number, amount: number): void {
  let rest = amount
  for (let slot = to - 1; slot >= from && rest > 0; slot--) {
    const part = Math.min(free[slot] ?? 0, rest)
    free[slot] = (free[slot] ?? 0) - part
    rest -= part
  }
}
