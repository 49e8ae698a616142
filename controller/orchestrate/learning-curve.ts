import { learningShare } from './gai-gain.ts'

/** Workloads beyond it are computed anew each time; most rounds move far fewer samples. */
const KEPT_MAX = 2048

/** φ of one model for whole samples, each computed once: a decision asks for the same ones often. */
export class LearningCurve {
  readonly effectiveSamples: number
  readonly exponent: number
  readonly #kept = new Float64Array(KEPT_MAX)

  constructor(effectiveSamples: number, exponent: number) {
    this.effectiveSamples = effectiveSamples
    this.exponent = exponent
  }

  share(workload: number): number {
    const kept = this.#kept[workload]
    if (kept !== undefined && kept > 0) return kept
    const { effectiveSamples, exponent } = this
    const share = learningShare({ workload, effectiveSamples, exponent })
    if (workload < KEPT_MAX) this.#kept[workload] = share
    return share
  }
}
