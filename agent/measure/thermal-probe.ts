import { join } from 'node:path'
import {
  isSlowed,
  readThermalZones,
  readThrottleBits,
  type ThermalZone,
  type ThrottleBits,
} from './conditions.ts'
import type { Figure, Probe } from './probe.ts'

export interface ThermalValues {
  readonly zones: readonly ThermalZone[]
  /** Of the hottest zone. */
  readonly temperatureCelsius?: number
  /** Only where the firmware of the board tells (Raspberry Pi). */
  readonly throttle?: ThrottleBits
}

export const thermalProbe: Probe<ThermalValues> = {
  name: 'thermal',
  durationMsMax: 2000,
  async read({ sysRoot }) {
    const [zones, throttle] = await Promise.all([
      readThermalZones(sysRoot),
      readThrottleBits(sysRoot),
    ])
    if (zones.length === 0 && !throttle) {
      return { status: 'absent', reason: `no thermal zone in ${join(sysRoot, 'class/thermal')}` }
    }
    const hottest = Math.max(...zones.map(zone => zone.temperatureCelsius))
    const values: ThermalValues = {
      zones,
      ...(zones.length > 0 ? { temperatureCelsius: hottest } : {}),
      ...(throttle ? { throttle } : {}),
    }
    return {
      status: 'ok',
      values,
      figures: figuresOf(values),
      method: throttle ? 'thermal zones, get_throttled' : 'thermal zones',
      conditions: {
        ...(zones.length > 0 ? { temperatureCelsius: hottest } : {}),
        ...(throttle ? { throttled: isSlowed(throttle) } : {}),
      },
    }
  },
}

function figuresOf({ zones, throttle }: ThermalValues): Figure[] {
  const temperatures = zones.map(({ type, temperatureCelsius }) => ({
    name: type,
    value: temperatureCelsius.toFixed(1),
    unit: '°C',
  }))
  if (!throttle) return temperatures
  const yesNo = (is: boolean): string => (is ? 'yes' : 'no')
  return [
    ...temperatures,
    { name: 'slowed down now', value: yesNo(isSlowed(throttle)), unit: '' },
    { name: 'under-voltage now', value: yesNo(throttle.underVoltage), unit: '' },
    { name: 'either since boot', value: yesNo(throttle.hasHappened), unit: '' },
  ]
}
