import { type Core, readCore, readCores } from './cores.ts'
import type { BoardRoots, Conditions } from './probe.ts'
import { readSupplyAlarm } from './supply-alarm.ts'
import { hottest, readThermalZones } from './thermal-zones.ts'
import { isSlowed, readThrottleBits, type ThrottleBits } from './throttle-bits.ts'

/**
 * The hottest zone, the fastest core now, and whether the board slows itself down; of some cores only
 * where they are given.
 */
export async function readConditions(
  roots: BoardRoots,
  only?: readonly Pick<Core, 'index'>[],
): Promise<Conditions> {
  const [zones, slow, cores] = await Promise.all([
    readThermalZones(roots.sysRoot),
    readSlowness(roots.sysRoot),
    only ? Promise.all(only.map(({ index }) => readCore(index, roots))) : readCores(roots),
  ])
  const frequencies = cores.flatMap(({ frequencyHz }) => frequencyHz ?? [])
  const temperatureCelsius = hottest(zones)
  return {
    ...(temperatureCelsius === undefined ? {} : { temperatureCelsius }),
    ...(frequencies.length > 0 ? { frequencyHz: Math.max(...frequencies) } : {}),
    ...slow,
  }
}

type Slowness = Pick<Conditions, 'throttled' | 'underVoltage'>

export async function readSlowness(sysRoot: string): Promise<Slowness> {
  const bits = await readThrottleBits(sysRoot)
  return slowness({ bits, supplyAlarm: await readSupplyAlarm(sysRoot) })
}

/** What is not told is left out; the supply is too low where either source says so. */
export function slowness(o: {
  readonly bits: ThrottleBits | undefined
  readonly supplyAlarm: boolean | undefined
}): Slowness {
  const told = [o.bits?.now.underVoltage, o.supplyAlarm].filter(each => each !== undefined)
  return {
    ...(o.bits ? { throttled: isSlowed(o.bits) } : {}),
    ...(told.length > 0 ? { underVoltage: told.includes(true) } : {}),
  }
}
