import type { Urp } from '../../protocol/urp.ts'
import type { TrainingWork } from '../../training/cost/count-work.ts'
import { predictStepSeconds } from '../../training/cost/step-costs.ts'

/** What predicting needs to know of a model. */
export interface PredictedModel {
  readonly work: TrainingWork
  readonly samplesPerStep: number
  readonly flopsPerSample: number
}

/** FLOP/s of the best unit: a trainer has one thread. */
export function ratePerUnit({ computing }: Pick<Urp, 'computing'>): number {
  return Math.max(0, ...computing.units.map(unit => unit.peakFlopsPerSecond * unit.sustainedFactor))
}

/**
 * Real over ideal computing of a model on the best unit of a board, as its cost model predicts it;
 * undefined where the board has measured none.
 */
export function predictedOverhead(
  urp: Pick<Urp, 'computing'>,
  { work, samplesPerStep, flopsPerSample }: PredictedModel,
): number | undefined {
  const rate = ratePerUnit(urp)
  const { units, classes = [] } = urp.computing
  const best = units.find(unit => unit.peakFlopsPerSecond * unit.sustainedFactor === rate)
  const costs = classes.find(one => best && one.units.includes(best.unit))?.secondsPer
  if (!costs) return undefined
  const secondsPerSample = predictStepSeconds(work, costs) / samplesPerStep
  const factor = (secondsPerSample * rate) / flopsPerSample
  return factor > 0 ? factor : undefined
}
