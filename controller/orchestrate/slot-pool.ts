import { cellOf, type Matrix } from '../../protocol/matrix.ts'
import type { FrequencyPool, LinkFigures, Urp } from '../../protocol/urp.ts'

/** Slot 0 of each CR is the control slot (URPs in, matching, assignments out): nobody uses it. */
export const CONTROL_SLOTS = 1

/**
 * What is free for one device and one link in one CR, slot by slot: the counting form of the two
 * URP matrices (GainNet, III-B). Blocks of a slot are interchangeable, so their number suffices.
 */
export interface SlotPool {
  readonly slots: number
  readonly slotSeconds: number
  /** b_k: whole free resource blocks in slot k; 0 in the control slot. */
  readonly blocks: Float64Array
  /** f_k: free computing in slot k, in FLOP; 0 in the control slot. */
  readonly flops: Float64Array
  /** Units (cores) that give f_k when kept busy, e.g. 0.8. */
  readonly units: Float64Array
  /** Blocks and FLOP of a wholly free CR without its control slot, for shares. */
  readonly blocksMax: number
  readonly flopsMax: number
  readonly downlinkBitsPerBlock: number
  readonly uplinkBitsPerBlock: number
}

export type SlotPoolResult =
  | { readonly ok: true; readonly pool: SlotPool }
  | { readonly ok: false; readonly reason: string }

export interface SlotPoolContext {
  readonly link: string
  readonly nowMs: number
  /** How the communication round is cut: a URP with another cut tells nothing of its slots. */
  readonly slots: number
  readonly slotMs: number
}

/** The pool that a URP offers over one link, or why it offers none. */
export function slotPoolFromUrp(
  urp: Urp,
  { link, nowMs, slots, slotMs }: SlotPoolContext,
): SlotPoolResult {
  if (urp.slots !== slots || urp.slotMs !== slotMs) {
    const cuts = `${urp.slots} x ${urp.slotMs} ms, the round into ${slots} x ${slotMs} ms`
    return refusal(`the URP is cut into ${cuts}`)
  }
  if (!(Date.parse(urp.validUntil) > nowMs)) return refusal(`the URP expired at ${urp.validUntil}`)
  const frequency = poolOfLink(urp, link)
  if (frequency === undefined) return refusal(`no resource blocks are reported for link ${link}`)
  const goodput = goodputOf(urp.links.find(figures => figures.link === link))
  if (!goodput.ok) return refusal(`${goodput.reason} on link ${link}`)
  const { units, availability } = urp.computing
  if (units.length === 0) return refusal('no computing unit is reported')
  const shapeFault =
    shapeFaultOf('resource block', frequency.availability, urp.slots, frequency.blockCount) ??
    shapeFaultOf('computing', availability, urp.slots, units.length)
  if (shapeFault !== null) return refusal(shapeFault)
  return { ok: true, pool: poolOf(urp, frequency, goodput) }
}

/**
 * The pool whose blocks carry the goodput that was measured over the link: shares of it, or where there
 * are none the blocks of its spectrum. What radios hear of other bands has link ids of its own.
 */
function poolOfLink({ frequency }: Urp, link: string): FrequencyPool | undefined {
  const pools = frequency.filter(pool => pool.link === link)
  return pools.find(({ kind }) => kind === 'link-share') ?? pools[0]
}

function poolOf(
  urp: Urp,
  { availability, blockCount }: FrequencyPool,
  { down, up }: { readonly down: number; readonly up: number },
): SlotPool {
  const { slots } = urp
  const slotSeconds = urp.slotMs / 1000
  const usable = Array.from({ length: slots }, (_, slot) => slot >= CONTROL_SLOTS)
  const computing = usable.map((isUsable, slot) =>
    isUsable ? freeComputing(urp, slot) : { units: 0, flopsPerSecond: 0 },
  )
  const usableSlots = Math.max(0, slots - CONTROL_SLOTS)
  return {
    slots,
    slotSeconds,
    blocks: Float64Array.from(usable, (isUsable, slot) =>
      isUsable ? wholeBlocks(availability, slot) : 0,
    ),
    flops: Float64Array.from(computing, one => one.flopsPerSecond * slotSeconds),
    units: Float64Array.from(computing, one => one.units),
    blocksMax: blockCount * usableSlots,
    flopsMax: peakFlopsPerSecond(urp) * slotSeconds * usableSlots,
    downlinkBitsPerBlock: (down / blockCount) * slotSeconds,
    uplinkBitsPerBlock: (up / blockCount) * slotSeconds,
  }
}

/**
 * Availabilities travel as halves: rounding takes up to 2^-12 of each (11 significant bits), which
 * must not cost a whole block when ten blocks of 0.9 are free.
 */
function wholeBlocks(availability: Matrix, slot: number): number {
  let sum = availability.columns * 2 ** -12
  for (let block = 0; block < availability.columns; block++)
    sum += freeShare(availability, slot, block)
  return Math.min(Math.floor(sum), availability.columns)
}

/** What is no number or below 0 is free of nothing. */
function freeShare(availability: Matrix, slot: number, column: number): number {
  const share = cellOf(availability, slot, column)
  return share > 0 ? Math.min(1, share) : 0
}

function flopsPerSecondOf(unit: Urp['computing']['units'][number]): number {
  const rate = unit.peakFlopsPerSecond * unit.sustainedFactor
  return rate > 0 && Number.isFinite(rate) ? rate : 0
}

/** A run on t threads uses the t units at most that have the most to give in the slot. */
function freeComputing(urp: Urp, slot: number): { units: number; flopsPerSecond: number } {
  const { units, availability, threads } = urp.computing
  return units
    .map((unit, column) => {
      const free = freeShare(availability, slot, column)
      return { free, flopsPerSecond: free * flopsPerSecondOf(unit) }
    })
    .sort((a, b) => b.flopsPerSecond - a.flopsPerSecond)
    .slice(0, threads)
    .reduce(
      (sum, unit) => ({
        units: sum.units + unit.free,
        flopsPerSecond: sum.flopsPerSecond + unit.flopsPerSecond,
      }),
      { units: 0, flopsPerSecond: 0 },
    )
}

function peakFlopsPerSecond(urp: Urp): number {
  return urp.computing.units
    .map(flopsPerSecondOf)
    .sort((a, b) => b - a)
    .slice(0, urp.computing.threads)
    .reduce((sum, rate) => sum + rate, 0)
}

type Goodput =
  | { readonly ok: true; readonly down: number; readonly up: number }
  | { readonly ok: false; readonly reason: string }

function goodputOf(figures: LinkFigures | undefined): Goodput {
  const down = figures?.downlinkBitsPerSecond?.p50
  const up = figures?.uplinkBitsPerSecond?.p50
  if (down === undefined) return refusal('no downlink goodput was measured')
  if (up === undefined) return refusal('no uplink goodput was measured')
  if (down === 0 || up === 0) return refusal('the measured goodput is 0')
  if (![down, up].every(rate => rate > 0 && Number.isFinite(rate))) {
    return refusal(`the goodput of ${down} bit/s down and ${up} bit/s up is no rate`)
  }
  return { ok: true, down, up }
}

function shapeFaultOf(
  name: string,
  { rows, columns }: Matrix,
  slots: number,
  count: number,
): string | null {
  if (rows === slots && columns === count) return null
  return `the ${name} matrix is ${rows} x ${columns} for ${slots} slots and ${count} columns`
}

function refusal(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason }
}
