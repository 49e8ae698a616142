import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { readTraces, traceFamilies } from '../../bench/forecast/trace-file.ts'
import { slotRates } from '../../bench/forecast/trace-slots.ts'
import type { MeasuredWorld } from '../../controller/simulate/scenario.ts'
import type { ScenarioOptions } from '../../controller/simulate/scenario-options.ts'
import { type Random, seededRandom } from '../../runtime/seeded-random.ts'

/** Measurements of real networks, by family: mean Mbit/s of CR after CR of each trace. */
export type MeasuredRates = ReadonlyMap<string, readonly Float64Array[]>

/** Traces of a family that are read: some dozens are as many links as a cell has. */
const TRACES_MAX = 40

/** The network traces of a folder, cut into CRs; empty where the folder is not there. */
export function readMeasuredRates(folder: string, options: ScenarioOptions): MeasuredRates {
  if (!existsSync(folder)) return new Map()
  const seconds = options.slots * options.slotSeconds
  const families = [...traceFamilies(folder)].map(([family, file]) => {
    const traces = readTraces(file).slice(0, TRACES_MAX)
    const rates = traces.map(trace => slotRates(trace, seconds))
    return [family, rates.filter(one => one.length > options.rounds + 1)] as const
  })
  return new Map(families.filter(([, rates]) => rates.length > 0))
}

/** Speeds of telephones beside their mean, from a table of benchmark scores. */
export function readRelativeSpeeds(file: string): readonly number[] {
  if (!existsSync(file)) return []
  const rows: unknown = JSON.parse(String(gunzipSync(readFileSync(file))))
  const scores = (Array.isArray(rows) ? rows : [])
    .map(row => Number(row?.CPU_F_AI_Score))
    .filter(score => score > 0)
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length
  return scores.map(score => score / mean)
}

/**
 * A cell whose links follow measured traces, each from a place of its own in one of them, and whose
 * processors are as fast beside each other as measured ones. The traces were taken in one
 * direction; here they stand for both.
 */
export function measuredWorld(
  rates: readonly Float64Array[],
  speeds: readonly number[],
  o: { readonly seed: number; readonly options: ScenarioOptions },
): MeasuredWorld {
  const random = seededRandom(o.seed)
  const { vehicles, servers, rounds } = o.options
  const links = Array.from({ length: vehicles * servers }, () => {
    const trace = drawnOf(rates, random) ?? new Float64Array()
    return { trace, from: Math.floor(random() * Math.max(1, trace.length - rounds - 1)) }
  })
  const relative = Array.from({ length: vehicles }, () => drawnOf(speeds, random) ?? 1)
  return {
    megabitsPerSecond: ({ vehicle, server }, cr) => {
      const link = links[vehicle * servers + server]
      const rate = link?.trace[link.from + cr]
      return rate !== undefined && rate > 0 ? rate : undefined
    },
    relativeSpeed: vehicle => relative[vehicle] ?? 1,
  }
}

function drawnOf<T>(list: readonly T[], random: Random): T | undefined {
  return list[Math.floor(random() * list.length)]
}

/** Where measurements lie beside the repository. */
export const MEASURED_FOLDERS = {
  traces: join('..', 'shared', 'data', 'network-traces'),
  speeds: join('..', 'shared', 'data', 'device-capacity', 'ai-benchmark-phones.json.gz'),
}
