import { buildTrainingArtifact } from '../../training/forms/training-artifact.ts'
import {
  buildChannelDenoiser,
  type ChannelDenoiserSizes,
} from '../../training/models/diffusion/channel-denoiser.ts'
import { noiseSchedule } from '../../training/models/diffusion/noise-schedule.ts'
import { noisedSamples } from '../../training/models/diffusion/noised-samples.ts'
import type { LearningRate } from '../../training/trainer/learning-rate.ts'
import type { Ort } from '../../training/trainer/ort-session.ts'
import { type TrainingJob, TrainingRun } from '../../training/trainer/training-run.ts'
import type { PowerPairs } from './power-pairs.ts'

/** As in GDMOPT (Du et al. 2023), of which the case study is made. */
export const POWER_SCHEDULE = noiseSchedule({ kind: 'variance-preserving', steps: 6 })

/** One channel has one share and one gain; the network is small, for 20 channels of a device are not many. */
export const POWER_SIZES = { size: 1, conditionSize: 1, hidden: 16, layers: 2 } as const

const LEARNING_RATE = 4e-3
/** Rows that a step sees. */
const BATCH = 128
/** Of the mean of the parameters over some 200 steps, which is steadier than the last of them. */
const AVERAGE_DECAY = 0.995
/** Rows in memory, each pair noised so often that its noise is no part of what is learned. */
const ROWS_MAX = 120_000

export interface PowerTrainingOptions {
  readonly sizes: ChannelDenoiserSizes
  readonly pairs: PowerPairs
  readonly updates: number
  readonly seed: number
  /** Parameters to go on from; drawn anew by the seed of the sizes where left out. */
  readonly parameters?: Float32Array
  /** Told the parameters after each of so many updates, 0 for never. */
  readonly every?: number
  readonly onParameters?: (updates: number, parameters: Float32Array) => Promise<void>
}

/** What a trainer is given: each pair noised several times. */
export function powerTrainingJob(o: PowerTrainingOptions): TrainingJob {
  const { sizes, pairs, updates, seed } = o
  const { channels, size } = sizes
  const artifact = buildTrainingArtifact(buildChannelDenoiser(sizes), {
    loss: 'mean-squared-error',
    optimizer: { kind: 'adam' },
    batch: BATCH,
    average: { kind: 'exponential', decay: AVERAGE_DECAY },
  })
  const rows = pairs.samples.length / (channels * size)
  const { inputs, labels } = noisedSamples({
    schedule: POWER_SCHEDULE,
    samples: pairs.samples,
    size: channels * size,
    conditions: pairs.conditions,
    copies: Math.max(1, Math.min(Math.ceil((updates * BATCH) / rows), Math.floor(ROWS_MAX / rows))),
    seed,
    target: 'sample',
  })
  const parameters = o.parameters ?? artifact.initialParameters
  return { artifact: artifact.bytes, parameters, inputs: { ...inputs }, labels, seed }
}

/** Falls over all updates, so that the last ones only polish. */
export function trainingRate(updates: number): LearningRate {
  return { kind: 'cosine', rate: LEARNING_RATE, steps: updates, rateMin: 1e-5 }
}

/**
 * Trains a denoiser on pairs of conditions and expert solutions (Du et al. 2024: noise the expert's
 * solution, denoise it for the gains) and gives its parameters in the order of its file.
 */
export async function trainPowerModel(ort: Ort, o: PowerTrainingOptions): Promise<Float32Array> {
  const { updates } = o
  const run = await TrainingRun.open(ort, powerTrainingJob(o))
  try {
    const learningRate = trainingRate(updates)
    const part = o.every && o.every > 0 ? o.every : updates
    for (let done = 0; done < updates; done += part) {
      await run.step({ steps: Math.min(part, updates - done), learningRate })
      await o.onParameters?.(run.stepCount, run.averages())
    }
    return run.averages()
  } finally {
    await run.release()
  }
}
