import { join } from 'node:path'
import { readCores } from './cores.ts'
import { readKernelNames, readKernelNumber, readKernelText } from './kernel-file.ts'
import type { BoardRoots, Conditions } from './probe.ts'

export interface ThermalZone {
  readonly type: string
  readonly temperatureCelsius: number
}

/** Zones with a believable temperature: a Jetson reports -256 °C for a zone without power. */
export async function readThermalZones(sysRoot: string): Promise<ThermalZone[]> {
  const CELSIUS_MIN = -60
  const folder = join(sysRoot, 'class/thermal')
  const names = (await readKernelNames(folder)).filter(name => name.startsWith('thermal_zone'))
  const zones = await Promise.all(
    names.map(async name => {
      const milliCelsius = await readKernelNumber(join(folder, name, 'temp'))
      const type = (await readKernelText(join(folder, name, 'type'))) ?? name
      return milliCelsius === undefined
        ? []
        : [{ type: type.toLowerCase(), temperatureCelsius: milliCelsius / 1000 }]
    }),
  )
  return zones.flat().filter(zone => zone.temperatureCelsius > CELSIUS_MIN)
}

/** What the firmware of a Raspberry Pi says about its supply and its heat. */
export interface ThrottleBits {
  readonly underVoltage: boolean
  readonly frequencyCapped: boolean
  readonly throttled: boolean
  readonly softTemperatureLimit: boolean
  /** One of these has been so since the board was started. */
  readonly hasHappened: boolean
}

/** Bits 0 to 3 are now, 16 to 19 since boot (Raspberry Pi documentation, get_throttled). */
export function parseThrottleBits(word: number): ThrottleBits {
  const bit = (index: number): boolean => ((word >>> index) & 1) === 1
  return {
    underVoltage: bit(0),
    frequencyCapped: bit(1),
    throttled: bit(2),
    softTemperatureLimit: bit(3),
    hasHappened: (word & 0xf0000) !== 0,
  }
}

// devices/platform/soc*/*firmware*/get_throttled: the node's name differs from Pi 4 to Pi 5.
export async function readThrottleBits(sysRoot: string): Promise<ThrottleBits | undefined> {
  const platform = join(sysRoot, 'devices/platform')
  for (const soc of (await readKernelNames(platform)).filter(name => name.startsWith('soc'))) {
    const nodes = await readKernelNames(join(platform, soc))
    for (const node of nodes.filter(name => name.includes('firmware'))) {
      const hexadecimal = await readKernelText(join(platform, soc, node, 'get_throttled'))
      const word = Number.parseInt(hexadecimal ?? '', 16)
      if (Number.isInteger(word)) return parseThrottleBits(word)
    }
  }
  return undefined
}

/** The hottest zone, the fastest core now, and whether the board slows itself down. */
export async function readConditions(roots: BoardRoots): Promise<Conditions> {
  const [zones, bits, cores] = await Promise.all([
    readThermalZones(roots.sysRoot),
    readThrottleBits(roots.sysRoot),
    readCores(roots),
  ])
  const frequencies = cores.flatMap(({ frequencyHz }) => frequencyHz ?? [])
  return {
    ...(zones.length > 0
      ? { temperatureCelsius: Math.max(...zones.map(zone => zone.temperatureCelsius)) }
      : {}),
    ...(frequencies.length > 0 ? { frequencyHz: Math.max(...frequencies) } : {}),
    ...(bits ? { throttled: isSlowed(bits) } : {}),
  }
}

export function isSlowed(bits: ThrottleBits): boolean {
  return bits.frequencyCapped || bits.throttled || bits.softTemperatureLimit
}
