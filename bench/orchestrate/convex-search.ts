import type { EnergyPair } from '../../controller/orchestrate/energy-workload.ts'

/**
 * Solves the two convex programs of `energy-workload.ts` with nothing but their statement: ternary
 * searches, one inside the other, which only use that the programs are convex. The other opinion
 * beside the KKT solution.
 */

const STEPS = 70

/** max D over x and y; D itself by halving, as energy rises with it. */
export function searchedWorkload(pair: EnergyPair): number {
  const yMin = slowestPowerSeconds(pair)
  if (!(yMin < pair.secondsMax)) return 0
  const best = greatest(
    y => greatest(x => samplesAt(pair, x, y), [0, pair.secondsMax - y]),
    [yMin, pair.secondsMax],
  )
  return Math.min(Math.max(0, best), pair.samplesMax)
}

/** min energy over y at workload D. */
export function searchedEnergy(pair: EnergyPair, workload: number): number {
  const yMin = slowestPowerSeconds(pair)
  const yMax = pair.secondsMax - (workload * pair.flopsPerSample) / pair.flopsPerSecondMax
  return -greatest(y => -joulesOf(pair, workload, pair.secondsMax - y, y), [yMin, yMax])
}

/** The most samples of given times; below 0 by what is lacking where not even none is affordable. */
function samplesAt(pair: EnergyPair, x: number, y: number): number {
  const lacking = joulesOf(pair, 0, x, y) - pair.joulesMax
  if (lacking > 0) return -lacking
  let [low, high] = [0, (pair.flopsPerSecondMax * x) / pair.flopsPerSample]
  if (joulesOf(pair, high, x, y) <= pair.joulesMax) return high
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2
    if (joulesOf(pair, middle, x, y) <= pair.joulesMax) low = middle
    else high = middle
  }
  return low
}

function joulesOf(pair: EnergyPair, samples: number, x: number, y: number): number {
  const computing = (pair.capacitance * (pair.flopsPerSample * samples) ** 3) / x ** 2
  const upload = (y * (2 ** (pair.uploadBits / (pair.bandwidthHz * y)) - 1)) / pair.snrPerWatt
  return (samples > 0 ? computing : 0) + upload + pair.sensingJoulesPerSample * samples
}

function slowestPowerSeconds(pair: EnergyPair): number {
  const efficiency = Math.log2(1 + pair.transmitWattsMax * pair.snrPerWatt)
  return pair.uploadBits / (pair.bandwidthHz * efficiency)
}

function greatest(concave: (at: number) => number, [from, to]: readonly [number, number]): number {
  let [low, high] = [from, to]
  for (let step = 0; step < STEPS; step++) {
    const third = (high - low) / 3
    if (concave(low + third) < concave(high - third)) low += third
    else high -= third
  }
  return concave((low + high) / 2)
}
