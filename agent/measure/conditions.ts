import { readCores } from './cores.ts'
import type { BoardRoots, Conditions } from './probe.ts'
import { hottest, readThermalZones } from './thermal-zones.ts'
import { isSlowed, readThrottleBits, type ThrottleBits } from './throttle-bits.ts'

/** The hottest zone, the fastest core now, and whether the board slows itself down. */
export async function readConditions(roots: BoardRoots): Promise<Conditions> {
  const [zones, bits, cores] = await Promise.all([
    readThermalZones(roots.sysRoot),
    readThrottleBits(roots.sysRoot),
    readCores(roots),
  ])
  const frequencies = cores.flatMap(({ frequencyHz }) => frequencyHz ?? [])
  const temperatureCelsius = hottest(zones)
  return {
    ...(temperatureCelsius === undefined ? {} : { temperatureCelsius }),
    ...(frequencies.length > 0 ? { frequencyHz: Math.max(...frequencies) } : {}),
    ...conditionsOfBits(bits),
  }
}

export function conditionsOfBits(
  bits: ThrottleBits | undefined,
): Pick<Conditions, 'throttled' | 'underVoltage'> {
  return bits ? { throttled: isSlowed(bits), underVoltage: bits.now.underVoltage } : {}
}
