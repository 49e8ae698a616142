import { cellOf } from '../../protocol/matrix.ts'
import type { UplinkPower } from '../../protocol/uplink-power.ts'
import type { FrequencyPool, LinkFigures, Urp } from '../../protocol/urp.ts'
import { averagePower, waterFill } from './water-filling.ts'

/** Bit/s/Hz beyond which no radio here gains anything: 1024-QAM with a rate of 5/6 (IEEE 802.11ax, 27.5). */
const EFFICIENCY_MAX = 8.33
const SNR_MAX_DB = 10 * Math.log10(2 ** EFFICIENCY_MAX - 1)
/** Above what is needed, for fading. */
const MARGIN_DB = 6
const CHANGE_MAX_DB = 6
const LOWER_MAX_DB = 20
/** Of the even share: no block may stand out by more than 6 dB. */
const CAP = 4
/** Blocks that differ by less than this in gain are served evenly: it loses less than can be measured. */
const SPREAD_MIN = 0.02

/**
 * Power for the uplink of one device by the figures of its URP: the signal to noise ratio of the link, and
 * in each resource block the share of time in which it is free. Blocks of one device do not disturb each
 * other, so that water-filling is exact and takes microseconds: no learned model is asked. Null where
 * the signal to noise ratio of the link is not known.
 */
export function adviseUplinkPower(urp: Urp | undefined, link: string): UplinkPower | null {
  const pool = urp?.frequency.find(one => one.link === link)
  const figures = urp?.links.find(one => one.link === link)
  if (pool === undefined || figures === undefined) return null
  const snrDb = snrDbOf(figures, pool)
  if (snrDb === null) return null
  const gains = gainsOf(pool, 10 ** (snrDb / 10))
  const blocks = gains.length
  const caps = new Float64Array(blocks).fill(Math.min(1, CAP / blocks))
  const rows = { gains, channels: blocks, budget: 1, caps }
  const [least, most] = [Math.min(...gains), Math.max(...gains)]
  const isEven = most - least <= SPREAD_MIN * most
  return {
    method: isEven ? 'even' : 'water-filling',
    reason: isEven
      ? 'all resource blocks are as good: the even allocation is exact'
      : 'exact, and cheaper than a learned model where blocks do not disturb each other',
    shares: [...(isEven ? averagePower(rows) : waterFill(rows))],
    snrDb,
    changeDb: changeOf(snrDb),
  }
}

/**
 * As a modem measured it; else of Wi-Fi the level over the noise, which is of the way down and stands for
 * both; else what the goodput needs at least (Shannon 1948).
 */
function snrDbOf(figures: LinkFigures, pool: FrequencyPool): number | null {
  const { cell, channel } = figures
  if (cell?.sinrDb !== undefined) return withinDb(cell.sinrDb)
  const levelDbm = figures.interface?.rssiDbm
  if (levelDbm !== undefined && channel?.noiseDbm !== undefined) {
    return withinDb(levelDbm - channel.noiseDbm)
  }
  const goodput = figures.uplinkBitsPerSecond?.p50
  if (goodput === undefined || goodput === 0 || pool.blockWidthHz === undefined) return null
  const efficiency = goodput / (pool.blockWidthHz * pool.blockCount)
  return withinDb(10 * Math.log10(2 ** Math.min(40, efficiency) - 1))
}

/** A device that claims more is not believed that. */
function withinDb(decibels: number): number {
  return Math.max(-60, Math.min(120, decibels))
}

/**
 * For each unit of the power in all, which was spread evenly when the link was measured. A block that is
 * not free a part of the time carries nothing in it.
 */
function gainsOf({ availability, blockCount }: FrequencyPool, snr: number): Float64Array {
  const { rows, columns } = availability
  return Float64Array.from({ length: Math.min(blockCount, columns) }, (_, block) => {
    let free = 0
    for (let slot = 0; slot < rows; slot++) free += cellOf(availability, slot, block)
    return (snr * blockCount * free) / Math.max(1, rows)
  })
}

/** Less where the best modulation needs less, more where the link is short of it. */
function changeOf(snrDb: number): number {
  const missing = SNR_MAX_DB + MARGIN_DB - snrDb
  return Math.max(-LOWER_MAX_DB, Math.min(CHANGE_MAX_DB, missing))
}
