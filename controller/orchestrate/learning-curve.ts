import { learningShare } from './gai-gain.ts'

/** Workloads from it on are computed anew each time; most rounds move far fewer samples. */
const KEPT_MAX = 1024

/** φ of one model for whole samples, each computed once: a decision asks for the same ones often. */
export class LearningCurve {
  readonly exponent: number
  #effectiveSamples: number
  readonly #kept = new Float64Array(KEPT_MAX)

  constructor(effectiveSamples: number, exponent: number) {
    this.#effectiveSamples = effectiveSamples
    this.exponent = exponent
  }

  /** D₀ */
  get effectiveSamples(): number {
    return this.#effectiveSamples
  }

  share(workload: number): number {
    const kept = this.#kept[workload]
    if (kept !== undefined && kept > 0) return kept
    const { effectiveSamples, exponent } = this
    const share = learningShare({ workload, effectiveSamples, exponent })
    if (workload < KEPT_MAX) this.#kept[workload] = share
    return share
  }

  /** The model has absorbed more: what was computed holds no longer. */
  absorb(workload: number): void {
    this.#effectiveSamples += workload
    this.#kept.fill(0)
  }
}
