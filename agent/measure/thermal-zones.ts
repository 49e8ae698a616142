import { join } from 'node:path'
import { FIGURES, readFigure } from './kernel-figure.ts'
import { readKernelNames, readKernelText } from './kernel-file.ts'

export interface ThermalZone {
  /** As the device tree or the firmware names it, in lower case: `cpu-thermal`, `x86_pkg_temp`. */
  readonly type: string
  readonly temperatureCelsius: number
}

/** A Jetson's zone of its power chip says 100 °C, or 50 on some, whatever the temperature is. */
const CONSTANT_ZONE = 'pmic-die'

/** Zones with a believable temperature; what was left out is added to `discarded`. */
export async function readThermalZones(
  sysRoot: string,
  discarded: string[] = [],
): Promise<ThermalZone[]> {
  const folder = 'class/thermal'
  const names = await readKernelNames(join(sysRoot, folder))
  const zones: ThermalZone[] = []
  for (const name of names.filter(each => each.startsWith('thermal_zone'))) {
    const type = ((await readKernelText(join(sysRoot, folder, name, 'type'))) || name).toLowerCase()
    if (type === CONSTANT_ZONE) {
      discarded.push(`${folder}/${name}/temp: ${type} is a constant`)
      continue
    }
    const temperatureCelsius = await readFigure({
      root: sysRoot,
      path: `${folder}/${name}/temp`,
      kind: FIGURES.milliCelsius,
      discarded,
    })
    if (temperatureCelsius !== undefined) zones.push({ type, temperatureCelsius })
  }
  return zones
}

/** Of the hottest zone; undefined where there is none. */
export function hottest(zones: readonly ThermalZone[]): number | undefined {
  const temperatures = zones.map(zone => zone.temperatureCelsius)
  return temperatures.length > 0 ? Math.max(...temperatures) : undefined
}
