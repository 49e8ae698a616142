import { expect, onTestFinished, test } from 'vitest'
import { seededRandom, standardNormal } from '../../../../runtime/seeded-random.ts'
import { buildSacNetworks } from '../../../../training/models/sac-networks.ts'
import { REPLAY, SCHEDULE } from '../../../../training/sac/sac-body.ts'
import { readSacModels } from '../../../../training/sac/sac-models.ts'
import { buildSacUpdate, type SacUpdate, updated } from '../../../../training/sac/sac-scan.ts'
import { sacSchema } from '../../../../training/sac/sac-settings.ts'
import { SAC_PARTS, sacOptimizer } from '../../../../training/sac/sac-states.ts'
import { SAC_SERIES } from '../../../../training/sac/sac-step.ts'
import { floatOutput, loadOrt, openOrtSession } from '../../../../training/trainer/ort-session.ts'
import { relativeError } from '../reference-check.ts'
import { SacReference } from './sac-reference.ts'

const UPDATES = 3
const BATCH = 5
const TRANSITIONS = 9
const RATES = { actor: 0.02, critic: 0.01, temperature: 0.05 }

interface Sizes {
  readonly observationSize: number
  readonly actionSize: number
  readonly seed: number
}

const cases = [
  { observationSize: 3, actionSize: 2, hiddenSizes: [8, 6], seed: 4, settings: {} },
  {
    observationSize: 2,
    actionSize: 1,
    hiddenSizes: [7],
    seed: 5,
    settings: { discount: 0.5, targetRate: 0.3, initialTemperature: 0.2, targetEntropy: -3 },
  },
]

/** A replay buffer, and rows and noise of the updates. */
function drawColumns({ observationSize, actionSize, seed }: Sizes) {
  const random = seededRandom(seed)
  const draw = (count: number) => Float32Array.from({ length: count }, () => standardNormal(random))
  const row = () => Math.floor(random() * TRANSITIONS)
  return {
    observation: draw(TRANSITIONS * observationSize),
    next: draw(TRANSITIONS * observationSize),
    action: draw(TRANSITIONS * actionSize).map(Math.tanh),
    reward: draw(TRANSITIONS),
    continues: Float32Array.from({ length: TRANSITIONS }, (_, place) => (place % 3 === 0 ? 0 : 1)),
    rows: Int32Array.from({ length: UPDATES * BATCH }, row),
    noise: draw(UPDATES * BATCH * actionSize),
    nextNoise: draw(UPDATES * BATCH * actionSize),
  }
}

type Columns = ReturnType<typeof drawColumns>

async function runUpdates(update: SacUpdate, columns: Columns, sizes: Sizes) {
  const { observationSize, actionSize } = sizes
  const ort = await loadOrt()
  const ortSession = await openOrtSession(ort, update.bytes)
  onTestFinished(() => ortSession.release())
  const tensor = (values: Float32Array, ...shape: number[]) =>
    new ort.Tensor('float32', values, shape)
  const scalars = SAC_PARTS.flatMap(part =>
    sacOptimizer.scalars.map((scalar, place) => {
      const values = Float32Array.from({ length: UPDATES }, (_, index) => {
        return sacOptimizer.scalarsAt(index + 1, RATES[part])[place] ?? Number.NaN
      })
      return [SCHEDULE.scalar(part, scalar), tensor(values, UPDATES)] as const
    }),
  )
  return await ortSession.run({
    [REPLAY.observation('observation')]: tensor(columns.observation, TRANSITIONS, observationSize),
    [REPLAY.next('observation')]: tensor(columns.next, TRANSITIONS, observationSize),
    [REPLAY.action]: tensor(columns.action, TRANSITIONS, actionSize),
    [REPLAY.reward]: tensor(columns.reward, TRANSITIONS, 1),
    [REPLAY.continues]: tensor(columns.continues, TRANSITIONS, 1),
    [SCHEDULE.rows]: new ort.Tensor('int32', columns.rows, [UPDATES, BATCH]),
    [SCHEDULE.noise]: tensor(columns.noise, UPDATES, BATCH, actionSize),
    [SCHEDULE.nextNoise]: tensor(columns.nextNoise, UPDATES, BATCH, actionSize),
    ...Object.fromEntries(scalars),
    ...Object.fromEntries(
      update.states.map(({ name, shape, initial }) => [name, tensor(initial, ...shape)]),
    ),
  })
}

/** The series of the same updates in float64; the reference holds the networks after them. */
function updateReference(reference: SacReference, columns: Columns, sizes: Sizes) {
  const { observationSize, actionSize } = sizes
  const cut = (values: Float32Array, width: number, places: readonly number[]) =>
    places.map(place => Array.from(values.subarray(place * width, (place + 1) * width)))
  return Array.from({ length: UPDATES }, (_, index) => {
    const places = Array.from({ length: BATCH }, (_, row) => index * BATCH + row)
    const taken = places.map(place => columns.rows[place] ?? 0)
    return reference.update({
      observation: cut(columns.observation, observationSize, taken),
      next: cut(columns.next, observationSize, taken),
      action: cut(columns.action, actionSize, taken),
      reward: taken.map(row => columns.reward[row] ?? 0),
      continues: taken.map(row => columns.continues[row] ?? 0),
      noise: cut(columns.noise, actionSize, places),
      nextNoise: cut(columns.nextNoise, actionSize, places),
    })
  })
}

function networkOf({ states }: SacUpdate, prefix: string) {
  return Object.fromEntries(
    states
      .filter(({ name }) => name.startsWith(prefix) && !name.endsWith('Moment'))
      .map(({ name, initial }) => [name.slice(prefix.length), Float64Array.from(initial)]),
  )
}

test.each(cases)(
  'updates with $hiddenSizes hidden units are those of a float64 reference',
  async ({ settings: given, ...sizes }) => {
    const settings = sacSchema.parse({ batch: BATCH, ...given })
    const update = buildSacUpdate(readSacModels(buildSacNetworks(sizes)), settings)
    const columns = drawColumns(sizes)
    const ran = await runUpdates(update, columns, sizes)
    const reference = new SacReference(
      {
        actor: networkOf(update, 'actor.'),
        critics: [networkOf(update, 'critic.0.'), networkOf(update, 'critic.1.')],
      },
      {
        ...settings,
        learningRates: RATES,
        targetEntropy: settings.targetEntropy ?? -sizes.actionSize,
      },
    )
    const told = updateReference(reference, columns, sizes)
    for (const name of SAC_SERIES) {
      const expected = Float64Array.from(told, series => series[name] ?? Number.NaN)
      const error = relativeError(floatOutput(ran, name), expected)
      expect(error, `${name}, seed ${sizes.seed}`).toBeLessThan(1e-5)
    }
    const networks = Object.entries({
      'actor.': reference.actor,
      'critic.0.': reference.critics[0] ?? {},
      'critic.1.': reference.critics[1] ?? {},
      'target.0.': reference.targets[0] ?? {},
      'target.1.': reference.targets[1] ?? {},
    })
    for (const [prefix, network] of networks) {
      for (const [name, expected] of Object.entries(network)) {
        const moved = floatOutput(ran, updated(`${prefix}${name}`))
        const error = relativeError(moved, expected)
        expect(error, `${prefix}${name}, seed ${sizes.seed}`).toBeLessThan(1e-4)
      }
    }
  },
)
