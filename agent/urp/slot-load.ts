import { join } from 'node:path'
import type { Matrix } from '../../protocol/matrix.ts'
import { matrixOf } from '../../protocol/matrix.ts'
import { type Clock, systemClock } from '../../runtime/clock.ts'
import { type CoreTicks, freeShare, parseCoreTicks } from '../measure/cpu-ticks.ts'
import { readKernelTextNow } from '../measure/kernel-file.ts'
import { type GroupUse, groupFreeCores, readGroupUse } from './group-load.ts'
import { type InterfaceBytes, linkFreeShare, parseInterfaceBytes } from './link-load.ts'
import { type MemoryLevel, memoryFreeShare, readMemoryLevel } from './memory-load.ts'

/** What one communication round was like; NaN where not measured. */
export interface RoundLoad {
  /** Free share of each core, slots x units. */
  readonly computing: Matrix
  /** Free share of the link, slots x 1. */
  readonly link: Matrix
  /** Free share of the memory, slots x 1. */
  readonly memory: Matrix
}

export interface LinkLoadOptions {
  readonly interfaceName: string
  /** Measured goodput in both directions; undefined while it is not known. */
  readonly capacity: () => LinkCapacity | undefined
  /** Bytes that we ourselves have sent and received so far: they do not count as load. */
  readonly ownBytes?: () => InterfaceBytes
}

export interface LinkCapacity {
  readonly downlinkBitsPerSecond: number
  readonly uplinkBitsPerSecond: number
}

export interface SlotLoadOptions {
  readonly procRoot: string
  readonly sysRoot: string
  readonly slots: number
  readonly slotMs: number
  /** Units in the order of the matrix columns: cpu0, cpu1 … */
  readonly units: readonly string[]
  /** Availability of a unit is never more than this. */
  readonly computingShareMax: number
  /** Offered whatever the load is: the owner vouches for it. */
  readonly computingShareReserved?: number
  readonly link?: LinkLoadOptions
  readonly clock?: Clock
}

interface Edge {
  readonly slot: number
  readonly atMs: number
  readonly ticks: ReadonlyMap<string, CoreTicks>
  readonly network: InterfaceBytes | undefined
  readonly own: InterfaceBytes
  readonly memory: MemoryLevel | undefined
  readonly group: GroupUse | undefined
}

const NO_BYTES: InterfaceBytes = { receivedBytes: 0, sentBytes: 0 }

/** How free cores, memory and link were in each slot, from the kernel's counters at the slots' edges. */
export class SlotLoad {
  readonly #options: SlotLoadOptions
  readonly #clock: Clock
  #edge: Edge | undefined
  #computing: Float32Array
  #link: Float32Array
  #memory: Float32Array

  constructor(options: SlotLoadOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#computing = new Float32Array(options.slots * options.units.length).fill(Number.NaN)
    this.#link = new Float32Array(options.slots).fill(Number.NaN)
    this.#memory = new Float32Array(options.slots).fill(Number.NaN)
  }

  /**
   * To be called when slot `slotIndex` begins: what was used since the last edge belongs to the slot
   * before. Returns the round that ended where the index starts over, and undefined otherwise.
   */
  edge(slotIndex: number): RoundLoad | undefined {
    const { slots, slotMs } = this.#options
    if (!(slotIndex >= 0 && slotIndex < slots)) throw new RangeError(`no slot ${slotIndex}`)
    const last = this.#edge
    const edge = this.#read(slotIndex)
    this.#edge = edge
    if (!last) return undefined
    // A board that slept or a timer that came late says nothing about one slot.
    const isNext = (last.slot + 1) % slots === slotIndex && edge.atMs - last.atMs < 1.5 * slotMs
    if (isNext) this.#note(last, edge)
    if (slotIndex > last.slot) return undefined
    const ended = this.current()
    this.#computing = this.#computing.map(() => Number.NaN)
    this.#link = this.#link.map(() => Number.NaN)
    this.#memory = this.#memory.map(() => Number.NaN)
    return ended
  }

  /** The round that runs: NaN from the present slot on. */
  current(): RoundLoad {
    const { slots, units } = this.#options
    return {
      computing: { rows: slots, columns: units.length, values: this.#computing.slice() },
      link: { rows: slots, columns: 1, values: this.#link.slice() },
      memory: { rows: slots, columns: 1, values: this.#memory.slice() },
    }
  }

  #note(before: Edge, after: Edge): void {
    const { units, computingShareMax, computingShareReserved = 0 } = this.#options
    const durationMs = after.atMs - before.atMs
    const groupFree = groupFreeCores(before.group, after.group, durationMs) / units.length
    for (const [column, unit] of units.entries()) {
      const idle = freeShare(before.ticks.get(unit), after.ticks.get(unit))
      // A core that was not seen stays unknown, whatever the quota leaves.
      const free = Number.isNaN(groupFree) ? idle : Math.min(idle, groupFree)
      this.#computing[before.slot * units.length + column] = Math.min(
        Math.max(free, computingShareReserved),
        computingShareMax,
      )
    }
    this.#link[before.slot] = this.#linkFree(before, after)
    this.#memory[before.slot] = memoryFreeShare(before.memory, after.memory, durationMs)
  }

  #linkFree(before: Edge, after: Edge): number {
    const capacity = this.#options.link?.capacity()
    if (!capacity || !before.network || !after.network) return Number.NaN
    return linkFreeShare({
      before: less(before.network, before.own),
      after: less(after.network, after.own),
      durationMs: after.atMs - before.atMs,
      capacity,
    })
  }

  #read(slot: number): Edge {
    const { procRoot, sysRoot, link } = this.#options
    const roots = { procRoot, sysRoot }
    return {
      slot,
      atMs: this.#clock.now(),
      ticks: parseCoreTicks(readKernelTextNow(join(procRoot, 'stat')) ?? ''),
      network: link
        ? parseInterfaceBytes(readKernelTextNow(join(procRoot, 'net/dev')) ?? '').get(
            link.interfaceName,
          )
        : undefined,
      own: link?.ownBytes?.() ?? NO_BYTES,
      memory: readMemoryLevel(roots),
      group: readGroupUse(roots),
    }
  }
}

function less(all: InterfaceBytes, own: InterfaceBytes): InterfaceBytes {
  return {
    receivedBytes: all.receivedBytes - own.receivedBytes,
    sentBytes: all.sentBytes - own.sentBytes,
  }
}

/**
 * Free share of the link as resource blocks, filled from the first: whole blocks, then one in part.
 * Blocks of one slot are interchangeable, so that their sum is all that counts.
 */
export function blocksOf(linkFree: Matrix, blockCount: number): Matrix {
  return matrixOf(linkFree.rows, blockCount, (slot, block) => {
    const share = linkFree.values[slot] ?? 0
    return Math.min(1, Math.max(0, share * blockCount - block))
  })
}
