import type { EnergyPair } from '../../controller/orchestrate/energy-workload.ts'
import type { Random } from '../../runtime/seeded-random.ts'

/** A pair as they occur: some cannot be served, some are bound by sensing, most by consumption. */
export function drawEnergyPair(random: Random): EnergyPair {
  const uniform = (from: number, to: number): number => from + (to - from) * random()
  return {
    secondsMax: uniform(0.3, 1),
    flopsPerSecondMax: uniform(0.8e9, 2.5e9),
    flopsPerSample: uniform(5e6, 30e6),
    capacitance: 10 ** uniform(-28, -26.5),
    uploadBits: uniform(0.1e6, 1.5e6),
    bandwidthHz: 1.8e6,
    snrPerWatt: 10 ** uniform(0.5, 3.5),
    transmitWattsMax: 0.2,
    sensingJoulesPerSample: random() < 0.5 ? 0 : 10 ** uniform(-4, -2.5),
    joulesMax: 10 ** uniform(-2.2, 0.3),
    samplesMax: uniform(20, 150),
  }
}
