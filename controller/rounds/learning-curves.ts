import { z } from 'zod'
import { RoundModel } from '../../protocol/round-record.ts'
import { hasCode } from '../../runtime/errors.ts'
import { type CurveFit, type CurvePoint, fitCurve } from '../orchestrate/curve/fit-curve.ts'
import type { CurveParameters } from '../orchestrate/graph-inputs.ts'
import { readLines } from './round-records.ts'

/** Of a model, spread over all it has absorbed: more say no more of two parameters. */
const POINTS_MAX = 64

/** All that curves are fitted to stands in the record of a round. */
const RecordedModels = z.object({ models: z.array(RoundModel) })
type Round = z.infer<typeof RecordedModels>

interface Judged {
  readonly points: readonly CurvePoint[]
  readonly versionNumber: number
}

/**
 * The learning curve of each model, fitted to what its rounds really brought: the loss of its versions
 * on the held-back data, over the samples that they had absorbed. The records on disk are its memory.
 */
export class LearningCurves {
  readonly #prior: CurveParameters
  readonly #judged = new Map<string, Judged>()
  readonly #fits = new Map<string, CurveFit | null>()

  constructor(prior: CurveParameters) {
    this.#prior = prior
  }

  /** Before the first round: what earlier lives of the controller have recorded. */
  async read(path: string): Promise<void> {
    try {
      for await (const round of readLines(path, RecordedModels)) this.learn(round)
    } catch (error) {
      if (!hasCode(error, 'FILE_UNREADABLE')) throw error
    }
  }

  /** Undefined while not two versions of the model were judged: then the prior holds. */
  of(modelId: string): CurveFit | undefined {
    const { points } = this.#judged.get(modelId) ?? {}
    if (points && !this.#fits.has(modelId)) this.#fits.set(modelId, fitCurve(points, this.#prior))
    return this.#fits.get(modelId) ?? undefined
  }

  learn({ models }: Round): void {
    for (const model of models) {
      const { modelId, samplesAbsorbed, sampleCount, judgement, judgementBefore } = model
      if (samplesAbsorbed === undefined) continue
      const before = pointOf(samplesAbsorbed - sampleCount, judgementBefore)
      const after = pointOf(samplesAbsorbed, judgement)
      this.#add(modelId, model.versionNumber, [...before, ...after])
    }
  }

  #add(modelId: string, versionNumber: number, points: readonly CurvePoint[]): void {
    const known = this.#judged.get(modelId)
    // A model that counts from the start again is another one.
    const isSame = known !== undefined && known.versionNumber < versionNumber
    const earlier = isSame ? known.points : []
    const last = earlier.at(-1)?.absorbedSamples ?? Number.NEGATIVE_INFINITY
    const news = points.filter(({ absorbedSamples }) => absorbedSamples > last)
    this.#judged.set(modelId, { versionNumber, points: thinned([...earlier, ...news]) })
    this.#fits.delete(modelId)
  }
}

function pointOf(
  absorbedSamples: number,
  judgement: RoundModel['judgement'],
): readonly CurvePoint[] {
  return judgement ? [{ absorbedSamples, loss: judgement.lossMean }] : []
}

/**
 * Of too many, those go whose neighbours are closest to each other by their logarithms: a power law
 * is seen over decades. The first and the newest stay.
 */
function thinned(points: readonly CurvePoint[]): readonly CurvePoint[] {
  const left = [...points]
  while (left.length > POINTS_MAX) {
    const absorbed = (at: number): number => 1 + (left[at]?.absorbedSamples ?? 0)
    const inner = [...left.keys()].slice(1, -1)
    const gaps = inner.map(at => absorbed(at + 1) / absorbed(at - 1))
    left.splice(1 + gaps.indexOf(Math.min(...gaps)), 1)
  }
  return left
}
