import { median } from 'simple-statistics'
import type { CurveParameters } from '../graph-inputs.ts'
import { bestLine, type Weighted } from './best-line.ts'

/** A version of a model: what it had absorbed, and its loss on the held-back data. */
export interface CurvePoint {
  readonly absorbedSamples: number
  readonly loss: number
}

/** D₀ and β as the rounds of a model show them, and how sure that is. */
export interface CurveFit extends CurveParameters {
  /** Standard deviation of β. */
  readonly exponentSpread: number
  /** One standard deviation of ln D₀, as a factor: D₀ is uncertain by ×/÷ this. */
  readonly effectiveSamplesFactor: number
  /** Versions that it was fitted to. */
  readonly versions: number
}

/** Half a decade of exponents was found in practice, 0.07 to 0.35 (Hestness et al. 2017). */
const EXPONENT_SPREAD = 0.15
const EXPONENT_MIN = 0.02
const EXPONENT_MAX = 1
/** What the first parameters are worth is known to a factor of ten. */
const LN_SAMPLES_SPREAD = Math.log(10)
/** The grid of ln D₀ reaches so many spreads to each side. */
const SPREADS = 3
const EXPONENT_STEPS = 40
const SAMPLES_STEPS = 40
/** Prior of the noise: so many versions' worth of this share of the loss. */
const NOISE_VERSIONS = 4
const NOISE_SHARE = 0.003
/** Residuals beyond it count less and less (95 % efficiency where noise is normal). */
const CAUCHY_SCALE = 2.385
/** MAD of normal noise, in standard deviations. */
const MAD_SHARE = 0.6745
const SWEEPS = 6

interface Cell extends CurveParameters {
  /** ln of its prior density, up to a constant. */
  readonly prior: number
}

/**
 * Posterior of D₀ and β of ℒ(n) = ℒ∞ + a·(1 + n/D₀)^-β on a grid, with ℒ∞ ≥ 0 and a ≥ 0 the best for
 * each pair (profile likelihood) and the noise unknown: with inverse-gamma prior and squared
 * residuals S weighted by Cauchy's weights against outliers,
 *
 *   ln p(D₀, β | losses) = ln p(D₀, β) - (ν + N)/2 · ln(ν·s² + S) + constant
 *
 * A grid has bounds, needs no start, and says the same of the same losses. Without losses it is the
 * prior; null where no version but the first was judged.
 */
export function fitCurve(points: readonly CurvePoint[], prior: CurveParameters): CurveFit | null {
  const finite = points.filter(
    ({ loss, absorbedSamples }) => Number.isFinite(loss) && absorbedSamples >= 0,
  )
  if (finite.length < 2) return null
  const typical = median(finite.map(({ loss }) => Math.abs(loss))) || 1
  const known = finite.map(one => ({ ...one, loss: one.loss / typical }))
  const cells = gridAround(prior)
  let weights = known.map(() => 1)
  let logs = new Float64Array(cells.length)
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    logs = weigh(cells, known, weights)
    weights = robustWeights(known, cells[indexOfMax(logs)] as Cell, weights)
  }
  return summary(cells, logs, known.length)
}

function gridAround(prior: CurveParameters): Cell[] {
  const cells: Cell[] = []
  for (let i = 0; i <= SAMPLES_STEPS; i++) {
    const spreads = SPREADS * ((2 * i) / SAMPLES_STEPS - 1)
    const effectiveSamplesPrior =
      prior.effectiveSamplesPrior * Math.exp(spreads * LN_SAMPLES_SPREAD)
    for (let j = 0; j <= EXPONENT_STEPS; j++) {
      const exponent = EXPONENT_MIN + ((EXPONENT_MAX - EXPONENT_MIN) * j) / EXPONENT_STEPS
      const off = (exponent - prior.exponent) / EXPONENT_SPREAD
      cells.push({ effectiveSamplesPrior, exponent, prior: -(spreads ** 2 + off ** 2) / 2 })
    }
  }
  return cells
}

/** ln of the posterior of each cell, of losses in units of a typical one. */
function weigh(
  cells: readonly Cell[],
  points: readonly CurvePoint[],
  weights: readonly number[],
): Float64Array<ArrayBuffer> {
  const known = weights.reduce((sum, weight) => sum + weight, 0)
  return Float64Array.from(cells, cell => {
    const { squares } = bestLine(weighted(points, cell, weights))
    const spread = NOISE_VERSIONS * NOISE_SHARE ** 2 + squares
    return cell.prior - ((NOISE_VERSIONS + known) / 2) * Math.log(spread)
  })
}

/** The loss is a line in the share (1 + n/D₀)^-β that is left of what can be learned. */
function weighted(
  points: readonly CurvePoint[],
  { effectiveSamplesPrior, exponent }: CurveParameters,
  weights: readonly number[],
): Weighted[] {
  return points.map(({ absorbedSamples, loss }, at) => ({
    x: Math.exp(-exponent * Math.log1p(absorbedSamples / effectiveSamplesPrior)),
    y: loss,
    weight: weights[at] ?? 0,
  }))
}

/** 1 / (1 + (r/c)²), c from the median absolute residual. */
function robustWeights(
  points: readonly CurvePoint[],
  cell: Cell,
  weights: readonly number[],
): number[] {
  const rows = weighted(points, cell, weights)
  const { intercept, slope } = bestLine(rows)
  const residuals = rows.map(({ x, y }) => y - intercept - slope * x)
  const typical = median(residuals.map(Math.abs)) / MAD_SHARE
  const scale = CAUCHY_SCALE * Math.max(typical, NOISE_SHARE)
  return residuals.map(residual => 1 / (1 + (residual / scale) ** 2))
}

/** Mean and spread of the posterior, D₀ by its logarithm. */
function summary(cells: readonly Cell[], logs: Float64Array, versions: number): CurveFit {
  const most = logs[indexOfMax(logs)] ?? 0
  const shares = Array.from(logs, log => Math.exp(log - most))
  const total = shares.reduce((sum, share) => sum + share, 0)
  const meanOf = (value: (cell: Cell) => number): number =>
    cells.reduce((sum, cell, at) => sum + value(cell) * (shares[at] ?? 0), 0) / total
  const exponent = meanOf(cell => cell.exponent)
  const lnSamples = meanOf(cell => Math.log(cell.effectiveSamplesPrior))
  const variance = meanOf(cell => (cell.exponent - exponent) ** 2)
  const lnVariance = meanOf(cell => (Math.log(cell.effectiveSamplesPrior) - lnSamples) ** 2)
  return {
    effectiveSamplesPrior: Math.exp(lnSamples),
    exponent,
    exponentSpread: Math.sqrt(variance),
    effectiveSamplesFactor: Math.exp(Math.sqrt(lnVariance)),
    versions,
  }
}

function indexOfMax(values: Float64Array): number {
  let best = 0
  for (let at = 1; at < values.length; at++) {
    if ((values[at] ?? 0) > (values[best] ?? 0)) best = at
  }
  return best
}
