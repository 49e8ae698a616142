import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { GainnetError } from '../../runtime/errors.ts'
import { type Checkpoint, readCheckpoint } from '../checkpoint/checkpoint.ts'
import {
  type ArtifactMetadata,
  readTrainingArtifact,
  stateShape,
  stateTensors,
} from '../forms/artifact-metadata.ts'
import { maskKey } from '../forward/dropout-mask.ts'
import type { Optimizer } from '../optimizer/optimizer.ts'
import { createOptimizer } from '../optimizer/registry.ts'
import { countSamples, type Samples } from '../samples/samples.ts'
import { averageRate } from '../step/weight-average.ts'
import { BatchSchedule } from './batch-schedule.ts'
import { findNotFinite } from './finite-values.ts'
import { initialStates, sampleTensors, type TermValues, termTensors } from './job-tensors.ts'
import { type LearningRate, learningRateSeries } from './learning-rate.ts'
import { floatOutput, freeTensors, type Ort, openOrtSession } from './ort-session.ts'

export interface TrainingJob extends Samples, TermValues {
  readonly artifact: Uint8Array
  /** Of the order in which samples are taken. */
  readonly seed: number
  /** Threads of one run, 1 where left out; with more, sums differ by rounding. */
  readonly threads?: number
  /** Path of a checkpoint to go on from, made with this artifact, these samples and this seed. */
  readonly resume?: string
}

export interface StepOptions {
  readonly steps: number
  readonly learningRate: LearningRate
}

/** How the caller follows steps and ends them early. */
export interface StepControl {
  /** Asked before each run; steps end where it is true. */
  readonly isCancelled?: () => boolean
  /** Of each run, whatever time it takes; as many as take 100 ms where left out. */
  readonly runSteps?: number
  /** The losses of each run, as soon as it is done. */
  readonly onRun?: (losses: Float32Array) => void
}

type Parameter = ArtifactMetadata['parameters'][number]
type States = ReadonlyMap<string, Tensor>

/**
 * A run holds the thread: so long it may take until a request to stop is seen, and twice as long
 * where the core is suddenly shared.
 */
const RUN_MS_TARGET = 80
/** A run takes at most so many times the steps of the one before: the first one is warming up. */
const RUN_GROWTH_MAX = 8

/** One model in training: its data, parameters and optimizer state, and the ORT session. */
export class TrainingRun {
  readonly metadata: ArtifactMetadata
  readonly stepsPerEpoch: number
  readonly #ort: Ort
  readonly #ortSession: InferenceSession
  readonly #optimizer: Optimizer
  readonly #schedule: BatchSchedule
  readonly #identity: Checkpoint['identity']
  /** What stays the same from run to run. */
  readonly #fixed: { readonly [name: string]: Tensor }
  #states: States
  /** States of which a checkpoint holds the values. */
  #lent: States | undefined
  #stepCount = 0
  #runStepsMax = 1

  private constructor(ort: Ort, ortSession: InferenceSession, job: TrainingJob) {
    this.metadata = readTrainingArtifact(job.artifact)
    this.#ort = ort
    this.#ortSession = ortSession
    this.#optimizer = createOptimizer(this.metadata.optimizer)
    this.#fixed = {
      ...sampleTensors(ort, this.metadata, job),
      ...termTensors(ort, this.metadata, job),
    }
    this.#states = initialStates(ort, this.metadata, job.parameters)
    const { batch, accumulation, inputs } = this.metadata
    const sampleCount = countSamples(job, inputs.samples)
    this.#schedule = new BatchSchedule({
      sampleCount,
      batch: batch * accumulation,
      seed: job.seed,
      sampleWeights: job.sampleWeights,
    })
    this.stepsPerEpoch = this.#schedule.stepsPerEpoch
    const artifact = createHash('sha256').update(job.artifact).digest('hex')
    this.#identity = { artifact, seed: job.seed, sampleCount }
  }

  static async open(ort: Ort, job: TrainingJob): Promise<TrainingRun> {
    const ortSession = await openOrtSession(ort, job.artifact, job)
    try {
      const training = new TrainingRun(ort, ortSession, job)
      if (job.resume !== undefined) await training.#resume(job.resume)
      return training
    } catch (error) {
      await ortSession.release()
      throw error
    }
  }

  /** Steps done since the start, those before a checkpoint included. */
  get stepCount(): number {
    return this.#stepCount
  }

  /**
   * Goes on by the steps, cut into runs that hold the thread only for a short time. Gives the losses
   * of the steps that were done: fewer than asked for where it was cancelled. Fails with
   * TRAINING_DIVERGED where loss or parameters are no numbers any more, and stays at the last run
   * before.
   */
  async step({ steps, learningRate }: StepOptions, control: StepControl = {}) {
    const rateAt = learningRateSeries(learningRate)
    const losses = new Float32Array(steps)
    let done = 0
    while (done < steps) {
      // A turn of the loop, in which messages come in; without it they would wait for another run.
      await setImmediate()
      if (control.isCancelled?.()) break
      const ran = await this.#run(
        Math.min(steps - done, control.runSteps ?? this.#runStepsMax),
        rateAt,
      )
      losses.set(ran, done)
      done += ran.length
      control.onRun?.(ran)
    }
    return losses.subarray(0, done)
  }

  /** All parameters in the artifact's order. */
  parameters(): Float32Array {
    return this.#collect(({ input }) => input)
  }

  /** The average of the parameters over the steps, for an artifact built with one. */
  averages(): Float32Array {
    const { average } = this.metadata
    if (!average) throw new GainnetError('TRAINING_FAILED', 'the artifact keeps no average')
    if (this.#stepCount === 0) return this.parameters()
    return this.#collect(parameter => parameter.average?.input)
  }

  /** All that a later run needs to go on as if there had been no break. */
  checkpoint(): Checkpoint {
    this.#lent = this.#states
    const states = [...this.#states].map(
      ([name, { data }]) => [name, data as Float32Array] as const,
    )
    return { identity: this.#identity, stepCount: this.#stepCount, states: new Map(states) }
  }

  async #resume(path: string): Promise<void> {
    const { parameters } = this.metadata
    const { stepCount, states } = await readCheckpoint(path, this.metadata, this.#identity)
    this.#stepCount = stepCount
    this.#states = new Map(
      parameters.flatMap(parameter =>
        stateTensors(parameter).map(({ input }) => {
          const values = states.get(input) ?? new Float32Array(parameter.count)
          const tensor = new this.#ort.Tensor('float32', values, stateShape(parameter))
          return [input, tensor] as const
        }),
      ),
    )
  }

  #collect(stateOf: (parameter: Parameter) => string | undefined): Float32Array {
    const { parameters } = this.metadata
    const values = new Float32Array(parameters.reduce((sum, { count }) => sum + count, 0))
    for (const parameter of parameters) {
      const held = this.#states.get(stateOf(parameter) ?? '')?.data
      if (held instanceof Float32Array) values.set(held, parameter.offset)
    }
    return values
  }

  async release(): Promise<void> {
    this.#states = new Map()
    await this.#ortSession.release()
  }

  async #run(steps: number, rateAt: (step: number) => number): Promise<Float32Array> {
    const { outputs, parameters } = this.metadata
    const startedAt = performance.now()
    const ran = await this.#ortSession.run({
      ...this.#fixed,
      ...Object.fromEntries(this.#states),
      ...this.#scheduled(steps, rateAt),
    })
    const msPerStep = Math.max(1e-3, (performance.now() - startedAt) / steps)
    const fitting = Math.max(1, Math.floor(RUN_MS_TARGET / msPerStep))
    this.#runStepsMax = Math.min(fitting, this.#runStepsMax * RUN_GROWTH_MAX)
    const losses = floatOutput(ran, outputs.losses)
    const states = new Map(
      parameters.flatMap(stateTensors).flatMap(({ input, output }) => {
        const tensor = ran[output]
        return tensor ? [[input, tensor] as const] : []
      }),
    )
    this.#checkNumbers(losses, states, rateAt)
    this.#stepCount += steps
    if (this.#states !== this.#lent) freeTensors(this.#states.values())
    this.#states = states
    return losses
  }

  /** A run with a bad number in it is thrown away as a whole: parameters and steps stay good. */
  #checkNumbers(losses: Float32Array, states: States, rateAt: (step: number) => number): void {
    const kept = this.#stepCount
    const fail = (step: number, what: string, loss?: number): never => {
      const [learningRate, text] = [rateAt(step), `the parameters are those after step ${kept}`]
      throw new GainnetError(
        'TRAINING_DIVERGED',
        `${what}: lower the learning rate, which is ${learningRate}; ${text}`,
        { step, loss, learningRate, stepCount: kept },
      )
    }
    const bad = findNotFinite(losses)
    if (bad !== -1) {
      const step = kept + bad + 1
      fail(step, `the loss of step ${step} is ${losses[bad]}`, losses[bad])
    }
    for (const { name, input } of this.metadata.parameters) {
      const values = states.get(input)?.data
      if (!(values instanceof Float32Array)) continue
      const place = findNotFinite(values)
      if (place === -1) continue
      const step = kept + losses.length
      fail(step, `the parameter ${name} has ${values[place]} after step ${step}`)
    }
  }

  /** One for each batch, from the seed and how many batches there were. */
  #maskKeys(shape: readonly number[]): Tensor {
    const { accumulation } = this.metadata
    const [steps = 0] = shape
    const first = this.#stepCount * accumulation
    const keys = Int32Array.from({ length: steps * accumulation }, (_, batch) =>
      maskKey(this.#identity.seed, first + batch),
    )
    return new this.#ort.Tensor('int32', keys, shape)
  }

  #scheduled(steps: number, rateAt: (step: number) => number): Record<string, Tensor> {
    const { inputs, batch, accumulation, average } = this.metadata
    const { rows, weights } = this.#schedule.take(this.#stepCount, steps)
    const { Tensor } = this.#ort
    const shape = accumulation === 1 ? [steps, batch] : [steps, accumulation, batch]
    const names = [...inputs.scalars, ...(inputs.averageRate ? [inputs.averageRate] : [])]
    const series = names.map(name => ({ name, values: new Float32Array(steps) }))
    for (let index = 0; index < steps; index++) {
      const step = this.#stepCount + index + 1
      const scalars = this.#optimizer.scalarsAt(step, rateAt(step))
      const numbers = average ? [...scalars, averageRate(average, step)] : scalars
      for (const [position, { values }] of series.entries()) {
        values[index] = numbers[position] ?? Number.NaN
      }
    }
    return {
      [inputs.rows]: new Tensor('int32', rows, shape),
      [inputs.weights]: new Tensor('float32', weights, shape),
      ...(inputs.maskKeys ? { [inputs.maskKeys]: this.#maskKeys(shape.slice(0, -1)) } : {}),
      ...Object.fromEntries(
        series.map(({ name, values }) => [name, new Tensor('float32', values, [steps])]),
      ),
    }
  }
}
