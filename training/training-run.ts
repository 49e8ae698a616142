import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { GainnetError } from '../runtime/errors.ts'
import { type ArtifactMetadata, readTrainingArtifact, stateTensors } from './artifact-metadata.ts'
import { BatchSchedule } from './batch-schedule.ts'
import { type LearningRate, learningRateSeries } from './learning-rate.ts'
import type { Optimizer } from './optimizer/optimizer.ts'
import { createOptimizer } from './optimizer/registry.ts'
import { floatOutput, type Ort, openOrtSession } from './ort-session.ts'
import {
  checkSampleWeights,
  countSamples,
  inputTensor,
  labelTensor,
  type Samples,
} from './samples.ts'
import { averageRate } from './weight-average.ts'

export interface TrainingJob extends Samples {
  readonly artifact: Uint8Array
  /** All parameters in the artifact's order. */
  readonly parameters: Float32Array
  /** Of the order in which samples are taken. */
  readonly seed: number
  /** FedProx, for an artifact built with it: the anchor is `parameters` where left out. */
  readonly proximal?: { readonly strength: number; readonly anchor?: Float32Array }
  /** SCAFFOLD, for an artifact built with it: c − cᵢ, in the order of `parameters`. */
  readonly control?: Float32Array
}

type Parameter = ArtifactMetadata['parameters'][number]

/** A run holds the thread: as long as this it may take until a request to stop is seen. */
const RUN_MS_TARGET = 100
/** Steps of the first run, from which the time of a step is known. */
const FIRST_RUN_STEPS = 8

/** One model in training: its data, parameters and optimizer state, and the ORT session. */
export class TrainingRun {
  readonly metadata: ArtifactMetadata
  readonly schedule: BatchSchedule
  readonly #ort: Ort
  readonly #ortSession: InferenceSession
  readonly #optimizer: Optimizer
  /** What stays the same from run to run. */
  readonly #fixed: { readonly [name: string]: Tensor }
  #states: ReadonlyMap<string, Tensor>
  #stepCount = 0
  #msPerStep: number | undefined

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
    const { batch, accumulation } = this.metadata
    this.schedule = new BatchSchedule({
      sampleCount: countSamples(job),
      batch: batch * accumulation,
      seed: job.seed,
      sampleWeights: job.sampleWeights,
    })
  }

  static async open(ort: Ort, job: TrainingJob): Promise<TrainingRun> {
    const ortSession = await openOrtSession(ort, job.artifact)
    try {
      return new TrainingRun(ort, ortSession, job)
    } catch (error) {
      await ortSession.release()
      throw error
    }
  }

  /** Goes on by the steps, cut into runs that hold the thread only for a short time. */
  async step(options: {
    readonly steps: number
    readonly learningRate: LearningRate
  }): Promise<Float32Array> {
    const { steps } = options
    const rateAt = learningRateSeries(options.learningRate)
    const losses = new Float32Array(steps)
    for (let done = 0; done < steps; ) {
      const runSteps = Math.min(steps - done, this.#runStepsMax())
      losses.set(await this.#run(runSteps, rateAt), done)
      done += runSteps
    }
    return losses
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

  #runStepsMax(): number {
    if (this.#msPerStep === undefined) return FIRST_RUN_STEPS
    return Math.max(1, Math.floor(RUN_MS_TARGET / this.#msPerStep))
  }

  async #run(steps: number, rateAt: (step: number) => number): Promise<Float32Array> {
    const { outputs, parameters } = this.metadata
    const startedAt = performance.now()
    const ran = await this.#ortSession.run({
      ...this.#fixed,
      ...Object.fromEntries(this.#states),
      ...this.#schedule(steps, rateAt),
    })
    this.#msPerStep = (performance.now() - startedAt) / steps
    const losses = floatOutput(ran, outputs.losses)
    const bad = losses.findIndex(loss => !Number.isFinite(loss))
    if (bad !== -1) {
      const step = this.#stepCount + bad + 1
      throw new GainnetError(
        'TRAINING_FAILED',
        `the loss of step ${step} is ${losses[bad]}: lower the learning rate`,
        { step, learningRate: rateAt(step) },
      )
    }
    this.#stepCount += steps
    this.#states = new Map(
      parameters.flatMap(stateTensors).flatMap(({ input, output }) => {
        const tensor = ran[output]
        return tensor ? [[input, tensor] as const] : []
      }),
    )
    return losses
  }

  #schedule(steps: number, rateAt: (step: number) => number): Record<string, Tensor> {
    const { inputs, batch, accumulation, average } = this.metadata
    const { rows, weights } = this.schedule.next(steps)
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
      ...Object.fromEntries(
        series.map(({ name, values }) => [name, new Tensor('float32', values, [steps])]),
      ),
    }
  }
}

/** The data set as ORT tensors, checked against what the model and the loss take. */
function sampleTensors(
  ort: Ort,
  { inputs: { samples, labels } }: ArtifactMetadata,
  given: Samples,
): Record<string, Tensor> {
  checkSampleWeights(given)
  return {
    [samples.name]: inputTensor(ort, samples, given),
    ...(labels ? { [labels.name]: labelTensor(ort, labels, given) } : {}),
  }
}

/** Anchor and correction of the gradients, which an artifact asks for or does not know. */
function termTensors(
  { Tensor }: Ort,
  { inputs, parameters }: ArtifactMetadata,
  job: TrainingJob,
): Record<string, Tensor> {
  const { proximal, control } = job
  checkTerm('proximal', { wanted: inputs.proximal !== undefined, given: proximal !== undefined })
  const hasControl = parameters.some(parameter => parameter.control !== undefined)
  checkTerm('control', { wanted: hasControl, given: control !== undefined })
  const feeds: Record<string, Tensor> = {}
  const slice = (values: Float32Array, stateOf: (parameter: Parameter) => string | undefined) => {
    checkParameterCount(parameters, values)
    for (const parameter of parameters) {
      const { shape, offset, count } = parameter
      const name = stateOf(parameter)
      if (name) feeds[name] = new Tensor('float32', values.slice(offset, offset + count), shape)
    }
  }
  if (proximal && inputs.proximal) {
    feeds[inputs.proximal] = new Tensor('float32', Float32Array.of(proximal.strength), [])
    slice(proximal.anchor ?? job.parameters, ({ anchor }) => anchor)
  }
  if (control) slice(control, parameter => parameter.control)
  return feeds
}

function checkTerm(
  name: string,
  { wanted, given }: { readonly wanted: boolean; readonly given: boolean },
): void {
  if (wanted === given) return
  throw new GainnetError(
    'TRAINING_FAILED',
    wanted
      ? `the artifact has the term ${name}, for which the job brings nothing`
      : `the job brings ${name}, for which the artifact was not built`,
    { term: name },
  )
}

function initialStates(
  { Tensor }: Ort,
  { parameters }: ArtifactMetadata,
  values: Float32Array,
): ReadonlyMap<string, Tensor> {
  checkParameterCount(parameters, values)
  return new Map(
    parameters.flatMap(parameter => {
      const { shape, offset, count } = parameter
      return stateTensors(parameter).map(({ input }) => {
        const isItself = input === parameter.input
        const held = isItself ? values.slice(offset, offset + count) : new Float32Array(count)
        return [input, new Tensor('float32', held, shape)] as const
      })
    }),
  )
}

export function checkParameterCount(
  parameters: readonly { readonly count: number }[],
  values: Float32Array,
): void {
  const count = parameters.reduce((sum, parameter) => sum + parameter.count, 0)
  if (values.length === count) return
  throw new GainnetError(
    'TRAINING_FAILED',
    `the model has ${count} parameters, ${values.length} were given`,
  )
}
