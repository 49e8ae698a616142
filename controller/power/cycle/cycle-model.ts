import { seededRandom } from '../../../runtime/seeded-random.ts'
import { buildInferenceForm } from '../../../training/forms/inference-form.ts'
import { readForwardModel } from '../../../training/forward/forward-graph.ts'
import {
  buildChannelDenoiser,
  type ChannelDenoiserSizes,
} from '../../../training/models/diffusion/channel-denoiser.ts'
import type { Ort } from '../../../training/trainer/ort-session.ts'
import { TrainerProcess } from '../../../training/trainer/trainer-process.ts'
import { type ChannelRows, sumRate } from '../channel-gains.ts'
import { powerTrainingJob, trainingRate } from '../power-diffusion.ts'
import { expertPairs } from '../power-pairs.ts'
import { PowerSampler } from '../power-sampler.ts'
import type { CycleModel } from './virtuous-cycle.ts'

export interface DiffusionCycleOptions {
  readonly sizes: ChannelDenoiserSizes
  readonly budget: number
  readonly steps: number
  /** Steps of the optimizer for a new version. */
  readonly updates: number
  readonly seed: number
}

/** What the denoiser of a file allocates. */
export async function allocateBy(
  ort: Ort,
  { sizes, steps, seed }: DiffusionCycleOptions,
  file: Uint8Array,
  rows: ChannelRows,
): Promise<Float64Array> {
  const { initialParameters: parameters } = readForwardModel(file)
  const sampler = await PowerSampler.open(ort, { sizes, parameters, steps, hasCaps: false })
  try {
    return await sampler.allocate(rows, seededRandom(seed))
  } finally {
    await sampler.release()
  }
}

/** The denoiser of a file as the cycle needs it: judged in this process, trained in one of its own. */
export function diffusionCycleModel(ort: Ort, o: DiffusionCycleOptions): CycleModel {
  const { sizes, budget, updates, seed } = o
  const { channels } = sizes
  return {
    async ratesOf(file, { gains, count }) {
      // Of no rows there are no rates.
      if (count === 0) return new Float64Array(0)
      const powers = await allocateBy(ort, o, file, { gains, channels, budget })
      return Float64Array.from({ length: count }, (_, row) => {
        const [from, to] = [row * channels, (row + 1) * channels]
        return sumRate(gains.subarray(from, to), powers.subarray(from, to))
      })
    },
    async retrain(from, { gains }) {
      const pairs = expertPairs({ gains, channels, budget })
      const { initialParameters: parameters } = readForwardModel(from)
      const trainer = await TrainerProcess.start({ niceness: 10 })
      try {
        await trainer.load(powerTrainingJob({ sizes, pairs, updates, seed, parameters }))
        await trainer.step({ steps: updates, learningRate: trainingRate(updates) })
        return powerModelFile(sizes, await trainer.averages())
      } finally {
        await trainer.stop()
      }
    },
  }
}

/** The denoiser with these parameters: what the store keeps, and a sampler is made of. */
export function powerModelFile(sizes: ChannelDenoiserSizes, parameters: Float32Array): Uint8Array {
  const model = buildChannelDenoiser(sizes)
  return buildInferenceForm(model, {
    parameters: readForwardModel(model).parameters,
    values: parameters,
  })
}
