import { join } from 'node:path'
import { kernelNumberOf, readKernelText } from './kernel-file.ts'

/**
 * A quantity as the kernel writes it: what to multiply the written number by, and between which
 * bounds the figure is believed. A driver that fails, or that writes another unit than the documented
 * one, falls out of the bounds: they are chosen so that a thousandfold of a usual figure does.
 */
export interface FigureKind {
  readonly scale: number
  readonly min: number
  readonly max: number
  /** Figures nearer to zero than this are not believed. */
  readonly magnitudeMin?: number
  /** Of the figure, for people. */
  readonly unit: string
}

/** Kernel: driver-api/thermal/sysfs-api, hwmon/sysfs-interface, admin-guide/pm/cpufreq, devfreq. */
export const FIGURES = {
  /**
   * thermal_zone*\/temp. Silicon ends at 125 °C; a Jetson writes -256 °C for a zone without power.
   * Drivers write 0 for unknown and whole degrees read as hundredths: both are under 0.2 °C.
   */
  milliCelsius: { scale: 1e-3, min: -60, max: 150, magnitudeMin: 0.2, unit: '°C' },
  /** cpufreq/scaling_cur_freq. */
  kilohertz: { scale: 1e3, min: 1e7, max: 2e10, unit: 'Hz' },
  /** devfreq/cur_freq and the clocks of a Tegra's BPMP. */
  hertz: { scale: 1, min: 1e7, max: 2e10, unit: 'Hz' },
  /** `load` of the Tegra GPU (nvgpu, gk20a scale): 0 to 1000. */
  permille: { scale: 1e-3, min: 0, max: 1, unit: '' },
  /** hwmon in*_input; a rail below 0.3 V supplies nothing. */
  millivolts: { scale: 1e-3, min: 0.3, max: 60, unit: 'V' },
  /** hwmon curr*_input; a board draws less, and a reversed sense wire writes a negative number. */
  milliamperes: { scale: 1e-3, min: 0, max: 60, unit: 'A' },
  /** net/<interface>/speed; -1 is unknown (kernel, ABI/testing/sysfs-class-net). */
  megabits: { scale: 1e6, min: 1e6, max: 1e12, unit: 'bit/s' },
  /** cpu_capacity of the fastest core is 1024 (kernel, scheduler/sched-capacity). */
  capacity: { scale: 1, min: 1, max: 1024, unit: '' },
  /** Counters of events since boot. */
  events: { scale: 1, min: 0, max: 2 ** 32, unit: 'events' },
} as const satisfies Record<string, FigureKind>

export interface FigureSource {
  readonly root: string
  /** Below the root. */
  readonly path: string
  readonly kind: FigureKind
  /** Gets a line where the file says something that is not believed. */
  readonly discarded: string[]
}

/** The figure in a file, or undefined where there is none or none that can be believed. */
export async function readFigure(source: FigureSource): Promise<number | undefined> {
  const { root, path, kind, discarded } = source
  const text = await readKernelText(join(root, path))
  if (text === undefined) return undefined
  const figure = figureOf(text, kind)
  if (figure === undefined) discarded.push(`${path}: '${text.slice(0, 24)}' is not believed`)
  return figure
}

export function figureOf(text: string, kind: FigureKind): number | undefined {
  const number = kernelNumberOf(text)
  if (number === undefined) return undefined
  // Dividing by 1000 keeps the decimals that multiplying by 0.001 would blur.
  const figure = kind.scale < 1 ? number / Math.round(1 / kind.scale) : number * kind.scale
  const { min, max, magnitudeMin = 0 } = kind
  return figure >= min && figure <= max && Math.abs(figure) >= magnitudeMin ? figure : undefined
}
