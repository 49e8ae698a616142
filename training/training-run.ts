import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { GainnetError } from '../runtime/errors.ts'
import { type ArtifactMetadata, readTrainingArtifact } from './artifact-metadata.ts'
import { BatchSchedule } from './batch-schedule.ts'
import { ELEMENT } from './onnx/element-type.ts'
import { elementCount } from './onnx/tensor.ts'
import type { Optimizer } from './optimizer/optimizer.ts'
import { createOptimizer } from './optimizer/registry.ts'
import { floatOutput, type Ort, openOrtSession } from './ort-session.ts'

/** A data set: one row of inputs and one label a sample. */
export interface Samples {
  /** [samples, inputWidth], row-major. */
  readonly inputs: Int32Array | Float32Array
  readonly inputWidth: number
  /** Class of each sample. */
  readonly labels: Int32Array
}

export interface TrainingJob extends Samples {
  readonly artifact: Uint8Array
  /** All parameters in the artifact's order. */
  readonly parameters: Float32Array
  /** Of the order in which samples are taken. */
  readonly seed: number
}

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
  readonly #samples: { readonly [name: string]: Tensor }
  #states: ReadonlyMap<string, Tensor>
  #stepCount = 0
  #msPerStep: number | undefined

  private constructor(ort: Ort, ortSession: InferenceSession, job: TrainingJob) {
    this.metadata = readTrainingArtifact(job.artifact)
    this.#ort = ort
    this.#ortSession = ortSession
    this.#optimizer = createOptimizer(this.metadata.optimizer)
    this.#samples = sampleTensors(ort, this.metadata, job)
    this.#states = initialStates(ort, this.metadata, job.parameters)
    const { batch } = this.metadata
    this.schedule = new BatchSchedule({ sampleCount: job.labels.length, batch, seed: job.seed })
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
    readonly learningRate: number
  }): Promise<Float32Array> {
    const { steps, learningRate } = options
    const losses = new Float32Array(steps)
    for (let done = 0; done < steps; ) {
      const runSteps = Math.min(steps - done, this.#runStepsMax())
      losses.set(await this.#run(runSteps, learningRate), done)
      done += runSteps
    }
    return losses
  }

  /** All parameters in the artifact's order. */
  parameters(): Float32Array {
    const { parameters } = this.metadata
    const values = new Float32Array(parameters.reduce((sum, { count }) => sum + count, 0))
    for (const { input, offset } of parameters) {
      const held = this.#states.get(input)?.data
      if (held instanceof Float32Array) values.set(held, offset)
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

  async #run(steps: number, learningRate: number): Promise<Float32Array> {
    const { outputs, parameters } = this.metadata
    const startedAt = performance.now()
    const ran = await this.#ortSession.run({
      ...this.#samples,
      ...Object.fromEntries(this.#states),
      ...this.#schedule(steps, learningRate),
    })
    this.#msPerStep = (performance.now() - startedAt) / steps
    const losses = floatOutput(ran, outputs.losses)
    const bad = losses.findIndex(loss => !Number.isFinite(loss))
    if (bad !== -1) {
      const step = this.#stepCount + bad + 1
      throw new GainnetError(
        'TRAINING_FAILED',
        `the loss of step ${step} is ${losses[bad]}: lower the learning rate`,
        { step, learningRate },
      )
    }
    this.#stepCount += steps
    this.#states = new Map(
      parameters.flatMap(({ input, output, slots }) =>
        [{ input, output }, ...slots].flatMap(state => {
          const tensor = ran[state.output]
          return tensor ? [[state.input, tensor] as const] : []
        }),
      ),
    )
    return losses
  }

  #schedule(steps: number, learningRate: number): Record<string, Tensor> {
    const { inputs, batch } = this.metadata
    const { rows, weights } = this.schedule.next(steps)
    const { Tensor } = this.#ort
    const feeds: Record<string, Tensor> = {
      [inputs.rows]: new Tensor('int32', rows, [steps, batch]),
      [inputs.weights]: new Tensor('float32', weights, [steps, batch]),
    }
    const values = inputs.scalars.map(() => new Float32Array(steps))
    for (let index = 0; index < steps; index++) {
      const scalars = this.#optimizer.scalarsAt(this.#stepCount + index + 1, learningRate)
      for (const [position, scalar] of scalars.entries()) {
        const series = values[position]
        if (series) series[index] = scalar
      }
    }
    for (const [position, name] of inputs.scalars.entries()) {
      feeds[name] = new Tensor('float32', values[position] ?? new Float32Array(steps), [steps])
    }
    return feeds
  }
}

/** The data set as ORT tensors, checked against what the model takes. */
function sampleTensors(
  ort: Ort,
  { inputs: { samples, labels: labelsName } }: ArtifactMetadata,
  { inputs, inputWidth, labels }: Samples,
): Record<string, Tensor> {
  return {
    [samples.name]: inputTensor(ort, samples, { inputs, inputWidth, labels }),
    [labelsName]: new ort.Tensor('int32', labels, [labels.length]),
  }
}

/** Samples as the model's input; fails where they do not fit it. */
export function inputTensor(
  { Tensor }: Ort,
  input: { readonly elementType: number; readonly sampleShape: readonly number[] },
  { inputs, inputWidth, labels }: Samples,
): Tensor {
  const { elementType, sampleShape } = input
  const width = elementCount(sampleShape)
  const shape = [labels.length, ...sampleShape]
  if (inputWidth !== width || inputs.length !== labels.length * width) {
    throw new GainnetError(
      'TRAINING_FAILED',
      `${labels.length} samples of width ${width} were expected, ` +
        `not ${inputs.length} values of width ${inputWidth}`,
    )
  }
  if (inputs instanceof Int32Array && elementType === ELEMENT.int32) {
    return new Tensor('int32', inputs, shape)
  }
  if (inputs instanceof Float32Array && elementType === ELEMENT.float) {
    return new Tensor('float32', inputs, shape)
  }
  throw new GainnetError('TRAINING_FAILED', 'the samples have another element type than the model')
}

function initialStates(
  { Tensor }: Ort,
  { parameters }: ArtifactMetadata,
  values: Float32Array,
): ReadonlyMap<string, Tensor> {
  checkParameterCount(parameters, values)
  return new Map(
    parameters.flatMap(({ input, shape, offset, count, slots }) => [
      [input, new Tensor('float32', values.slice(offset, offset + count), shape)] as const,
      ...slots.map(slot => {
        return [slot.input, new Tensor('float32', new Float32Array(count), shape)] as const
      }),
    ]),
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
