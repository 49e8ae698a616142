/**
 * The achievable workload when time and energy are continuous: the convex program of GainNet
 * (arXiv 2401.02662, III-B, "Lagrange multiplier method"), and its least cost at a given workload.
 * The slots of `workload.ts` are what rounds are planned on; this form says what a second, a joule
 * or a hertz more would be worth, and how far the same workload can be squeezed in time.
 *
 *   max D   s.t.   x + y ≤ T                                  (λ)  computing and upload fit the time
 *                  κ(w₀D)³/x² + E_ul(y) + e_s·D ≤ E_max       (μ)  and the energy
 *                  w₀·D ≤ F·x                                 (ν)
 *                  y ≥ y_min,  0 ≤ D ≤ D_G                    (θ)
 *
 * with x seconds of computing, y seconds of upload, E_ul(y) = y(2^{S/(by)} - 1)/g: the energy to
 * send S bits in y seconds over b hertz at gain g. κφ³ is the power of a CMOS core at rate φ
 * (Yang et al. 2021, arXiv 1911.02417), (w₀D)³/x² the perspective of a cube and E_ul that of an
 * exponential, so both are jointly convex.
 */
export interface EnergyPair {
  /** T: seconds left for computing and upload, after control slot and download. */
  readonly secondsMax: number
  /** F */
  readonly flopsPerSecondMax: number
  /** w₀ = c_m·E */
  readonly flopsPerSample: number
  /** κ: joules of one FLOP at rate φ are κφ². */
  readonly capacitance: number
  /** S > 0 */
  readonly uploadBits: number
  /** b */
  readonly bandwidthHz: number
  /** g = h/(N₀b): signal-to-noise ratio of one watt. */
  readonly snrPerWatt: number
  readonly transmitWattsMax: number
  /** e_s */
  readonly sensingJoulesPerSample: number
  /** E_max */
  readonly joulesMax: number
  /** D_G: samples that sensing delivers. */
  readonly samplesMax: number
}

/** How a workload is done: with how much of the time and of the energy. */
export interface EnergyPlan {
  /** In samples, not rounded. */
  readonly workload: number
  readonly computeSeconds: number
  readonly uploadSeconds: number
  /** φ = w₀·D/x */
  readonly flopsPerSecond: number
  readonly joules: number
}

/** Halvings of an interval: beyond them a double has no digit left. */
const HALVINGS = 100

/**
 * D* by its KKT conditions, which suffice as the program is convex and, where feasible, has an
 * inner point. Stationarity in x and y gives λ = 2μκφ³ + νF and λ = -μE_ul'(y) + θ; time is always
 * tight. So φ(y) = min{F, (-E_ul'(y)/2κ)^⅓} falls with y, as does
 *
 *   h(y) = κφ³(T - y) + E_ul(y) + e_sφ(T - y)/w₀ - E_max,
 *
 * and the energy is spent at the one root of h, or not all of it at y_min.
 */
export function energyAwareWorkload(pair: EnergyPair): EnergyPlan {
  const yMin = uploadSecondsMin(pair)
  const time = pair.secondsMax
  const none = planOf(pair, { workload: 0, uploadSeconds: 0, computeSeconds: 0 })
  if (!(yMin < time) || uploadJoules(pair, time) > pair.joulesMax) return none
  const spent = (y: number): number =>
    joulesAt(pair, balancedRate(pair, y), time - y) + uploadJoules(pair, y)
  const isAffordable = spent(yMin) <= pair.joulesMax
  const y = isAffordable ? yMin : firstBelow(spent, pair.joulesMax, [yMin, time])
  const rate = isAffordable ? fastestRate(pair, time - yMin, yMin) : balancedRate(pair, y)
  const workload = Math.min((rate * (time - y)) / pair.flopsPerSample, pair.samplesMax)
  return planOf(pair, { workload, uploadSeconds: y, computeSeconds: time - y })
}

/**
 * The second stage: least energy at a workload that is achievable. The dual price λ of a second
 * gives x(λ) = max{w₀D/F, w₀D(2κ/λ)^⅓} and y(λ) = max{y_min, S·ln 2/(bu)} where (u - 1)e^u = λg - 1;
 * their sum falls with λ, which is found by halving its logarithm. It answers how much shorter a
 * round may be at the same QoS (the paper's "from 9 to 5"), and what that costs.
 */
export function leastEnergyPlan(pair: EnergyPair, workload: number): EnergyPlan | null {
  const yMin = uploadSecondsMin(pair)
  const flops = pair.flopsPerSample * workload
  const xMin = flops / pair.flopsPerSecondMax
  if (xMin + yMin > pair.secondsMax) return null
  const computeSeconds = (price: number): number =>
    Math.max(xMin, flops * Math.cbrt((2 * pair.capacitance) / price))
  const uploadSeconds = (price: number): number => Math.max(yMin, uploadSecondsAt(pair, price))
  const total = (log: number): number =>
    computeSeconds(Math.exp(log)) + uploadSeconds(Math.exp(log))
  const price = Math.exp(firstBelow(total, pair.secondsMax, [-60, 60]))
  return planOf(pair, {
    workload,
    computeSeconds: computeSeconds(price),
    uploadSeconds: uploadSeconds(price),
  })
}

function planOf(
  pair: EnergyPair,
  o: Pick<EnergyPlan, 'workload' | 'computeSeconds' | 'uploadSeconds'>,
): EnergyPlan {
  if (o.workload <= 0) {
    return { workload: 0, computeSeconds: 0, uploadSeconds: 0, flopsPerSecond: 0, joules: 0 }
  }
  const flopsPerSecond = (pair.flopsPerSample * o.workload) / o.computeSeconds
  const joules =
    joulesAt(pair, flopsPerSecond, o.computeSeconds) + uploadJoules(pair, o.uploadSeconds)
  return { ...o, flopsPerSecond, joules }
}

/** κφ³x + e_sφx/w₀ */
function joulesAt(pair: EnergyPair, rate: number, seconds: number): number {
  const sensing = (pair.sensingJoulesPerSample * rate) / pair.flopsPerSample
  return (pair.capacitance * rate ** 3 + sensing) * seconds
}

/** y_min: upload at full power. */
function uploadSecondsMin({
  uploadBits,
  bandwidthHz,
  transmitWattsMax,
  snrPerWatt,
}: EnergyPair): number {
  return uploadBits / (bandwidthHz * Math.log2(1 + transmitWattsMax * snrPerWatt))
}

/** E_ul(y) */
function uploadJoules({ uploadBits, bandwidthHz, snrPerWatt }: EnergyPair, y: number): number {
  return (y * Math.expm1((uploadBits * Math.LN2) / (bandwidthHz * y))) / snrPerWatt
}

/** -E_ul'(y) = [(u - 1)e^u + 1]/g with u = S·ln 2/(by): joules that a second more of upload saves. */
function joulesSavedPerSecond(
  { uploadBits, bandwidthHz, snrPerWatt }: EnergyPair,
  y: number,
): number {
  const u = (uploadBits * Math.LN2) / (bandwidthHz * y)
  return convexRise(u) / snrPerWatt
}

/** (u - 1)e^u + 1 = Σ_{k ≥ 2} (k - 1)u^k/k!, by the series where the difference cancels. */
function convexRise(u: number): number {
  if (u > 0.01) return u * Math.exp(u) - Math.expm1(u)
  return u * u * (1 / 2 + u * (1 / 3 + u * (1 / 8 + u / 30)))
}

/** φ(y): the rate at which a second is worth the same in computing and in upload. */
function balancedRate(pair: EnergyPair, y: number): number {
  const rate = Math.cbrt(joulesSavedPerSecond(pair, y) / (2 * pair.capacitance))
  return Math.min(pair.flopsPerSecondMax, rate)
}

/** The greatest rate in [0, F] that the energy left by an upload of y seconds affords. */
function fastestRate(pair: EnergyPair, seconds: number, y: number): number {
  const left = pair.joulesMax - uploadJoules(pair, y)
  const full = pair.flopsPerSecondMax
  if (joulesAt(pair, full, seconds) <= left) return full
  const unspent = (rate: number): number => -joulesAt(pair, rate, seconds)
  return firstBelow(unspent, -left, [0, full], 'last above')
}

/** y(λ) without its floor: the root of (u - 1)e^u + 1 = λg, which rises with u. */
function uploadSecondsAt(
  { uploadBits, bandwidthHz, snrPerWatt }: EnergyPair,
  price: number,
): number {
  const u = firstBelow(one => -convexRise(one), -price * snrPerWatt, [0, 700])
  return (uploadBits * Math.LN2) / (bandwidthHz * u)
}

/** Where a falling function first is at most `level` in an interval, by halving. */
function firstBelow(
  falling: (at: number) => number,
  level: number,
  [from, to]: readonly [number, number],
  side: 'first below' | 'last above' = 'first below',
): number {
  let [low, high] = [from, to]
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2
    if (falling(middle) > level) low = middle
    else high = middle
  }
  return side === 'first below' ? high : low
}
