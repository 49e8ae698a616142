import { StepCorrection } from '../../training/cost/step-correction.ts'

/**
 * Before anything was trained, where no cost model predicts it: a training step of small matrices
 * reaches about half of the rate of the kernel that the peak was measured with.
 */
const OVERHEAD_PRIOR = 2
/** Weight of the newest run; boards change slowly (heat, a new governor), runs are noisy. */
const NEWEST_WEIGHT = 0.4
const OVERHEAD_MIN = 0.1
const OVERHEAD_MAX = 1000

/**
 * Real over ideal computing, per agent and model: what the measured peak rate and the FLOP count
 * of the graph leave out. Where the cost model of the board predicts it, the prediction is corrected by
 * what real training steps took; else it is learned from those alone.
 */
export class ComputeOverhead {
  readonly #factors = new Map<string, number>()
  readonly #corrections = new Map<string, StepCorrection>()

  factor(agentId: string, modelId: string, predicted?: number): number {
    const key = keyOf(agentId, modelId)
    if (predicted === undefined) return this.#factors.get(key) ?? OVERHEAD_PRIOR
    return bounded(predicted * (this.#corrections.get(key)?.current?.factor ?? 1))
  }

  learn(
    agentId: string,
    modelId: string,
    run: {
      readonly cpuSeconds: number
      readonly flopsPerSecond: number
      readonly flopsPerSample: number
      /** A sample counts in each epoch in which it was trained on. */
      readonly samplesTrained: number
      /** What the cost model said of the factor, where there is one. */
      readonly predicted?: number | undefined
    },
  ): void {
    const ideal = run.flopsPerSample * run.samplesTrained
    const seen = (run.cpuSeconds * run.flopsPerSecond) / ideal
    if (!Number.isFinite(seen) || seen <= 0) return
    const key = keyOf(agentId, modelId)
    const known = this.#factors.get(key)
    const newest = bounded(seen)
    this.#factors.set(key, known === undefined ? newest : known + NEWEST_WEIGHT * (newest - known))
    if (run.predicted !== undefined) this.#correct(key, { real: seen, predicted: run.predicted })
  }

  #correct(key: string, run: { readonly real: number; readonly predicted: number }): void {
    const correction = this.#corrections.get(key) ?? new StepCorrection()
    this.#corrections.set(key, correction)
    correction.learn(run)
  }
}

function keyOf(agentId: string, modelId: string): string {
  return `${agentId} ${modelId}`
}

function bounded(factor: number): number {
  return Math.min(OVERHEAD_MAX, Math.max(OVERHEAD_MIN, factor))
}
