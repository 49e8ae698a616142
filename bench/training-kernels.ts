import { buildTrainingArtifact } from '../training/forms/training-artifact.ts'
import { loadOrt, type Ort } from '../training/trainer/ort-session.ts'
import { TrainingRun } from '../training/trainer/training-run.ts'
import type { Bench, BenchRow } from './bench-report.ts'
import { median } from './training/paired-rounds.ts'
import { createWorkload, SCHEDULE_SEED, type WorkloadName } from './training/workload.ts'
import { comparedForms, timeForm } from './training-kernels/compared-forms.ts'
import { kernelTimes } from './training-kernels/kernel-times.ts'

/** Of each model; the others together take less than the last of them. */
const OPERATORS_SHOWN = 8
const STEPS = { mlp: 200, cnn: 40, gpt: 12 } as const
const ROUNDS = 5
const ROUNDS_QUICK = 2

/** Where the time of a step goes, and what the forms that were chosen for speed bring. */
export const trainingKernels: Bench = {
  name: 'training-kernels',
  description: 'time of the ONNX Runtime kernels in a training step, by operator',
  minutes: 1,
  async run({ quick }) {
    const ort = await loadOrt()
    const rounds = quick ? ROUNDS_QUICK : ROUNDS
    const rows: BenchRow[] = []
    for (const form of comparedForms) {
      const pairs: { readonly ours: number; readonly plain: number }[] = []
      for (let round = 0; round < rounds; round++) {
        const ours = await timeForm(ort, form, form.ours)
        pairs.push({ ours, plain: await timeForm(ort, form, form.plain) })
      }
      rows.push(formRow(`form.${form.name}`, form.plainName, pairs))
    }
    for (const name of ['mlp', 'cnn', 'gpt'] as const) rows.push(...(await stepRows(ort, name)))
    return {
      rows,
      notes: ['microseconds of a run or a step, by the profile of ONNX Runtime, one thread'],
    }
  },
}

function formRow(
  name: string,
  reference: string,
  pairs: readonly { readonly ours: number; readonly plain: number }[],
): BenchRow {
  const ours = pairs.map(pair => pair.ours)
  return {
    name,
    value: Math.round(median(ours)),
    unit: 'µs',
    reference,
    referenceValue: Math.round(median(pairs.map(pair => pair.plain))),
    ratio: Number(median(pairs.map(pair => pair.plain / pair.ours)).toPrecision(3)),
    low: Math.round(Math.min(...ours)),
    high: Math.round(Math.max(...ours)),
    n: pairs.length,
  }
}

async function stepRows(ort: Ort, name: WorkloadName): Promise<readonly BenchRow[]> {
  const { model, batch, learningRate, inputs, inputWidth, labels } = createWorkload(name)
  const artifact = buildTrainingArtifact(model, {
    loss: 'softmax-cross-entropy',
    optimizer: { kind: 'adam' },
    batch,
  })
  const times = await kernelTimes(ort, artifact.bytes, async session => {
    // The run opens the session that is profiled in place of one of its own.
    const profiled: Ort = {
      ...ort,
      InferenceSession: { ...ort.InferenceSession, create: async () => session },
    }
    const training = await TrainingRun.open(profiled, {
      artifact: artifact.bytes,
      parameters: artifact.initialParameters,
      ...{ inputs, inputWidth, labels, seed: SCHEDULE_SEED },
    })
    await training.step({ steps: STEPS[name], learningRate })
    return STEPS[name]
  })
  const sorted = [...times].sort(([, a], [, b]) => b - a)
  const row = (operator: string, time: number): BenchRow => ({
    name: `${name}.${operator}`,
    value: Math.round(time),
    unit: 'µs',
    n: STEPS[name],
  })
  const all = sorted.reduce((sum, [, time]) => sum + time, 0)
  return [row('all', all), ...sorted.slice(0, OPERATORS_SHOWN).map(([key, time]) => row(key, time))]
}
