import { type Random, seededRandom } from '../../../runtime/seeded-random.ts'
import { trainingWork } from '../../cost/count-work.ts'
import { addWork, NO_WORK } from '../../cost/work-counts.ts'
import { buildTrainingArtifact } from '../../forms/training-artifact.ts'
import type { TrainingOptions } from '../../forms/training-options.ts'
import type { Samples } from '../../samples/samples.ts'
import type { Ort } from '../ort-session.ts'
import { TrainingRun } from '../training-run.ts'
import type { OpenKernel } from './open-kernel.ts'

/** A model in training; a turn is a step. */
export interface TrainingKernel {
  readonly model: () => Uint8Array
  readonly options: TrainingOptions
  readonly samples: (random: Random) => Samples
  /** Each turn is a run of its own; all turns are one where left out. */
  readonly runsAlone?: true
}

const SEED = 1
/** So small that the model stays what it is, however often it is measured. */
const LEARNING_RATE = 1e-6

export async function openTrainingKernel(ort: Ort, kernel: TrainingKernel): Promise<OpenKernel> {
  const { bytes, initialParameters } = buildTrainingArtifact(kernel.model(), kernel.options)
  const { step, run } = trainingWork(bytes)
  const training = await TrainingRun.open(ort, {
    artifact: bytes,
    parameters: initialParameters,
    ...kernel.samples(seededRandom(SEED)),
    seed: SEED,
  })
  const { runsAlone } = kernel
  return {
    work: turns => addWork(addWork(NO_WORK, step, turns), run, runsAlone ? turns : 1),
    run: async turns => {
      await training.step(
        { steps: turns, learningRate: LEARNING_RATE },
        { runSteps: runsAlone ? 1 : turns },
      )
    },
    release: () => training.release(),
  }
}
