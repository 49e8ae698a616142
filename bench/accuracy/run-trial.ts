import { buildTrainingArtifact } from '../../training/forms/training-artifact.ts'
import { buildModel } from '../../training/models/registry.ts'
import { TrainerProcess } from '../../training/trainer/trainer-process.ts'
import type { Trial, TrialTest } from './trial.ts'

export interface TrialResult {
  readonly tests: readonly (TrialTest & { readonly accuracy: number })[]
  readonly cpuSeconds: number
}

/** An epoch on a machine that others keep busy. */
const DEADLINE_MS = 300_000

/** Trains from first weights of the seed, in a child process, and judges the last ones. */
export async function runTrial(trial: Trial, seed: number): Promise<TrialResult> {
  const { epochs, batch, learningRate: rate } = trial
  const { training, tests } = trial.load(seed)
  const model = buildModel({ ...trial.model, seed })
  const loss = 'softmax-cross-entropy'
  const artifact = buildTrainingArtifact(model, { loss, optimizer: { kind: 'adam' }, batch })
  const trainer = await TrainerProcess.start()
  try {
    const { stepsPerEpoch } = await trainer.load(
      { artifact: artifact.bytes, parameters: artifact.initialParameters, ...training, seed },
      { deadlineMs: DEADLINE_MS },
    )
    const steps = epochs * stepsPerEpoch
    const learningRate = { kind: 'cosine', rate, steps } as const
    let cpuSeconds = 0
    for (let epoch = 0; epoch < epochs; epoch++) {
      const options = { steps: stepsPerEpoch, learningRate }
      cpuSeconds += (await trainer.step(options, { deadlineMs: DEADLINE_MS })).cpuSeconds
    }
    const parameters = await trainer.parameters()
    const judged: TrialResult['tests'][number][] = []
    for (const test of tests) {
      const { accuracy = Number.NaN } = await trainer.evaluate({
        model,
        parameters,
        loss,
        ...test.samples,
      })
      judged.push({ ...test, accuracy })
    }
    return { tests: judged, cpuSeconds }
  } finally {
    await trainer.stop()
  }
}
