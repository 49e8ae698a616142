import type { DataSketch } from '../../protocol/urp.ts'

/**
 * Learning performance gain of one device for one model in one GAI round, the QoS of GainNet
 * (arXiv 2401.02662, III-B): a function of the correlation of their data and of the achievable
 * workload. The paper gives no formula; this one is derived in docs/explanation/rounds.md.
 *
 *   g = A · χ · φ(D)
 */
export function gaiGain(o: {
  /** A in (0, 1]: what one unit of improvement of the model is worth. */
  readonly value: number
  readonly correlation: number
  readonly workload: number
  readonly effectiveSamples: number
  readonly exponent: number
}): number {
  return o.value * o.correlation * learningShare(o)
}

/**
 * φ(D) = 1 - (1 + D / D₀)^-β: the share of the reducible loss that D further samples remove from a
 * model that has absorbed D₀, when its loss falls as ℒ(D) = ℒ∞ + a·D^-β (Hestness et al. 2017,
 * arXiv 1712.00409): (ℒ(D₀) - ℒ(D₀ + D)) / (ℒ(D₀) - ℒ∞). Concave in D, φ(0) = 0, below 1.
 */
export function learningShare(o: {
  readonly workload: number
  readonly effectiveSamples: number
  readonly exponent: number
}): number {
  // -expm1(-β·log1p(x)) keeps its digits where D is far below D₀.
  return -Math.expm1(-o.exponent * Math.log1p(o.workload / o.effectiveSamples))
}

/** D₀ of a model: see docs/decisions/001-absorbed-samples.md. */
export function effectiveSamplesOf(prior: number, absorbedSamples: number): number {
  return prior + absorbedSamples
}

/**
 * χ = 1 - √JSD₂(P ‖ Q) in [0, 1]: relative entropy, as the paper asks, in its symmetric form in
 * bits, which is finite on empty bins and whose root is a metric (Endres and Schindelin 2003).
 */
export function dataCorrelation(
  device: Pick<DataSketch, 'counts'>,
  model: Pick<DataSketch, 'counts'>,
  smoothing: number,
): number {
  return correlationOf(
    smoothedShares(device.counts, smoothing),
    smoothedShares(model.counts, smoothing),
  )
}

/** χ of shares that are smoothed already. */
export function correlationOf(p: readonly number[], q: readonly number[]): number {
  return 1 - Math.sqrt(jensenShannonDivergence(p, q))
}

/** Add-α smoothing: α more of each bin. Counts without any sample so stand for no preference. */
export function smoothedShares(counts: readonly number[], smoothing: number): number[] {
  const total = counts.reduce((sum, count) => sum + count + smoothing, 0)
  if (!(total > 0)) throw new RangeError('an empty sketch needs a smoothing above 0')
  return counts.map(count => (count + smoothing) / total)
}

/**
 * JSD₂ = H₂((P + Q) / 2) - (H₂(P) + H₂(Q)) / 2 (Lin 1991), summed as the mean of two relative
 * entropies to the middle, which loses fewer digits where P and Q are close.
 */
function jensenShannonDivergence(p: readonly number[], q: readonly number[]): number {
  if (p.length !== q.length) throw new RangeError(`${p.length} bins against ${q.length}`)
  let divergence = 0
  let [pLast, qLast, term] = [Number.NaN, Number.NaN, 0]
  for (let bin = 0; bin < p.length; bin++) {
    const pShare = p[bin] ?? 0
    const qShare = q[bin] ?? 0
    // Bins that are empty on both sides stand side by side: they cost one logarithm together.
    if (pShare !== pLast || qShare !== qLast) {
      const middle = (pShare + qShare) / 2
      term = relativeEntropyTerm(pShare, middle) / 2 + relativeEntropyTerm(qShare, middle) / 2
      pLast = pShare
      qLast = qShare
    }
    divergence += pShare === qShare ? 0 : term
  }
  return Math.min(1, Math.max(0, divergence))
}

function relativeEntropyTerm(share: number, middle: number): number {
  return share > 0 ? share * Math.log2(share / middle) : 0
}
