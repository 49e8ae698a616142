import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { GainnetError } from '../../runtime/errors.ts'
import {
  fillStandardNormal,
  type Random,
  seededRandom,
  standardNormal,
} from '../../runtime/seeded-random.ts'
import { elementCount } from '../onnx/tensor.ts'
import type { Samples } from '../samples/samples.ts'
import { drawClass } from '../trainer/draw-class.ts'
import { floatOutput, type Ort, openOrtSession } from '../trainer/ort-session.ts'
import { ReplayBuffer } from './replay-buffer.ts'
import { REPLAY, replayColumns, SCHEDULE } from './sac-body.ts'
import { readSacModels, type SacModels } from './sac-models.ts'
import { SacPolicy } from './sac-policy.ts'
import { buildSacUpdate, type SacUpdate, updated } from './sac-scan.ts'
import { type SacOptions, type SacSettings, sacSchema } from './sac-settings.ts'
import { SAC_PARTS, sacOptimizer } from './sac-states.ts'
import { SAC_SERIES, type SacSeriesName } from './sac-step.ts'
import { tanhGaussianActions } from './tanh-gaussian.ts'

/** What is observed, by the actor's inputs; bare numbers where it has one. */
export type Observation = Readonly<Record<string, ArrayLike<number>>>

export interface Transition {
  readonly observation: Observation
  /** As it was taken: numbers between −1 and 1, or which choice it was. */
  readonly action: ArrayLike<number>
  readonly reward: number
  readonly next: Observation
  /** Nothing follows: the task ended. An episode that was only cut off goes on. */
  readonly isTerminal: boolean
}

export interface SacLearnerOptions {
  readonly actor: Uint8Array
  readonly critics: readonly [Uint8Array, Uint8Array]
  readonly settings?: SacOptions
  /** Transitions that are kept. */
  readonly capacity: number
  /** Of the rows and the noise of the updates; the networks have their own. */
  readonly seed: number
}

/** All that a learner has learned, by name; the replay buffer is not in it. */
export interface SacCheckpoint {
  readonly updateCount: number
  readonly states: Readonly<Record<string, Float32Array>>
}

/**
 * Learns to act by soft actor-critic: remembers transitions, and updates all networks in one ONNX
 * Runtime run. Equal seeds, transitions and numbers of updates give equal bits, however the updates
 * are cut into runs. A run holds the thread, so that it belongs into a process of its own.
 */
export class SacLearner {
  readonly settings: SacSettings
  readonly #ort: Ort
  readonly #models: SacModels
  readonly #update: SacUpdate
  readonly #ortSession: InferenceSession
  readonly #policy: SacPolicy
  readonly #replay: ReplayBuffer
  readonly #seed: number
  #states: ReadonlyMap<string, Tensor>
  #updateCount = 0

  private constructor(
    ort: Ort,
    { capacity, seed }: SacLearnerOptions,
    made: {
      readonly settings: SacSettings
      readonly models: SacModels
      readonly update: SacUpdate
      readonly ortSession: InferenceSession
      readonly policy: SacPolicy
    },
  ) {
    this.settings = made.settings
    this.#ort = ort
    this.#models = made.models
    this.#update = made.update
    this.#ortSession = made.ortSession
    this.#policy = made.policy
    this.#seed = seed
    this.#replay = new ReplayBuffer(ort, replayColumns(made.models), capacity)
    this.#states = new Map(
      made.update.states.map(({ name, shape, initial }) => [
        name,
        new ort.Tensor('float32', initial, shape),
      ]),
    )
  }

  static async open(ort: Ort, options: SacLearnerOptions): Promise<SacLearner> {
    const settings = sacSchema.parse(options.settings ?? {})
    const models = readSacModels(options)
    const update = buildSacUpdate(models, settings)
    const ortSession = await openOrtSession(ort, update.bytes)
    try {
      const policy = await SacPolicy.open(ort, models.actor)
      return new SacLearner(ort, options, { settings, models, update, ortSession, policy })
    } catch (error) {
      await ortSession.release()
      throw error
    }
  }

  /** Updates since the start, those before a checkpoint among them. */
  get updateCount(): number {
    return this.#updateCount
  }

  /** Transitions that can be drawn. */
  get transitionCount(): number {
    return this.#replay.size
  }

  remember({ observation, action, reward, next, isTerminal }: Transition): void {
    const inputs = this.#models.actor.inputs.map(({ name }) => name)
    const { choices } = this.#update
    const [choice = Number.NaN] = Array.from(action)
    if (choices !== undefined && !(Number.isInteger(choice) && choice >= 0 && choice < choices)) {
      throw new GainnetError('TRAINING_FAILED', `there are ${choices} choices, not ${choice}`)
    }
    const rows = (given: Observation, nameOf: (input: string) => string) =>
      inputs.map(name => [nameOf(name), given[name] ?? []] as const)
    this.#replay.add({
      ...Object.fromEntries([...rows(observation, REPLAY.observation), ...rows(next, REPLAY.next)]),
      [REPLAY.action]: action,
      [REPLAY.reward]: [reward],
      [REPLAY.continues]: [isTerminal ? 0 : 1],
    })
  }

  /**
   * An action for each row of observations, its numbers between −1 and 1: drawn with `random`, the
   * likeliest one without.
   */
  async act(observations: Samples['inputs'], random?: Random): Promise<Float32Array> {
    if (this.#update.choices !== undefined) throw new RangeError('the actions are choices')
    const told = await this.#policy.tell(observations, this.#actorTensors())
    return tanhGaussianActions(told, {
      size: this.#update.actionShape.at(-1) ?? 1,
      noise: random ? () => standardNormal(random) : () => 0,
    })
  }

  /** The same for discrete actions: which choice, for each row. */
  async choose(observations: Samples['inputs'], random?: Random): Promise<Int32Array> {
    const { choices } = this.#update
    if (choices === undefined) throw new RangeError('the actions are no choices')
    const told = await this.#policy.tell(observations, this.#actorTensors())
    return Int32Array.from({ length: told.length / choices }, (_, row) => {
      const logits = told.subarray(row * choices, (row + 1) * choices)
      return random ? drawClass(logits, 1, random) : logits.indexOf(Math.max(...logits))
    })
  }

  /** So many updates in one run, on batches drawn evenly; what each of them tells. */
  async update(count: number): Promise<Readonly<Record<SacSeriesName, Float32Array>>> {
    if (this.#replay.size === 0) {
      throw new GainnetError('TRAINING_FAILED', 'there is no transition to learn from')
    }
    const ran = await this.#ortSession.run({
      ...this.#replay.tensors,
      ...Object.fromEntries(this.#states),
      ...this.#schedule(count),
    })
    const [...series] = SAC_SERIES.map(name => [name, floatOutput(ran, name)] as const)
    for (const [name, values] of series) this.#checkFinite(name, values)
    this.#updateCount += count
    this.#states = new Map(
      this.#update.states.flatMap(({ name }) => {
        const tensor = ran[updated(name)]
        return tensor ? [[name, tensor] as const] : []
      }),
    )
    // The names are those of the series, each once.
    return Object.fromEntries(series) as Record<SacSeriesName, Float32Array>
  }

  /** α from the next update on, where a schedule sets it. */
  setTemperature(value: number): void {
    const logarithm = Float32Array.of(Math.log(value))
    const tensor = new this.#ort.Tensor('float32', logarithm, [])
    this.#states = new Map([...this.#states, ['logTemperature', tensor]])
  }

  checkpoint(): SacCheckpoint {
    const states = this.#update.states.map(({ name }) => [name, this.#valuesOf(name)] as const)
    return { updateCount: this.#updateCount, states: Object.fromEntries(states) }
  }

  /** Goes on from a checkpoint of a learner with equal networks. */
  restore({ updateCount, states }: SacCheckpoint): void {
    const { Tensor } = this.#ort
    this.#states = new Map(
      this.#update.states.map(({ name, shape }) => {
        const values = states[name]
        if (values?.length !== elementCount(shape)) {
          throw new GainnetError('TRAINING_FAILED', `the checkpoint has no fitting ${name}`)
        }
        return [name, new Tensor('float32', values.slice(), shape)]
      }),
    )
    this.#updateCount = updateCount
  }

  /** The actor's parameters in the order of its file. */
  actorParameters(): Float32Array {
    const { parameters } = this.#models.actor
    const flat = new Float32Array(parameters.reduce((sum, { count }) => sum + count, 0))
    for (const { name, offset } of parameters) flat.set(this.#valuesOf(`actor.${name}`), offset)
    return flat
  }

  async release(): Promise<void> {
    await this.#policy.release()
    await this.#ortSession.release()
  }

  #actorTensors(): Readonly<Record<string, Tensor>> {
    return Object.fromEntries(
      this.#models.actor.parameters.flatMap(({ name }) => {
        const tensor = this.#states.get(`actor.${name}`)
        return tensor ? [[name, tensor] as const] : []
      }),
    )
  }

  #valuesOf(state: string): Float32Array {
    const values = this.#states.get(state)?.data
    if (values instanceof Float32Array) return values.slice()
    throw new RangeError(`there is no state ${state}`)
  }

  #checkFinite(name: string, values: Float32Array): void {
    const bad = values.findIndex(value => !Number.isFinite(value))
    if (bad === -1) return
    const update = this.#updateCount + bad + 1
    throw new GainnetError('TRAINING_FAILED', `the ${name} of update ${update} is ${values[bad]}`, {
      update,
    })
  }

  #schedule(count: number): Record<string, Tensor> {
    const { Tensor } = this.#ort
    const { batch, learningRates } = this.settings
    const { actionShape } = this.#update
    const noiseSize = this.#update.choices === undefined ? batch * elementCount(actionShape) : 0
    const rows = new Int32Array(count * batch)
    const [noise, nextNoise] = [0, 0].map(() => new Float32Array(count * noiseSize))
    for (let index = 0; index < count; index++) {
      const random = randomOf(this.#seed, this.#updateCount + index)
      const [start, end] = [index * noiseSize, (index + 1) * noiseSize]
      for (let place = index * batch; place < (index + 1) * batch; place++) {
        rows[place] = Math.floor(random() * this.#replay.size)
      }
      for (const all of [noise, nextNoise]) {
        if (all) fillStandardNormal(all.subarray(start, end), random)
      }
    }
    const float = (name: string, values: Float32Array) =>
      [name, new Tensor('float32', values, [count, batch, ...actionShape])] as const
    return {
      [SCHEDULE.rows]: new Tensor('int32', rows, [count, batch]),
      ...(noiseSize > 0 && noise && nextNoise
        ? Object.fromEntries([float(SCHEDULE.noise, noise), float(SCHEDULE.nextNoise, nextNoise)])
        : {}),
      ...Object.fromEntries(
        SAC_PARTS.flatMap(part => {
          const numbers = Array.from({ length: count }, (_, index) =>
            sacOptimizer.scalarsAt(this.#updateCount + index + 1, learningRates[part]),
          )
          return sacOptimizer.scalars.map((scalar, place) => {
            const values = Float32Array.from(numbers, row => row[place] ?? Number.NaN)
            return [SCHEDULE.scalar(part, scalar), new Tensor('float32', values, [count])] as const
          })
        }),
      ),
    }
  }
}

/** Of one update, so that a learner goes on from a checkpoint as if it had never stopped. */
function randomOf(seed: number, update: number): Random {
  return seededRandom(seed ^ Math.imul(update + 1, 0x9e3779b1))
}
