import { expect, onTestFinished, test } from 'vitest'
import { type Random, seededRandom } from '../../../../runtime/seeded-random.ts'
import { SacLearner } from '../../../../training/sac/sac-learner.ts'
import { loadOrt } from '../../../../training/trainer/ort-session.ts'
import { buildChoiceNetworks } from './choice-networks.ts'

const SEED = 3
const PLACES = 7
const STEPS_MAX = 20
/** To the left, to the right, and one that never is there. */
const MASK = [1, 1, 0]

const observe = (place: number) => ({
  features: Float32Array.from({ length: PLACES }, (_, index) => (index === place ? 1 : 0)),
  mask: Float32Array.from(MASK),
})

async function openLearner() {
  const sizes = { features: PLACES, choices: MASK.length, hiddenSize: 24, seed: SEED }
  const rate = 0.005
  const learner = await SacLearner.open(await loadOrt(), {
    ...buildChoiceNetworks(sizes),
    capacity: 2000,
    seed: SEED,
    settings: {
      batch: 64,
      discount: 0.95,
      targetRate: 0.02,
      initialTemperature: 0.3,
      targetEntropyShare: 0.2,
      learningRates: { actor: rate, critic: rate, temperature: rate },
    },
  })
  onTestFinished(() => learner.release())
  return learner
}

/**
 * A corridor that is left at both ends: beside the start for 0.2, far off for 2; a step costs 0.1. The
 * learner remembers it where it explores.
 */
async function walk(learner: SacLearner, explore?: Random): Promise<number> {
  let [place, returns] = [1, 0]
  for (let step = 0; step < STEPS_MAX; step++) {
    const [choice = 0] = await learner.choose(observe(place), explore)
    expect(MASK[choice]).toBe(1)
    const next = place + (choice === 1 ? 1 : -1)
    const isTerminal = next === 0 || next === PLACES - 1
    const reward = -0.1 + (next === 0 ? 0.2 : 0) + (next === PLACES - 1 ? 2 : 0)
    const after = { action: [choice], reward, next: observe(next), isTerminal }
    if (explore) learner.remember({ observation: observe(place), ...after })
    returns += reward
    place = next
    if (isTerminal) break
  }
  return returns
}

test('a learner of choices walks past the near end to the better one, and never takes what is not there', async () => {
  const learner = await openLearner()
  const random = seededRandom(SEED)
  let early = 0
  for (let episode = 0; episode < 80; episode++) {
    const returns = await walk(learner, random)
    if (episode < 20) early += returns / 20
    await learner.update(10)
  }
  expect(early, `seed ${SEED}`).toBeLessThan(1)
  // Five steps and the far end.
  expect(await walk(learner), `seed ${SEED}`).toBeCloseTo(1.5, 5)
})

test('a choice that there is not is refused', async () => {
  const learner = await openLearner()
  await expect(learner.act(observe(1))).rejects.toThrow(/are choices/)
  const [observation, next] = [observe(1), observe(2)]
  for (const action of [[3], [-1], [0.5], []]) {
    const transition = { observation, action, reward: 0, next, isTerminal: false }
    expect(() => learner.remember(transition)).toThrow(/there are 3 choices/)
  }
})
