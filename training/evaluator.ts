import { createHash } from 'node:crypto'
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { GainnetError } from '../runtime/errors.ts'
import { type Random, seededRandom } from '../runtime/seeded-random.ts'
import { buildEvaluationGraph, type EvaluationGraph } from './evaluation-graph.ts'
import { type ForwardModel, readForwardModel } from './forward-graph.ts'
import { floatOutput, type Ort, openOrtSession } from './ort-session.ts'
import { checkParameterCount, inputTensor, type Samples } from './training-run.ts'

/** A model and a version of its parameters. */
export interface ModelVersion {
  readonly model: Uint8Array
  readonly parameters: Float32Array
  /** As given to buildTrainingArtifact. */
  readonly trainable?: readonly string[]
}

export interface Generation extends ModelVersion {
  readonly prompt: Uint8Array
  readonly byteCount: number
  /** 0 takes the likeliest byte each time; 1 draws as the model says. */
  readonly temperature: number
  readonly seed: number
}

interface OpenModel {
  readonly forward: ForwardModel
  readonly graph: EvaluationGraph
  readonly ortSession: InferenceSession
}

/** Rows a run: large enough for fast products, small enough that a run takes some milliseconds. */
const EVALUATION_BATCH = 256
/** Sessions kept: a controller asks for a few models in turn, each with two batch sizes. */
const OPEN_MODELS_MAX = 8

/** Runs models forwards: loss on a data set, text. Keeps the sessions of the last models. */
export class Evaluator {
  readonly #ort: Ort
  readonly #open = new Map<string, OpenModel>()

  constructor(ort: Ort) {
    this.#ort = ort
  }

  /** The mean loss over the samples. */
  async evaluate(
    options: ModelVersion & Samples,
  ): Promise<{ readonly lossMean: number; readonly sampleCount: number }> {
    const sampleCount = options.labels.length
    if (sampleCount === 0) throw new GainnetError('TRAINING_FAILED', 'there are no samples')
    const opened = await this.#openModel(options, EVALUATION_BATCH)
    const { forward, graph, ortSession } = opened
    const parameters = this.#parameterTensors(opened, options.parameters)
    const { Tensor } = this.#ort
    let lossSum = 0
    for (let start = 0; start < sampleCount; start += EVALUATION_BATCH) {
      const rows = takeRows(options, start, EVALUATION_BATCH)
      const ran = await ortSession.run(
        {
          ...parameters,
          [graph.inputs.samples]: inputTensor(this.#ort, forward.input, rows),
          [graph.inputs.labels]: new Tensor('int32', rows.labels, [EVALUATION_BATCH]),
          [graph.inputs.weights]: new Tensor('float32', rows.weights, [EVALUATION_BATCH]),
        },
        [graph.outputs.loss],
      )
      const [loss = Number.NaN] = floatOutput(ran, graph.outputs.loss)
      lossSum += loss * rows.rowCount
    }
    return { lossMean: lossSum / sampleCount, sampleCount }
  }

  /** Bytes that a byte language model writes after the prompt. */
  async generate(options: Generation): Promise<Uint8Array> {
    const { prompt, byteCount, temperature, seed } = options
    const opened = await this.#openModel(options, 1)
    const { forward, graph, ortSession } = opened
    const [contextBytes] = forward.input.sampleShape
    if (contextBytes === undefined || forward.input.sampleShape.length !== 1) {
      throw new GainnetError('TRAINING_FAILED', 'only a byte language model generates text')
    }
    const { Tensor } = this.#ort
    const fixed = {
      ...this.#parameterTensors(opened, options.parameters),
      [graph.inputs.labels]: new Tensor('int32', new Int32Array(1), [1]),
      [graph.inputs.weights]: new Tensor('float32', new Float32Array(1), [1]),
    }
    const random = seededRandom(seed)
    const text = new Uint8Array(prompt.length + byteCount)
    text.set(prompt)
    for (let position = prompt.length; position < text.length; position++) {
      const context = contextBefore(text, position, contextBytes)
      const ran = await ortSession.run(
        { ...fixed, [graph.inputs.samples]: new Tensor('int32', context, [1, contextBytes]) },
        [graph.outputs.prediction],
      )
      text[position] = draw(floatOutput(ran, graph.outputs.prediction), temperature, random)
    }
    return text.slice(prompt.length)
  }

  async release(): Promise<void> {
    const opened = [...this.#open.values()]
    this.#open.clear()
    for (const { ortSession } of opened) await ortSession.release()
  }

  async #openModel({ model, trainable }: ModelVersion, batch: number): Promise<OpenModel> {
    const hash = createHash('sha256').update(model).digest('hex')
    const key = `${hash} ${batch} ${JSON.stringify(trainable ?? null)}`
    const known = this.#open.get(key)
    if (known) {
      // To the end of the order: the first is the one that was not used for longest.
      this.#open.delete(key)
      this.#open.set(key, known)
      return known
    }
    const forward = readForwardModel(model, { trainable })
    const graph = buildEvaluationGraph(forward, { loss: 'softmax-cross-entropy', batch })
    const opened = { forward, graph, ortSession: await openOrtSession(this.#ort, graph.bytes) }
    this.#open.set(key, opened)
    const [oldest] = this.#open
    if (oldest && this.#open.size > OPEN_MODELS_MAX) {
      this.#open.delete(oldest[0])
      await oldest[1].ortSession.release()
    }
    return opened
  }

  #parameterTensors({ forward, graph }: OpenModel, values: Float32Array): Record<string, Tensor> {
    checkParameterCount(forward.parameters, values)
    return Object.fromEntries(
      forward.parameters.map(({ offset, count, shape }, index) => [
        graph.inputs.parameters[index],
        new this.#ort.Tensor('float32', values.subarray(offset, offset + count), shape),
      ]),
    )
  }
}

interface Rows extends Samples {
  readonly weights: Float32Array
  readonly rowCount: number
}

/** `batch` rows from `start` on; what the data set lacks is filled up with weight 0. */
function takeRows(samples: Samples, start: number, batch: number): Rows {
  const { inputs, inputWidth, labels } = samples
  const rowCount = Math.min(batch, labels.length - start)
  const weights = new Float32Array(batch).fill(1, 0, rowCount)
  const taken = inputs.subarray(start * inputWidth, (start + batch) * inputWidth)
  const takenLabels = labels.subarray(start, start + batch)
  if (rowCount === batch)
    return { inputs: taken, inputWidth, labels: takenLabels, weights, rowCount }
  const filled =
    inputs instanceof Int32Array
      ? new Int32Array(batch * inputWidth)
      : new Float32Array(batch * inputWidth)
  filled.set(taken)
  const filledLabels = new Int32Array(batch)
  filledLabels.set(takenLabels)
  return { inputs: filled, inputWidth, labels: filledLabels, weights, rowCount }
}

/** A class drawn from softmax(logits / temperature). */
function draw(logits: Float32Array, temperature: number, random: Random): number {
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  if (temperature === 0) return logits.indexOf(largest)
  const masses = Float64Array.from(logits, logit => Math.exp((logit - largest) / temperature))
  let rest = random() * masses.reduce((a, b) => a + b, 0)
  const drawn = masses.findIndex(mass => {
    rest -= mass
    return rest < 0
  })
  // Rounding may leave a last crumb of mass.
  return drawn === -1 ? logits.length - 1 : drawn
}

/** Fills the context before a short prompt: a byte that every text has, often several in a row. */
const SPACE = 0x20

/** The window of bytes that precede the position. */
function contextBefore(text: Uint8Array, position: number, contextBytes: number): Int32Array {
  const context = new Int32Array(contextBytes).fill(SPACE)
  const start = Math.max(0, position - contextBytes)
  context.set(text.subarray(start, position), contextBytes - (position - start))
  return context
}
