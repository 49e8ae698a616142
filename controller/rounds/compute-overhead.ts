/**
 * Before anything was trained: a training step of small matrices reaches about half of the rate of
 * the kernel that the peak was measured with.
 */
const OVERHEAD_PRIOR = 2
/** Weight of the newest run; boards change slowly (heat, a new governor), runs are noisy. */
const NEWEST_WEIGHT = 0.4
const OVERHEAD_MIN = 0.1
const OVERHEAD_MAX = 1000

/**
 * Real over ideal computing, per agent and model: what the measured peak rate and the FLOP count
 * of the graph leave out is learned from what real training steps took.
 */
export class ComputeOverhead {
  readonly #factors = new Map<string, number>()

  factor(agentId: string, modelId: string): number {
    return this.#factors.get(`${agentId} ${modelId}`) ?? OVERHEAD_PRIOR
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
    },
  ): void {
    const ideal = run.flopsPerSample * run.samplesTrained
    const seen = (run.cpuSeconds * run.flopsPerSecond) / ideal
    if (!Number.isFinite(seen) || seen <= 0) return
    const bounded = Math.min(OVERHEAD_MAX, Math.max(OVERHEAD_MIN, seen))
    const key = `${agentId} ${modelId}`
    const known = this.#factors.get(key)
    this.#factors.set(
      key,
      known === undefined ? bounded : known + NEWEST_WEIGHT * (bounded - known),
    )
  }
}
