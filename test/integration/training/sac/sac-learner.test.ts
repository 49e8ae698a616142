import { expect, onTestFinished, test } from 'vitest'
import { type Random, seededRandom } from '../../../../runtime/seeded-random.ts'
import { buildSacNetworks } from '../../../../training/models/sac-networks.ts'
import { SacLearner, type Transition } from '../../../../training/sac/sac-learner.ts'
import { loadOrt } from '../../../../training/trainer/ort-session.ts'
import { PointMass } from './point-mass.ts'

const SEED = 1

async function openLearner(seed = SEED): Promise<SacLearner> {
  const learningRate = 0.003
  const learner = await SacLearner.open(await loadOrt(), {
    ...buildSacNetworks({ observationSize: 4, actionSize: 2, hiddenSizes: [32, 32], seed }),
    capacity: 2000,
    seed,
    settings: {
      batch: 64,
      discount: 0.95,
      targetRate: 0.02,
      learningRates: { actor: learningRate, critic: learningRate, temperature: learningRate },
    },
  })
  onTestFinished(() => learner.release())
  return learner
}

/** The return of an episode, and its transitions; drawn actions where there is chance, else the best. */
async function runEpisode(learner: SacLearner, start: Random, explore?: Random) {
  const task = new PointMass()
  const transitions: Transition[] = []
  let observation = task.reset(start)
  for (let step = 0; step < task.stepsMax; step++) {
    const action = await learner.act(observation, explore)
    const { observation: next, reward } = task.step(action)
    const after = { reward, next: { observation: next }, isTerminal: false }
    transitions.push({ observation: { observation }, action, ...after })
    observation = next
  }
  const returns = transitions.reduce((sum, { reward }) => sum + reward, 0)
  return { returns, transitions }
}

async function meanReturn(learner: SacLearner): Promise<number> {
  const start = seededRandom(99)
  let sum = 0
  for (let episode = 0; episode < 10; episode++) sum += (await runEpisode(learner, start)).returns
  return sum / 10
}

async function remember(learner: SacLearner, episodes: number): Promise<void> {
  const random = seededRandom(SEED)
  for (let episode = 0; episode < episodes; episode++) {
    const { transitions } = await runEpisode(learner, random, random)
    for (const transition of transitions) learner.remember(transition)
  }
}

test('a mass learns to come to rest at the origin', async () => {
  const learner = await openLearner()
  const random = seededRandom(SEED)
  const before = await meanReturn(learner)
  for (let episode = 0; episode < 25; episode++) {
    const { transitions } = await runEpisode(learner, random, random)
    for (const transition of transitions) learner.remember(transition)
    await learner.update(transitions.length)
  }
  const after = await meanReturn(learner)
  // At rest where it began the mass would have −40, in a straight line to the origin some −9.
  expect(before, `seed ${SEED}`).toBeLessThan(-40)
  expect(after, `seed ${SEED}, ${before} before`).toBeGreaterThan(-16)
})

test('equal seeds give equal bits, however the updates are cut into runs', async () => {
  const learners = [await openLearner(), await openLearner()]
  const [first, second] = learners
  for (const learner of learners) await remember(learner, 3)
  await first?.update(7)
  await second?.update(3)
  await second?.update(4)
  expect(second?.checkpoint()).toEqual(first?.checkpoint())
})

test('a learner that goes on from a checkpoint is where it would have been', async () => {
  const [whole, stopped, resumed] = [await openLearner(), await openLearner(), await openLearner()]
  for (const learner of [whole, stopped, resumed]) await remember(learner, 3)
  await whole.update(6)
  await stopped.update(2)
  resumed.restore(stopped.checkpoint())
  await resumed.update(4)
  expect(resumed.updateCount).toBe(6)
  expect(resumed.checkpoint()).toEqual(whole.checkpoint())
  expect(resumed.actorParameters()).toEqual(whole.actorParameters())
})

test('other seeds give other updates', async () => {
  const [first, second] = [await openLearner(1), await openLearner(2)]
  second.restore(first.checkpoint())
  for (const learner of [first, second]) await remember(learner, 3)
  await first.update(1)
  await second.update(1)
  expect(second.actorParameters()).not.toEqual(first.actorParameters())
})

test('the likeliest action is the same each time, drawn ones are not, all are within bounds', async () => {
  const learner = await openLearner()
  const observations = Float32Array.from({ length: 12 }, (_, index) => index - 6)
  const [likeliest, again] = [await learner.act(observations), await learner.act(observations)]
  expect(likeliest).toHaveLength(6)
  expect(again).toEqual(likeliest)
  const random = seededRandom(SEED)
  const drawn = await learner.act(observations, random)
  expect(await learner.act(observations, random)).not.toEqual(drawn)
  for (const action of [...likeliest, ...drawn]) expect(Math.abs(action)).toBeLessThanOrEqual(1)
})

test('the buffer keeps the last transitions', async () => {
  const learner = await openLearner()
  await remember(learner, 60)
  expect(learner.transitionCount).toBe(2000)
})

test('what does not fit or is no number is refused, and nothing of it kept', async () => {
  const learner = await openLearner()
  await expect(learner.update(1)).rejects.toMatchObject({ code: 'TRAINING_FAILED' })
  const observation = { observation: [0, 0, 0, 0] }
  const transition = { observation, action: [0, 0], reward: 1, next: observation, isTerminal: true }
  expect(() => learner.remember({ ...transition, action: [0] })).toThrow(/1 numbers of/)
  expect(() => learner.remember({ ...transition, reward: Number.NaN })).toThrow(/NaN/)
  expect(() => learner.remember({ ...transition, next: {} })).toThrow(/0 numbers of/)
  expect(learner.transitionCount).toBe(0)
  expect(() => learner.restore({ updateCount: 0, states: {} })).toThrow(/no fitting/)
})

test('critics that do not fit the actor are refused by their inputs', async () => {
  const sizes = { actionSize: 2, hiddenSizes: [4], seed: SEED }
  const { actor } = buildSacNetworks({ ...sizes, observationSize: 4 })
  const { critics } = buildSacNetworks({ ...sizes, observationSize: 3 })
  const opening = SacLearner.open(await loadOrt(), { actor, critics, capacity: 10, seed: SEED })
  await expect(opening).rejects.toMatchObject({ code: 'MODEL_INVALID' })
})
