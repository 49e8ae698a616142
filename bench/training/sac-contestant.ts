import { seededRandom, standardNormal } from '../../runtime/seeded-random.ts'
import { buildSacNetworks } from '../../training/models/sac-networks.ts'
import { SacLearner } from '../../training/sac/sac-learner.ts'
import type { Ort } from '../../training/trainer/ort-session.ts'
import type { Contestant } from './contestants.ts'

/** As bench/pytorch/sac.py has them. */
const SIZES = { observationSize: 64, actionSize: 8, hiddenSizes: [256, 256] }
const TRANSITIONS = 4096

/** Whole updates of soft actor-critic, on a replay buffer full of noise. */
export async function openSac(ort: Ort): Promise<Contestant> {
  const networks = buildSacNetworks({ ...SIZES, seed: 1 })
  const settings = { batch: 256 }
  const learner = await SacLearner.open(ort, {
    ...networks,
    settings,
    capacity: TRANSITIONS,
    seed: 1,
  })
  const random = seededRandom(1)
  const draw = (count: number) => Float32Array.from({ length: count }, () => standardNormal(random))
  for (let count = 0; count < TRANSITIONS; count++) {
    learner.remember({
      observation: { observation: draw(SIZES.observationSize) },
      action: draw(SIZES.actionSize).map(Math.tanh),
      reward: standardNormal(random),
      next: { observation: draw(SIZES.observationSize) },
      isTerminal: random() < 0.01,
    })
  }
  return async updates => {
    const series = await learner.update(updates)
    return Object.values(series)[0] ?? []
  }
}
