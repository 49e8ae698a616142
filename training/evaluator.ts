import { createHash } from 'node:crypto'
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { GainnetError } from '../runtime/errors.ts'
import { type Random, seededRandom } from '../runtime/seeded-random.ts'
import { buildEvaluationGraph, type EvaluationGraph } from './evaluation-graph.ts'
import { type ForwardModel, readForwardModel } from './forward-graph.ts'
import { createLoss, type LossOptions, outputOf, parseLoss } from './loss/registry.ts'
import { floatOutput, type Ort, openOrtSession } from './ort-session.ts'
import {
  checkSampleWeights,
  countSamples,
  inputTensor,
  labelTensor,
  type Samples,
} from './samples.ts'
import { checkParameterCount } from './training-run.ts'

/** A model and a version of its parameters. */
export interface ModelVersion {
  readonly model: Uint8Array
  readonly parameters: Float32Array
  /** As given to buildTrainingArtifact. */
  readonly trainable?: readonly string[]
  /** Softmax cross-entropy where left out. */
  readonly loss?: LossOptions
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

  /** The mean loss over the samples, by their weights. */
  async evaluate(
    options: ModelVersion & Samples,
  ): Promise<{ readonly lossMean: number; readonly sampleCount: number }> {
    const sampleCount = countSamples(options)
    if (sampleCount === 0) throw new GainnetError('TRAINING_FAILED', 'there are no samples')
    const opened = await this.#openModel(options, EVALUATION_BATCH)
    const { forward, graph, ortSession } = opened
    const parameters = this.#parameterTensors(opened, options.parameters)
    const { Tensor } = this.#ort
    const { labels, weights } = graph.inputs
    const { loss, weightSum } = graph.outputs
    checkSampleWeights(options)
    let [lossSum, weightTotal] = [0, 0]
    for (let start = 0; start < sampleCount; start += EVALUATION_BATCH) {
      const rows = takeRows(options, start, EVALUATION_BATCH)
      const ran = await ortSession.run(
        {
          ...parameters,
          [graph.inputs.samples]: inputTensor(this.#ort, forward.input, rows),
          ...(labels ? { [labels.name]: labelTensor(this.#ort, labels, rows) } : {}),
          [weights]: new Tensor('float32', rows.sampleWeights, [EVALUATION_BATCH]),
        },
        [loss, weightSum],
      )
      const [batchLoss = Number.NaN] = floatOutput(ran, loss)
      const [batchWeight = Number.NaN] = floatOutput(ran, weightSum)
      lossSum += batchLoss * batchWeight
      weightTotal += batchWeight
    }
    return { lossMean: lossSum / weightTotal, sampleCount }
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
    const { labels } = graph.inputs
    if (labels?.elementType !== 'int32') {
      throw new GainnetError('TRAINING_FAILED', 'text is drawn from a model of classes')
    }
    const fixed = {
      ...this.#parameterTensors(opened, options.parameters),
      [labels.name]: new Tensor('int32', new Int32Array(1), [1]),
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

  async #openModel(version: ModelVersion, batch: number): Promise<OpenModel> {
    const { model, trainable } = version
    const loss = parseLoss(version.loss ?? 'softmax-cross-entropy')
    const hash = createHash('sha256').update(model).digest('hex')
    const key = JSON.stringify([hash, batch, trainable ?? null, loss])
    const known = this.#open.get(key)
    if (known) {
      // To the end of the order: the first is the one that was not used for longest.
      this.#open.delete(key)
      this.#open.set(key, known)
      return known
    }
    const forward = readForwardModel(model, { trainable, prediction: outputOf(loss) })
    const graph = buildEvaluationGraph(forward, { loss: createLoss(loss), batch })
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

/** `batch` rows from `start` on; what the data set lacks is filled up with weight 0. */
function takeRows(
  samples: Samples,
  start: number,
  batch: number,
): Samples & { readonly sampleWeights: Float32Array } {
  const { inputs, inputWidth, labels, sampleWeights } = samples
  const sampleCount = countSamples(samples)
  const taken = Math.min(batch, sampleCount - start)
  const filled = new Float32Array(batch)
  if (sampleWeights) filled.set(sampleWeights.subarray(start, start + taken))
  else filled.fill(1, 0, taken)
  const cut = (values: Int32Array | Float32Array, width: number) =>
    cutRows(values, { start: start * width, taken: taken * width, count: batch * width })
  return {
    inputs: cut(inputs, inputWidth),
    inputWidth,
    ...(labels ? { labels: cut(labels, labels.length / sampleCount) } : {}),
    sampleWeights: filled,
  }
}

function cutRows(
  values: Int32Array | Float32Array,
  {
    start,
    taken,
    count,
  }: { readonly start: number; readonly taken: number; readonly count: number },
): Int32Array | Float32Array {
  const part = values.subarray(start, start + taken)
  if (taken === count) return part
  const filled = values instanceof Int32Array ? new Int32Array(count) : new Float32Array(count)
  filled.set(part)
  return filled
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
