import { csiWindows } from './accuracy/csi-windows.ts'
import { fashionMnist } from './accuracy/fashion-mnist.ts'
import { radarWindows } from './accuracy/radar-windows.ts'
import { runTrial, type TrialResult } from './accuracy/run-trial.ts'
import { hasShared } from './accuracy/shared-file.ts'
import type { Trial } from './accuracy/trial.ts'
import type { Bench, BenchResult, BenchRow } from './bench-report.ts'

// A model that learns worse than its nearest neighbours were not worth sending to a board: the goals
// are .87 for images within five epochs, and for sensors what 5-nearest-neighbour reached on the same
// split (the pages of the data sets).
const TRIALS: readonly Trial[] = [csiWindows, fashionMnist, radarWindows]

/** What the models in the box learn from real data that they did not see, and in how much CPU time. */
export const accuracy: Bench = {
  name: 'accuracy',
  description: 'Accuracy of the models in the box on images, CSI and radar',
  minutes: 2,
  run: ({ quick }) => measureAccuracy(TRIALS, quick ? [1] : [1, 2, 3]),
}

export async function measureAccuracy(
  trials: readonly Trial[],
  seeds: readonly number[],
): Promise<BenchResult> {
  const there = trials.filter(({ folder }) => hasShared(folder))
  const missing = trials.filter(trial => !there.includes(trial))
  const rows: BenchRow[] = []
  for (const trial of there) rows.push(...(await measureTrial(trial, seeds)))
  return {
    rows,
    notes: [
      `mean over the seeds ${seeds.join(', ')}; every ratio should be 1 or more`,
      ...missing.map(
        ({ name, folder }) => `${name} is left out: there is no shared data/${folder}`,
      ),
    ],
  }
}

async function measureTrial(trial: Trial, seeds: readonly number[]): Promise<readonly BenchRow[]> {
  const results: TrialResult[] = []
  for (const seed of seeds) results.push(await runTrial(trial, seed))
  const tests = results[0]?.tests ?? []
  const judged = tests.map(({ name, floor, reference }, index) => {
    const row = figures(results.map(result => result.tests[index]?.accuracy ?? Number.NaN))
    const ratio = row.value / floor
    return {
      name: `${trial.name}.${name}`,
      ...row,
      unit: 'of 1',
      reference,
      referenceValue: floor,
      ratio,
    }
  })
  const cpu = figures(results.map(({ cpuSeconds }) => cpuSeconds))
  return [...judged, { name: `${trial.name}.training`, ...cpu, unit: 'CPU s' }]
}

function figures(values: readonly number[]) {
  return {
    value: values.reduce((sum, value) => sum + value, 0) / values.length,
    low: Math.min(...values),
    high: Math.max(...values),
    n: values.length,
  }
}
