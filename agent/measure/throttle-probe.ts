import { join } from 'node:path'
import { slowness } from './conditions.ts'
import { findHwmon } from './hwmon.ts'
import { FIGURES, readFigure } from './kernel-figure.ts'
import { readKernelNames } from './kernel-file.ts'
import type { Figure, Probe } from './probe.ts'
import { readSupplyAlarm } from './supply-alarm.ts'
import {
  isSlowed,
  readThrottleBits,
  type ThrottleBits,
  type ThrottleFlags,
} from './throttle-bits.ts'

/** How often a protection has slowed the board since it was started. */
export interface ThrottleCount {
  readonly cause: string
  readonly count: number
}

export interface ThrottleValues {
  /** Raspberry Pi, where the kernel has the word. */
  readonly bits?: ThrottleBits
  /** Raspberry Pi: alarm of the supply, which newer kernels have instead of the word. */
  readonly underVoltageAlarm?: boolean
  /** Jetson Orin and x86: counts without a present state. */
  readonly counts: readonly ThrottleCount[]
}

/** Whether supply or heat slow the board down, now and since it was started. */
export const throttleProbe: Probe<ThrottleValues> = {
  name: 'throttle',
  durationMsMax: 2000,
  async read({ sysRoot }) {
    const discarded: string[] = []
    const source = { sysRoot, discarded }
    const bits = await readThrottleBits(sysRoot, discarded)
    const alarm = await readSupplyAlarm(sysRoot, discarded)
    const counts = [...(await readOverCurrents(source)), ...(await readCoreCounts(source))]
    if (!bits && alarm === undefined && counts.length === 0) {
      const nothing = `no get_throttled, rpi_volt, soctherm_oc or thermal_throttle in ${sysRoot}`
      return { status: 'absent', reason: discarded[0] ?? nothing }
    }
    const values: ThrottleValues = {
      ...(bits ? { bits } : {}),
      ...(alarm === undefined ? {} : { underVoltageAlarm: alarm }),
      counts,
    }
    return {
      status: 'ok',
      values,
      figures: figuresOf(values),
      method: methodOf(values),
      conditions: slowness({ bits, supplyAlarm: alarm }),
      discarded,
    }
  },
}

interface Source {
  readonly sysRoot: string
  readonly discarded: string[]
}

/** Jetson Linux Developer Guide, "Over-Current and Under-Voltage Protection" of the Orin series. */
const OVER_CURRENT_CAUSES = [
  { file: 'oc1_event_cnt', cause: 'under-voltage' },
  { file: 'oc2_event_cnt', cause: 'average over-current' },
  { file: 'oc3_event_cnt', cause: 'instantaneous over-current' },
] as const

async function readOverCurrents({ sysRoot, discarded }: Source): Promise<ThrottleCount[]> {
  const counts: ThrottleCount[] = []
  for (const folder of await findHwmon(sysRoot, 'soctherm_oc')) {
    for (const { file, cause } of OVER_CURRENT_CAUSES) {
      const path = `${folder}/${file}`
      const count = await readFigure({ root: sysRoot, path, kind: FIGURES.events, discarded })
      if (count !== undefined) counts.push({ cause, count })
    }
  }
  return counts
}

/** x86: the highest count of the cores (kernel, ABI/testing/sysfs-devices-system-cpu). */
async function readCoreCounts({ sysRoot, discarded }: Source): Promise<ThrottleCount[]> {
  const folder = 'devices/system/cpu'
  const names = await readKernelNames(join(sysRoot, folder))
  const counts = await Promise.all(
    names
      .filter(name => /^cpu\d+$/.test(name))
      .map(name =>
        readFigure({
          root: sysRoot,
          path: `${folder}/${name}/thermal_throttle/core_throttle_count`,
          kind: FIGURES.events,
          discarded,
        }),
      ),
  )
  const known = counts.filter(count => count !== undefined)
  return known.length > 0 ? [{ cause: 'heat of a core', count: Math.max(...known) }] : []
}

function methodOf({ bits, underVoltageAlarm, counts }: ThrottleValues): string {
  return [
    ...(bits ? ['get_throttled'] : []),
    ...(underVoltageAlarm === undefined ? [] : ['rpi_volt']),
    ...(counts.length > 0 ? ['counts since boot'] : []),
  ].join(', ')
}

const FLAG_NAMES: Readonly<Record<keyof ThrottleFlags, string>> = {
  underVoltage: 'under-voltage',
  frequencyCapped: 'frequency capped',
  throttled: 'throttled',
  softTemperatureLimit: 'soft temperature limit',
}

function figuresOf({ bits, underVoltageAlarm, counts }: ThrottleValues): Figure[] {
  const yesNo = (is: boolean): string => (is ? 'yes' : 'no')
  return [
    ...(bits
      ? [
          { name: 'slowed down now', value: yesNo(isSlowed(bits)), unit: '' },
          ...Object.entries(FLAG_NAMES).map(([flag, name]) => ({
            name,
            value: yesNo(bits.now[flag as keyof ThrottleFlags]),
            unit: bits.sinceBoot[flag as keyof ThrottleFlags] ? '(has been)' : '',
          })),
        ]
      : []),
    ...(underVoltageAlarm === undefined
      ? []
      : [{ name: 'supply too low', value: yesNo(underVoltageAlarm), unit: '' }]),
    ...counts.map(({ cause, count }) => ({ name: cause, value: String(count), unit: 'times' })),
  ]
}
