import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median } from 'simple-statistics'
import { computeProbe } from '../agent/measure/compute/compute-probe.ts'
import type { ComputeValues } from '../agent/measure/compute/compute-values.ts'
import { type Effort, USUAL_EFFORT } from '../agent/measure/compute/measure-kernels.ts'
import { runProbe } from '../agent/measure/probe.ts'
import { createLogger } from '../runtime/logger.ts'
import { trainingWork } from '../training/cost/count-work.ts'
import { wallTimeUnder } from '../training/cost/quota-time.ts'
import { StepCorrection } from '../training/cost/step-correction.ts'
import { predictStepSeconds, type StepCosts } from '../training/cost/step-costs.ts'
import { TrainerProcess } from '../training/trainer/trainer-process.ts'
import type { Bench, BenchRow } from './bench-report.ts'
import { type CpuGroup, type CpuGroupResult, openCpuGroup } from './compute/cpu-group.ts'
import { watchMachine } from './compute/machine-load.ts'
import { realSteps } from './compute/real-steps.ts'
import { jobOf, STEP_MODELS, type StepModelName } from './compute/step-models.ts'

const GOALS =
  'goals: repeat.difference at most 0.05 on an idle machine, step-time.error at most 0.15; ' +
  'step-time.corrected knows what the steps of the model took under another quota, step-cpu.error is ' +
  'of CPU time and all quotas together'

/** Hundredths of a core. The widest comes last: a trainer has one thread. */
const QUOTAS = [25, 50, 100, 200] as const
const [LEARNED_AT] = QUOTAS.slice(-1)

/** Whole periods of the quota: a stretch of 20 is off by a twentieth at most for where it begins. */
const STRETCHES = { count: 5, seconds: 2 }
const STRETCHES_QUICK = { count: 2, seconds: 0.8 }
const EFFORT_QUICK: Effort = { ...USUAL_EFFORT, runsMax: 15, secondsMax: 8 }

/**
 * How well the agent knows its core: twice the whole measurement, and the time of real training steps
 * under quotas of CPU time against what the cost model of the first measurement said before.
 */
export const compute: Bench = {
  name: 'compute',
  description: 'kernels measured twice, and predicted against real step times under CPU quotas',
  minutes: 9,
  async run({ quick }) {
    const opened = openCpuGroup(`gainnet-bench-${process.pid}`)
    const group = opened.ok ? opened.group : undefined
    const effort = quick ? EFFORT_QUICK : USUAL_EFFORT
    const busyCores = watchMachine()
    try {
      const first = await measureOnce(effort, group)
      const rows = [differenceRow(first, await measureOnce(effort, group))]
      const [costs] = first.classes.flatMap(({ costModel }) => costModel?.costs ?? [])
      if (!costs) throw new Error('the measurement gave no cost model')
      const stretches = quick ? STRETCHES_QUICK : STRETCHES
      if (group) rows.push(...(await stepRows({ costs, stretches, group })))
      return { rows, notes: [GOALS, ...costNotes(first), groupNote(opened, busyCores())] }
    } finally {
      await group?.remove()
    }
  },
}

/** Heavy beside other processes, as the steps are, so that they disturb both alike. */
async function measureOnce(effort: Effort, group: CpuGroup | undefined): Promise<ComputeValues> {
  group?.limit()
  const probe = computeProbe({
    startTrainer: async options => {
      const trainer = await TrainerProcess.start(options)
      if (trainer.pid !== undefined) group?.hold(trainer.pid)
      return trainer
    },
    extent: 'full',
    effort,
    lockPath: join(tmpdir(), `gainnet-bench-compute-${process.pid}.lock`),
  })
  const result = await runProbe(probe, {
    roots: { procRoot: '/proc', sysRoot: '/sys' },
    log: createLogger({ daemon: 'bench', level: 'silent' }),
  })
  if (result.status !== 'ok') throw new Error(`nothing was measured: ${result.reason}`)
  return result.values
}

/** By kernel and class of core: the larger rate over the smaller, less one. */
function differenceRow(first: ComputeValues, second: ComputeValues): BenchRow {
  const differences = first.classes.flatMap(({ measuredUnit, kernels = [] }) => {
    const others = second.classes.find(one => one.measuredUnit === measuredUnit)?.kernels ?? []
    return kernels.flatMap(({ kernel, p50 }) => {
      const other = others.find(one => one.kernel === kernel)?.p50
      return other === undefined ? [] : [Math.max(p50, other) / Math.min(p50, other) - 1]
    })
  })
  return {
    name: 'repeat.difference',
    value: digits(median(differences)),
    unit: 'share',
    low: digits(Math.min(...differences)),
    high: digits(Math.max(...differences)),
    n: differences.length,
  }
}

function costNotes({ classes, spent }: ComputeValues): readonly string[] {
  const [model] = classes.flatMap(({ costModel }) => costModel ?? [])
  const error = digits(model?.errorMedian ?? Number.NaN)
  const seconds = digits(spent?.cpuSeconds ?? Number.NaN)
  return [
    `a whole measurement took ${seconds} s of CPU time; its cost model is off by ${error} on ` +
      'half of the kernels that it was fitted to',
  ]
}

/** Without a group there are no step times. */
function groupNote(opened: CpuGroupResult, busyCores: number): string {
  if (!opened.ok) return `no step times: no control group for CPU time, ${opened.reason}`
  return (
    `real steps and predictions are wall time, and ${digits(busyCores)} cores were busy on average, ` +
    'by all processes together; the bench alone keeps less than one busy'
  )
}

interface StepOptions {
  readonly costs: StepCosts
  readonly stretches: typeof STRETCHES
  readonly group: CpuGroup
}

async function stepRows(options: StepOptions): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = []
  for (const name of Object.keys(STEP_MODELS)) {
    // The keys of the table.
    rows.push(...(await modelRows(name as StepModelName, options)))
  }
  return rows
}

async function modelRows(name: StepModelName, o: StepOptions): Promise<readonly BenchRow[]> {
  const job = jobOf(name)
  const work = trainingWork(job.artifact)
  const predicted = (quota: number): number => {
    const share = quota / 100
    const cpuSeconds = predictStepSeconds(work, o.costs, { share })
    return wallTimeUnder(cpuSeconds, { cores: share }).meanSeconds
  }
  const real = await realSteps({
    job,
    quotas: QUOTAS,
    group: o.group,
    stretches: o.stretches.count,
    stretchSeconds: o.stretches.seconds,
  })
  const correction = new StepCorrection()
  for (const seconds of real.get(LEARNED_AT ?? 0)?.wallSeconds ?? []) {
    correction.learn({ real: seconds, predicted: predicted(LEARNED_AT ?? 0) })
  }
  const { factor = 1 } = correction.current ?? {}
  const all = [...real.values()].flatMap(({ cpuSeconds }) => cpuSeconds)
  const cpuRow = errorRow(`step-cpu.error.${name}`, all, predictStepSeconds(work, o.costs))
  const rows = [...real].flatMap(([quota, steps]) => {
    const row = errorRow(`step-time.error.${name}.${quota}`, steps.wallSeconds, predicted(quota))
    if (quota === LEARNED_AT) return [row]
    const corrected = factor * predicted(quota)
    return [row, errorRow(`step-time.corrected.${name}.${quota}`, steps.wallSeconds, corrected)]
  })
  return [...rows, cpuRow]
}

/** Of the median stretch; low and high are of the stretches on their own. */
function errorRow(name: string, stretches: readonly number[], predicted: number): BenchRow {
  const errors = stretches.map(real => Math.abs(predicted / real - 1))
  return {
    name,
    value: digits(Math.abs(predicted / median([...stretches]) - 1)),
    unit: 'share',
    low: digits(Math.min(...errors)),
    high: digits(Math.max(...errors)),
    n: stretches.length,
  }
}

function digits(value: number): number {
  return Number(value.toPrecision(3))
}
