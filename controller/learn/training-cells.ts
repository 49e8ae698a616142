import { type Random, seededRandom } from '../../runtime/seeded-random.ts'
import { drawScenario, type Scenario } from '../simulate/scenario.ts'
import { limited, PRESETS, type ScenarioOptions } from '../simulate/scenario-options.ts'

/** Seeds of cells lie far from those of evaluations, which count from 0. */
const FIRST_SEED = 0x4000_0000

/** Cells that are as the preset says; the others vary (domain randomisation, Tobin et al. 2017). */
const USUAL_SHARE = 0.5
const LIGHT_SHARE = 0.15
/** Cells in which decisions are made on views and links of the CR before. */
const STALE_SHARE = 0.3
/** As many transitions a cell, whatever its rounds. */
const DECISIONS = 200

export interface TrainingCell {
  readonly scenario: Scenario
  /** How many CRs old is what a decision is made on. */
  readonly staleCrs: number
}

/** A cell to learn in: a function of the seed of the training and its index. */
export function drawTrainingCell(seed: number, index: number): TrainingCell {
  const cellSeed = FIRST_SEED + (Math.imul(seed, 0x9e3779b1) >>> 2) + index
  const random = seededRandom(cellSeed)
  const usual = PRESETS[random() < LIGHT_SHARE ? 'light' : 'balanced']
  const options = random() < USUAL_SHARE ? usual : varied(usual, random)
  const vehicles = Math.max(1, Math.round(DECISIONS / options.rounds))
  const staleCrs = random() < STALE_SHARE ? 1 : 0
  return { scenario: drawScenario({ ...options, vehicles }, cellSeed), staleCrs }
}

/** Slots, blocks, computing, models, targets and rounds over and under those of the preset. */
function varied(preset: ScenarioOptions, random: Random): ScenarioOptions {
  const between = (low: number, high: number): number => low + (high - low) * random()
  const whole = (low: number, high: number): number => Math.floor(between(low, high + 1))
  const speed = between(0.4, 1.3)
  const [slowest, fastest] = preset.cyclesPerSecond
  const blocks = whole(5, 12)
  const options: ScenarioOptions = {
    ...preset,
    slots: whole(5, 12),
    models: whole(6, 20),
    rounds: whole(3, 10),
    targets: whole(50, 150),
    cyclesPerSecond: [slowest * speed, fastest * speed],
    radio: { ...preset.radio, blocks },
    isac: {
      ...preset.isac,
      blocksPerSnapshot: Math.min(blocks, preset.isac.blocksPerSnapshot),
    },
  }
  return random() < 0.1 ? limited(options, 'time') : options
}
