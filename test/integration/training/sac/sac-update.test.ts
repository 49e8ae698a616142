import { expect, onTestFinished, test } from 'vitest'
import { seededRandom, standardNormal } from '../../../../runtime/seeded-random.ts'
import { buildSacNetworks } from '../../../../training/models/sac-networks.ts'
import { floatOutput, loadOrt, openOrtSession } from '../../../../training/ort-session.ts'
import { readSacModels } from '../../../../training/sac/sac-models.ts'
import { buildSacUpdate, REPLAY, SCHEDULE, updated } from '../../../../training/sac/sac-scan.ts'
import { sacSchema } from '../../../../training/sac/sac-settings.ts'
import { SAC_PARTS, sacOptimizer } from '../../../../training/sac/sac-states.ts'
import { SAC_SERIES } from '../../../../training/sac/sac-update-graph.ts'
import { relativeError } from '../reference-check.ts'
import { SacReference } from './sac-reference.ts'

const UPDATES = 3
const BATCH = 5
const TRANSITIONS = 9

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

test.each(cases)(
  'updates with $hiddenSizes hidden units are those of a float64 reference',
  async ({ settings: given, ...sizes }) => {
    const { seed, observationSize, actionSize } = sizes
    const settings = sacSchema.parse({ batch: BATCH, ...given })
    const rate = { actor: 0.02, critic: 0.01, temperature: 0.05 }
    const models = readSacModels(buildSacNetworks(sizes))
    const update = buildSacUpdate(models, settings)
    const ort = await loadOrt()
    const ortSession = await openOrtSession(ort, update.bytes)
    onTestFinished(() => ortSession.release())

    const random = seededRandom(seed)
    const draw = (count: number) =>
      Float32Array.from({ length: count }, () => standardNormal(random))
    const rows = Int32Array.from({ length: UPDATES * BATCH }, () =>
      Math.floor(random() * TRANSITIONS),
    )
    const columns = {
      observation: draw(TRANSITIONS * observationSize),
      next: draw(TRANSITIONS * observationSize),
      action: draw(TRANSITIONS * actionSize).map(Math.tanh),
      reward: draw(TRANSITIONS),
      continues: Float32Array.from({ length: TRANSITIONS }, (_, index) =>
        index % 3 === 0 ? 0 : 1,
      ),
      noise: draw(UPDATES * BATCH * actionSize),
      nextNoise: draw(UPDATES * BATCH * actionSize),
    }
    const tensor = (values: Float32Array, shape: number[]) =>
      new ort.Tensor('float32', values, shape)
    const noiseShape = [UPDATES, BATCH, actionSize]
    const scalars = SAC_PARTS.flatMap(part =>
      sacOptimizer.scalars.map((scalar, place) => {
        const values = Float32Array.from({ length: UPDATES }, (_, index) => {
          return sacOptimizer.scalarsAt(index + 1, rate[part])[place] ?? Number.NaN
        })
        return [SCHEDULE.scalar(part, scalar), tensor(values, [UPDATES])] as const
      }),
    )
    const ran = await ortSession.run({
      [REPLAY.observation('observation')]: tensor(columns.observation, [
        TRANSITIONS,
        observationSize,
      ]),
      [REPLAY.next('observation')]: tensor(columns.next, [TRANSITIONS, observationSize]),
      [REPLAY.action]: tensor(columns.action, [TRANSITIONS, actionSize]),
      [REPLAY.reward]: tensor(columns.reward, [TRANSITIONS, 1]),
      [REPLAY.continues]: tensor(columns.continues, [TRANSITIONS, 1]),
      [SCHEDULE.rows]: new ort.Tensor('int32', rows, [UPDATES, BATCH]),
      [SCHEDULE.noise]: tensor(columns.noise, noiseShape),
      [SCHEDULE.nextNoise]: tensor(columns.nextNoise, noiseShape),
      ...Object.fromEntries(scalars),
      ...Object.fromEntries(
        update.states.map(({ name, shape, initial }) => [name, tensor(initial, [...shape])]),
      ),
    })

    const network = (prefix: string) =>
      Object.fromEntries(
        update.states
          .filter(({ name }) => name.startsWith(prefix) && !name.endsWith('Moment'))
          .map(({ name, initial }) => [name.slice(prefix.length), Float64Array.from(initial)]),
      )
    const reference = new SacReference(
      { actor: network('actor.'), critics: [network('critic.0.'), network('critic.1.')] },
      { ...settings, learningRates: rate, targetEntropy: update.targetEntropy },
    )
    const cut = (values: Float32Array, width: number, row: number) =>
      Array.from(values.subarray(row * width, (row + 1) * width))
    const told = Array.from({ length: UPDATES }, (_, index) => {
      const taken = Array.from(rows.subarray(index * BATCH, (index + 1) * BATCH))
      const places = Array.from({ length: BATCH }, (_, row) => index * BATCH + row)
      return reference.update({
        observation: taken.map(row => cut(columns.observation, observationSize, row)),
        next: taken.map(row => cut(columns.next, observationSize, row)),
        action: taken.map(row => cut(columns.action, actionSize, row)),
        reward: taken.map(row => columns.reward[row] ?? 0),
        continues: taken.map(row => columns.continues[row] ?? 0),
        noise: places.map(place => cut(columns.noise, actionSize, place)),
        nextNoise: places.map(place => cut(columns.nextNoise, actionSize, place)),
      })
    })
    for (const name of SAC_SERIES) {
      const expected = Float64Array.from(told, series => series[name] ?? Number.NaN)
      expect(relativeError(floatOutput(ran, name), expected), `${name}, seed ${seed}`).toBeLessThan(
        1e-5,
      )
    }
    const networks = {
      'actor.': reference.actor,
      'critic.0.': reference.critics[0] ?? {},
      'critic.1.': reference.critics[1] ?? {},
      'target.0.': reference.targets[0] ?? {},
      'target.1.': reference.targets[1] ?? {},
    }
    for (const [prefix, values] of Object.entries(networks)) {
      for (const [name, expected] of Object.entries(values)) {
        const moved = floatOutput(ran, updated(`${prefix}${name}`))
        expect(relativeError(moved, expected), `${prefix}${name}, seed ${seed}`).toBeLessThan(1e-4)
      }
    }
  },
)
