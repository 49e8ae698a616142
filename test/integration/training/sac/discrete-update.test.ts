import { expect, onTestFinished, test } from 'vitest'
import { seededRandom, standardNormal } from '../../../../runtime/seeded-random.ts'
import { REPLAY, SCHEDULE } from '../../../../training/sac/sac-body.ts'
import { readSacModels } from '../../../../training/sac/sac-models.ts'
import { buildSacUpdate, updated } from '../../../../training/sac/sac-scan.ts'
import { sacSchema } from '../../../../training/sac/sac-settings.ts'
import { SAC_PARTS, sacOptimizer } from '../../../../training/sac/sac-states.ts'
import { floatOutput, loadOrt, openOrtSession } from '../../../../training/trainer/ort-session.ts'
import { relativeError } from '../reference-check.ts'
import { buildChoiceNetworks, LEFT_OUT } from './choice-networks.ts'

const SEED = 11
const BATCH = 6
const SIZES = { features: 3, choices: 4, hiddenSize: 5, seed: SEED }
const STEP = 1e-6

/** A network's parameters by name, in float64. */
type Network = Readonly<Record<string, Float64Array>>
/** Features and mask of a row. */
type Observed = readonly [features: readonly number[], mask: readonly number[]]

function layer(network: Network, name: string, x: readonly number[]): readonly number[] {
  const bias = Array.from(network[`${name}.bias`] ?? [])
  const weights = network[`${name}.weight`] ?? []
  return bias.map((start, column) =>
    x.reduce((sum, v, row) => sum + v * (weights[row * bias.length + column] ?? 0), start),
  )
}

function tell(network: Network, [features, mask]: Observed): readonly number[] {
  const told = layer(network, 'output', layer(network, 'hidden.0', features).map(Math.tanh))
  return told.map((value, choice) => (mask[choice] === 1 ? value : LEFT_OUT))
}

/** Only of the choices there are: the sums leave the others out, as the formulas do. */
function policy(actor: Network, observed: Observed) {
  const logits = tell(actor, observed)
  const choices = logits.flatMap((logit, choice) => (logit === LEFT_OUT ? [] : [choice]))
  const mass = choices.reduce((sum, choice) => sum + Math.exp(logits[choice] ?? 0), 0)
  return choices.map(choice => {
    const share = Math.exp(logits[choice] ?? 0) / mass
    return { choice, share, logShare: Math.log(share) }
  })
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
const entropyOf = (choices: ReturnType<typeof policy>) =>
  -total(choices.map(({ share, logShare }) => share * logShare))
const least = (critics: readonly Network[], observed: Observed, choice: number) =>
  Math.min(...critics.map(critic => tell(critic, observed)[choice] ?? Number.NaN))

function differences(network: Network, loss: () => number): ReadonlyMap<string, Float64Array> {
  return new Map(
    Object.entries(network).map(([name, values]) => {
      const slopes = values.map((held, place) => {
        const at = (shifted: number) => {
          values[place] = shifted
          return loss()
        }
        const slope = (at(held + STEP) - at(held - STEP)) / (2 * STEP)
        values[place] = held
        return slope
      })
      return [name, slopes]
    }),
  )
}

function drawBatch() {
  const random = seededRandom(SEED)
  const observed = (): Observed => [
    Array.from({ length: SIZES.features }, () => standardNormal(random)),
    Array.from({ length: SIZES.choices }, (_, choice) => (choice === 1 || random() < 0.6 ? 1 : 0)),
  ]
  return Array.from({ length: BATCH }, (_, row) => {
    const now = observed()
    return {
      now,
      next: observed(),
      // The last that there is.
      action: now[1].lastIndexOf(1),
      reward: standardNormal(random),
      continues: row % 3 === 0 ? 0 : 1,
    }
  })
}

type Batch = ReturnType<typeof drawBatch>

async function runUpdate(update: ReturnType<typeof buildSacUpdate>, batch: Batch) {
  const ort = await loadOrt()
  const ortSession = await openOrtSession(ort, update.bytes)
  onTestFinished(() => ortSession.release())
  const float = (values: readonly number[], ...shape: number[]) =>
    new ort.Tensor('float32', Float32Array.from(values), shape)
  const rows = (values: readonly (readonly number[])[]) =>
    float(values.flat(), BATCH, values[0]?.length ?? 0)
  const ints = (values: readonly number[], ...shape: number[]) =>
    new ort.Tensor('int32', Int32Array.from(values), shape)
  const scalars = SAC_PARTS.flatMap(part =>
    sacOptimizer.scalars.map((scalar, place) => {
      const value = sacOptimizer.scalarsAt(1, 0.01)[place] ?? Number.NaN
      return [SCHEDULE.scalar(part, scalar), float([value], 1)] as const
    }),
  )
  return await ortSession.run({
    [REPLAY.observation('features')]: rows(batch.map(({ now }) => now[0])),
    [REPLAY.observation('mask')]: rows(batch.map(({ now }) => now[1])),
    [REPLAY.next('features')]: rows(batch.map(({ next }) => next[0])),
    [REPLAY.next('mask')]: rows(batch.map(({ next }) => next[1])),
    [REPLAY.action]: ints(
      batch.map(({ action }) => action),
      BATCH,
      1,
    ),
    [REPLAY.reward]: rows(batch.map(({ reward }) => [reward])),
    [REPLAY.continues]: rows(batch.map(({ continues }) => [continues])),
    [SCHEDULE.rows]: ints([...batch.keys()], 1, BATCH),
    ...Object.fromEntries(scalars),
    ...Object.fromEntries(
      update.states.map(({ name, shape, initial }) => [name, float([...initial], ...shape)]),
    ),
  })
}

test('an update over choices is that of a float64 reference, which sums over those there are', async () => {
  const settings = sacSchema.parse({
    batch: BATCH,
    initialTemperature: 0.3,
    targetEntropyShare: 0.4,
  })
  const update = buildSacUpdate(readSacModels(buildChoiceNetworks(SIZES)), settings)
  expect(update.choices).toBe(4)
  const batch = drawBatch()
  const ran = await runUpdate(update, batch)
  const network = (prefix: string, valuesOf = (_: string, initial: Float32Array) => initial) =>
    Object.fromEntries(
      update.states
        .filter(({ name }) => name.startsWith(prefix) && !name.endsWith('Moment'))
        .map(({ name, initial }) => [
          name.slice(prefix.length),
          Float64Array.from(valuesOf(name, initial)),
        ]),
    )
  const alpha = settings.initialTemperature
  const actor = network('actor.')
  const critics = [network('critic.0.'), network('critic.1.')]
  const goals = batch.map(({ next, reward, continues }) => {
    const soft = policy(actor, next).map(({ choice, share, logShare }) => {
      return share * (least(critics, next, choice) - alpha * logShare)
    })
    return reward + settings.discount * continues * total(soft)
  })
  const expectSame = (name: string, actual: ArrayLike<number>, expected: Float64Array) => {
    expect(relativeError(actual, expected), `${name}, seed ${SEED}`).toBeLessThan(1e-4)
  }
  for (const [index, critic] of critics.entries()) {
    const loss = () =>
      mean(
        batch.map(({ now, action }, row) => {
          return ((tell(critic, now)[action] ?? 0) - (goals[row] ?? 0)) ** 2 / 2
        }),
      )
    expectSame('loss', floatOutput(ran, `criticLoss${index}`), Float64Array.of(loss()))
    for (const [name, gradient] of differences(critic, loss)) {
      // At the first step the scaled first moment of Adam is the gradient.
      const moment = updated(`critic.${index}.${name}.firstMoment`)
      expectSame(moment, floatOutput(ran, moment), gradient)
    }
  }
  const moved = [0, 1].map(index =>
    network(`critic.${index}.`, name => floatOutput(ran, updated(name))),
  )
  const actorLoss = () =>
    mean(
      batch.map(({ now }) =>
        total(
          policy(actor, now).map(({ choice, share, logShare }) => {
            return share * (alpha * logShare - least(moved, now, choice))
          }),
        ),
      ),
    )
  expectSame('actorLoss', floatOutput(ran, 'actorLoss'), Float64Array.of(actorLoss()))
  for (const [name, gradient] of differences(actor, actorLoss)) {
    const moment = updated(`actor.${name}.firstMoment`)
    expectSame(moment, floatOutput(ran, moment), gradient)
  }
  const policies = batch.map(({ now }) => policy(actor, now))
  const entropies = policies.map(entropyOf)
  const excess = entropies.map((entropy, row) => {
    return entropy - settings.targetEntropyShare * Math.log(policies[row]?.length ?? 0)
  })
  expectSame('entropy', floatOutput(ran, 'entropy'), Float64Array.of(mean(entropies)))
  const temperatureLoss = Float64Array.of(alpha * mean(excess))
  expectSame('temperatureLoss', floatOutput(ran, 'temperatureLoss'), temperatureLoss)
})
