import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { max, median, min } from 'simple-statistics'
import { createLogger, type Logger } from '../runtime/logger.ts'
import { PartStack } from '../runtime/shutdown.ts'
import type { Bench, BenchResult, BenchRow } from './bench-report.ts'
import { BandwidthUse, type Direction } from './slots/bandwidth-use.ts'
import { type ComputeRun, ComputeUse } from './slots/compute-use.ts'

// What is granted is what is used: less starves training of what the board has offered, more takes
// from who else lives there. Good enough: between 0.90 and 1.05 of the grant, over the slots, while
// there is more to do than was granted.
const GOAL = 'goal: every share between 0.90 and 1.05'

const RATES_MBIT = [1, 5, 20]
const DIRECTIONS: readonly Direction[] = ['down', 'up']
const CORES = [0.25, 0.5, 0.8]

export interface SlotsScale {
  readonly runs: number
  readonly transferMs: number
  readonly computeMs: number
}

const SCALE: SlotsScale = { runs: 5, transferMs: 4000, computeMs: 4000 }
const SCALE_QUICK: SlotsScale = { runs: 1, transferMs: 2500, computeMs: 3000 }

/** With less than that idle beside it, a run says more of who else was there than of the agent. */
const IDLE_CORES_MIN = 0.25
/** Tries for each run that is asked for. */
const TRIES = 2

const CONDITIONS = [
  'bandwidth: bytes on the agent’s socket over the slots, by the granted bits; the work is 1.5 grants',
  'compute: CPU time of the trainer by /proc over the slots, by the granted share of a core; endless work',
  'duty: the agent alone; cgroup: with a quota of the kernel around it',
  'low and high span the runs',
]

/** How much of an allocation the agent's own parts use when there is work for more. */
export const slots: Bench = {
  name: 'slots',
  description: 'what is used of an allocation: transfers and training',
  minutes: 5,
  run: ({ quick }) => measureSlots(quick ? SCALE_QUICK : SCALE),
}

export async function measureSlots(scale: SlotsScale): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'gainnet-bench-'))
  const log = createLogger({ daemon: 'bench', level: 'warn' })
  try {
    const bandwidth = await bandwidthRows(scale, folder, log)
    const { rows: compute, notes } = await computeRows(scale, log)
    const rows = [
      summary('use.bandwidth', bandwidth),
      summary('use.compute', compute),
      ...bandwidth,
      ...compute,
    ]
    return { rows, notes: [GOAL, ...CONDITIONS, ...notes] }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function bandwidthRows(
  { runs, transferMs }: SlotsScale,
  folder: string,
  log: Logger,
): Promise<BenchRow[]> {
  const parts = new PartStack(log)
  const rows: BenchRow[] = []
  try {
    const use = await BandwidthUse.start({ folder, parts, log })
    for (const direction of DIRECTIONS) {
      for (const rate of RATES_MBIT) {
        const o = { direction, bitsPerSecond: rate * 1e6, slotsMs: transferMs }
        const shares = await repeated(runs, () => use.share(o))
        rows.push(rowOf(`use.bandwidth.${direction}.${rate}mbit`, shares))
      }
    }
  } finally {
    await parts.stop()
  }
  return rows
}

async function computeRows(
  { runs, computeMs }: SlotsScale,
  log: Logger,
): Promise<{ readonly rows: readonly BenchRow[]; readonly notes: readonly string[] }> {
  const rows: BenchRow[] = []
  const notes: string[] = []
  const measured: ComputeRun[] = []
  for (const withGroups of [false, true]) {
    const parts = new PartStack(log)
    try {
      const use = new ComputeUse({ withGroups, parts, log })
      if (withGroups && use.confinement === 'duty-cycle') {
        notes.push('no control group can be made here: no rows with one')
        continue
      }
      for (const cores of CORES) {
        const done = await undisturbed(runs, () => use.run({ cores, slotsMs: computeMs }))
        const name = `use.compute.${cores}core.${withGroups ? 'cgroup' : 'duty'}`
        rows.push(
          rowOf(
            name,
            done.map(({ share }) => share),
          ),
        )
        measured.push(...done)
      }
    } finally {
      await parts.stop()
    }
  }
  return { rows, notes: [...notes, ...computeNotes(measured)] }
}

function computeNotes(measured: readonly ComputeRun[]): string[] {
  const overruns = measured.map(({ overrunMs }) => overrunMs)
  const busy = measured.filter(isDisturbed).length
  return [
    `training ended ${rounded(median(overruns))} ms after its slots (median), ${rounded(max(overruns))} ms at most`,
    ...(busy > 0
      ? [
          `in ${busy} of ${measured.length} compute runs others kept the machine busy: less was to be had`,
        ]
      : []),
  ]
}

function isDisturbed({ idleCores }: ComputeRun): boolean {
  return idleCores < IDLE_CORES_MIN
}

/** So many runs on a machine with room for them, or, where that does not come, all there were. */
async function undisturbed(runs: number, run: () => Promise<ComputeRun>): Promise<ComputeRun[]> {
  const tried: ComputeRun[] = []
  const good = (): ComputeRun[] => tried.filter(one => !isDisturbed(one))
  while (good().length < runs && tried.length < runs * TRIES) tried.push(await run())
  return good().length > 0 ? good() : tried
}

async function repeated<T>(runs: number, run: () => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let count = 0; count < runs; count++) results.push(await run())
  return results
}

function rowOf(name: string, shares: readonly number[]): BenchRow {
  const values = [...shares]
  return {
    name,
    value: rounded(median(values)),
    unit: 'of the grant',
    reference: 'grant',
    referenceValue: 1,
    low: rounded(min(values)),
    high: rounded(max(values)),
    n: values.length,
  }
}

/** Median over the cases, with the worst on either side. */
function summary(name: string, rows: readonly BenchRow[]): BenchRow {
  const { low, high, ...row } = rowOf(
    name,
    rows.map(({ value }) => value),
  )
  return {
    ...row,
    low: Math.min(...rows.map(each => each.low ?? each.value)),
    high: Math.max(...rows.map(each => each.high ?? each.value)),
    n: rows.reduce((sum, { n }) => sum + n, 0),
  }
}

function rounded(value: number): number {
  return Number(value.toFixed(3))
}
