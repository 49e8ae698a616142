import { join } from 'node:path'
import { findHwmon } from './hwmon.ts'
import { FIGURES, readFigure } from './kernel-figure.ts'
import { readKernelNames, readKernelText } from './kernel-file.ts'
import type { Probe } from './probe.ts'
import { writtenNumber } from './written.ts'

export interface PowerRail {
  readonly name: string
  readonly voltageVolts: number
  readonly currentAmperes: number
  readonly powerWatts: number
}

export interface PowerValues {
  readonly rails: readonly PowerRail[]
  /** What the whole board draws: its input rail, else the sum where every rail was read. */
  readonly powerWatts?: number
}

/** Rails that feed all others (Jetson Linux Developer Guide, "Power Monitors"). */
const INPUT_RAILS = ['VDD_IN', 'POM_5V_IN']

/** Power of each rail behind an INA3221 (kernel, hwmon/ina3221), as the Jetson modules have it. */
export const powerProbe: Probe<PowerValues> = {
  name: 'power',
  durationMsMax: 2000,
  async read({ sysRoot }) {
    const discarded: string[] = []
    const monitors = await findHwmon(sysRoot, 'ina3221')
    const all = await Promise.all(monitors.map(folder => readRails(folder, { sysRoot, discarded })))
    const labelled = all.flat()
    const rails = labelled.flatMap(({ rail }) => rail ?? [])
    if (rails.length === 0) {
      const nothing = `no rail of an ina3221 in ${join(sysRoot, 'class/hwmon')}`
      return { status: 'absent', reason: discarded[0] ?? nothing }
    }
    const total = totalOf(rails, { isComplete: rails.length === labelled.length })
    return {
      status: 'ok',
      values: { rails, ...(total ? { powerWatts: total.powerWatts } : {}) },
      figures: [
        ...rails.map(rail => ({
          name: rail.name,
          value: writtenNumber(rail.powerWatts),
          unit: 'W',
        })),
        ...(total ? [{ name: 'board', value: writtenNumber(total.powerWatts), unit: 'W' }] : []),
      ],
      method: `ina3221, ${total ? total.method : 'no total'}`,
      discarded,
    }
  },
}

interface LabelledRail {
  readonly rail: PowerRail | undefined
}

/** Channels 1 to 3; 4 to 6 are shunt voltages, 7 their sum. `NC` is a channel without a wire. */
async function readRails(
  folder: string,
  { sysRoot, discarded }: { readonly sysRoot: string; readonly discarded: string[] },
): Promise<LabelledRail[]> {
  const files = await readKernelNames(join(sysRoot, folder))
  const channels = files.flatMap(file => /^in([123])_label$/.exec(file)?.[1] ?? [])
  const rails: LabelledRail[] = []
  for (const channel of channels) {
    const name = (await readKernelText(join(sysRoot, folder, `in${channel}_label`))) ?? ''
    if (name === '' || name === 'NC') continue
    const read = (file: string, kind: 'millivolts' | 'milliamperes') =>
      readFigure({ root: sysRoot, path: `${folder}/${file}`, kind: FIGURES[kind], discarded })
    const voltageVolts = await read(`in${channel}_input`, 'millivolts')
    const currentAmperes = await read(`curr${channel}_input`, 'milliamperes')
    if (voltageVolts === undefined || currentAmperes === undefined) rails.push({ rail: undefined })
    else rails.push({ rail: railOf({ name, voltageVolts, currentAmperes }) })
  }
  return rails
}

function railOf(rail: Omit<PowerRail, 'powerWatts'>): PowerRail {
  const microwatts = Math.round(rail.voltageVolts * rail.currentAmperes * 1e6)
  return { ...rail, powerWatts: microwatts / 1e6 }
}

function totalOf(
  rails: readonly PowerRail[],
  { isComplete }: { readonly isComplete: boolean },
): { readonly powerWatts: number; readonly method: string } | undefined {
  const input = rails.find(({ name }) => INPUT_RAILS.includes(name))
  if (input) return { powerWatts: input.powerWatts, method: `board is ${input.name}` }
  // A sum in which a rail is missing would pass for the whole.
  if (!isComplete) return undefined
  const microwatts = rails.reduce((sum, { powerWatts }) => sum + Math.round(powerWatts * 1e6), 0)
  return { powerWatts: microwatts / 1e6, method: 'board is the sum of its rails' }
}
