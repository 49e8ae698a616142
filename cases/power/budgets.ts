import { totalRate } from '../../controller/power/channel-gains.ts'
import { POWER_SIZES, trainPowerModel } from '../../controller/power/power-diffusion.ts'
import { expertPairs } from '../../controller/power/power-pairs.ts'
import { averagePower, waterFill } from '../../controller/power/water-filling.ts'
import { seededRandom } from '../../runtime/seeded-random.ts'
import type { Ort } from '../../training/trainer/ort-session.ts'
import type { Tally } from '../report/tally.ts'
import { CHANNELS, drawChannels, type EnvironmentName } from './environments.ts'
import { rateOf, type StudyOptions } from './phases.ts'

/**
 * 0.2237 gives T1 the ceiling that the paper states as its gain, 1.81 gives T2 the one of T3; 3 and 12 are
 * those of GDMOPT, its program for the same problem.
 */
const BUDGETS = [0.1, 0.2, 0.2237, 1, 1.81, 3, 12] as const
const TRAINED: readonly number[] = [0.1, 1.81]
const SEED = 7001

/** What can be gained at all at other budgets, and how much of it a model trained there does gain. */
export async function studyBudgets(ort: Ort, options: StudyOptions, tally: Tally): Promise<void> {
  for (const budget of BUDGETS) {
    const setting = { ...options, budget }
    for (const environment of ['t1', 't2'] as const) {
      const rows = drawChannels(environment, options.heldBack, setting, seededRandom(SEED))
      const even = totalRate(rows.gains, averagePower(rows))
      const best = totalRate(rows.gains, waterFill(rows))
      tally.add(`budget-${budget}.${environment}.ceiling`, best - even, even)
      if (!TRAINED.includes(budget)) continue
      const { sizes, parameters } = await trained(ort, setting, environment)
      const rate = await rateOf(ort, { sizes, parameters, steps: options.steps, rows, seed: SEED })
      tally.add(`budget-${budget}.${environment}.gdm`, rate - even, even)
    }
  }
}

async function trained(ort: Ort, options: StudyOptions, environment: EnvironmentName) {
  const sizes = { channels: CHANNELS, ...POWER_SIZES, seed: 1 }
  const known = drawChannels(environment, options.pairs, options, seededRandom(SEED + 1))
  const { updates } = options
  const parameters = await trainPowerModel(ort, {
    sizes,
    pairs: expertPairs(known),
    updates,
    seed: 1,
  })
  return { sizes, parameters }
}
