import { join } from 'node:path'
import { readSlowness } from './conditions.ts'
import { whyNone } from './kernel-file.ts'
import type { Probe } from './probe.ts'
import { hottest, readThermalZones, type ThermalZone } from './thermal-zones.ts'

export interface ThermalValues {
  readonly zones: readonly ThermalZone[]
  /** Of the hottest zone. */
  readonly temperatureCelsius: number
}

export const thermalProbe: Probe<ThermalValues> = {
  name: 'thermal',
  durationMsMax: 2000,
  async read({ sysRoot }) {
    const discarded: string[] = []
    const zones = await readThermalZones(sysRoot, discarded)
    const temperatureCelsius = hottest(zones)
    if (temperatureCelsius === undefined) {
      const [first] = discarded
      const folder = join(sysRoot, 'class/thermal')
      return { status: 'absent', reason: first ?? (await whyNone('thermal zone', folder)) }
    }
    return {
      status: 'ok',
      values: { zones, temperatureCelsius },
      figures: zones.map(zone => ({
        name: zone.type,
        value: zone.temperatureCelsius.toFixed(1),
        unit: '°C',
      })),
      method: 'thermal zones',
      conditions: { temperatureCelsius, ...(await readSlowness(sysRoot)) },
      discarded,
    }
  },
}
