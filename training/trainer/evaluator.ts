import { createHash } from 'node:crypto'
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { GainnetError } from '../../runtime/errors.ts'
import { seededRandom } from '../../runtime/seeded-random.ts'
import type { BatchNormalizationMode } from '../forward/batch-statistics.ts'
import { type ForwardModel, readForwardModel } from '../forward/forward-graph.ts'
import { createLoss, type LossOptions, outputOf, parseLoss } from '../loss/registry.ts'
import { BYTE_COUNT } from '../models/byte-language-model.ts'
import { elementCount } from '../onnx/tensor.ts'
import {
  checkSampleWeights,
  inputTensors,
  labelTensor,
  matchInputs,
  type Samples,
  type SampleValues,
} from '../samples/samples.ts'
import { buildEvaluationGraph, type EvaluationGraph } from '../step/evaluation-graph.ts'
import { drawClass } from './draw-class.ts'
import { checkParameterCount } from './job-tensors.ts'
import { floatOutput, type Ort, openOrtSession } from './ort-session.ts'

/** A model and a version of its parameters. */
export interface ModelVersion {
  readonly model: Uint8Array
  readonly parameters: Float32Array
  /** As given to buildTrainingArtifact. */
  readonly trainable?: readonly string[]
  readonly frozen?: readonly string[]
  readonly batchNormalization?: BatchNormalizationMode
  /** The output that training is about, for a model with several. */
  readonly prediction?: string
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

export interface EvaluationOptions extends ModelVersion, Samples {
  /** Rows of a run: 256 where left out, but some exports take only as many as they were made with. */
  readonly batch?: number
}

export interface Evaluation {
  readonly lossMean: number
  readonly sampleCount: number
  /** The share of labels whose class got the largest number; where labels are classes. */
  readonly accuracy?: number
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
  async evaluate(options: EvaluationOptions): Promise<Evaluation> {
    const { batch = EVALUATION_BATCH } = options
    const opened = await this.#openModel(options, batch)
    const { graph, ortSession } = opened
    const { samples } = graph.inputs
    const { columns, sampleCount } = matchInputs(options, samples)
    if (sampleCount === 0) throw new GainnetError('TRAINING_FAILED', 'there are no samples')
    const parameters = this.#parameterTensors(opened, options.parameters)
    const { Tensor } = this.#ort
    const { labels, weights } = graph.inputs
    const { loss, weightSum, prediction } = graph.outputs
    checkSampleWeights(options.sampleWeights, sampleCount)
    const names = samples.map(({ name }) => name)
    const matched = { ...options, columns, names, sampleCount }
    const classCount = labels?.classes?.count
    const tally = { right: 0, judged: 0 }
    let [lossSum, weightTotal] = [0, 0]
    for (let start = 0; start < sampleCount; start += batch) {
      const rows = takeRows(matched, start, batch)
      const ran = await ortSession.run(
        {
          ...parameters,
          ...inputTensors(this.#ort, samples, rows),
          ...(labels ? { [labels.name]: labelTensor(this.#ort, labels, rows) } : {}),
          [weights]: new Tensor('float32', rows.sampleWeights, [batch]),
        },
        [loss, weightSum, ...(classCount ? [prediction] : [])],
      )
      const [batchLoss = Number.NaN] = floatOutput(ran, loss)
      const [batchWeight = Number.NaN] = floatOutput(ran, weightSum)
      lossSum += batchLoss * batchWeight
      weightTotal += batchWeight
      if (classCount) countRight(tally, floatOutput(ran, prediction), { ...rows, classCount })
    }
    const { right, judged } = tally
    const accuracy = judged > 0 ? { accuracy: right / judged } : {}
    return { lossMean: lossSum / weightTotal, sampleCount, ...accuracy }
  }

  /** Bytes that a model of bytes writes after the prompt: of the next one, or of one at each place. */
  async generate(options: Generation): Promise<Uint8Array> {
    const { prompt, byteCount, temperature, seed } = options
    const opened = await this.#openModel(options, 1)
    const { graph, ortSession } = opened
    const [context, ...others] = graph.inputs.samples
    const [contextBytes, ...furtherAxes] = context?.sampleShape ?? []
    if (!context || !contextBytes || furtherAxes.length > 0 || others.length > 0) {
      throw new GainnetError('TRAINING_FAILED', 'only a byte language model generates text')
    }
    const { Tensor } = this.#ort
    const { labels } = graph.inputs
    const classCount = labels?.classes?.count
    if (!labels || !classCount || classCount > BYTE_COUNT) {
      throw new GainnetError('TRAINING_FAILED', 'text is drawn from a model of up to 256 classes')
    }
    // Of a model that tells the next byte at each place, the last place counts.
    const places = elementCount(labels.sampleShape)
    const fixed = {
      ...this.#parameterTensors(opened, options.parameters),
      [labels.name]: new Tensor('int32', new Int32Array(places), [1, ...labels.sampleShape]),
      [graph.inputs.weights]: new Tensor('float32', new Float32Array(1), [1]),
    }
    const random = seededRandom(seed)
    const text = new Uint8Array(prompt.length + byteCount)
    text.set(prompt)
    for (let position = prompt.length; position < text.length; position++) {
      const bytes = contextBefore(text, position, contextBytes)
      const ran = await ortSession.run(
        { ...fixed, [context.input]: new Tensor('int32', bytes, [1, contextBytes]) },
        [graph.outputs.prediction],
      )
      const logits = floatOutput(ran, graph.outputs.prediction).subarray(-classCount)
      text[position] = drawClass(logits, temperature, random)
    }
    return text.slice(prompt.length)
  }

  async release(): Promise<void> {
    const opened = [...this.#open.values()]
    this.#open.clear()
    for (const { ortSession } of opened) await ortSession.release()
  }

  async #openModel(version: ModelVersion, batch: number): Promise<OpenModel> {
    const { model, trainable, frozen, batchNormalization } = version
    const loss = parseLoss(version.loss ?? 'softmax-cross-entropy')
    const hash = createHash('sha256').update(model).digest('hex')
    const prediction = version.prediction ?? outputOf(loss)
    const chosen = { trainable, frozen, batchNormalization, prediction }
    const key = JSON.stringify([hash, batch, chosen, loss])
    const known = this.#open.get(key)
    if (known) {
      // To the end of the order: the first is the one that was not used for longest.
      this.#open.delete(key)
      this.#open.set(key, known)
      return known
    }
    const forward = readForwardModel(model, chosen)
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
  matched: Samples & {
    readonly names: readonly string[]
    readonly columns: readonly SampleValues[]
    readonly sampleCount: number
  },
  start: number,
  batch: number,
): Pick<Samples, 'inputs'> & {
  readonly labels: SampleValues | undefined
  readonly sampleWeights: Float32Array
  readonly sampleCount: number
} {
  const { names, columns, sampleCount, labels, sampleWeights } = matched
  const taken = Math.min(batch, sampleCount - start)
  const filled = new Float32Array(batch)
  if (sampleWeights) filled.set(sampleWeights.subarray(start, start + taken))
  else filled.fill(1, 0, taken)
  const cut = (values: SampleValues) => {
    const width = values.length / sampleCount
    return cutRows(values, { start: start * width, taken: taken * width, count: batch * width })
  }
  return {
    inputs: Object.fromEntries(
      columns.map((values, index) => [names[index] ?? '', cut(values)] as const),
    ),
    labels: labels && cut(labels),
    sampleWeights: filled,
    sampleCount: batch,
  }
}

function cutRows(
  values: SampleValues,
  {
    start,
    taken,
    count,
  }: { readonly start: number; readonly taken: number; readonly count: number },
): SampleValues {
  const part = values.subarray(start, start + taken)
  if (taken === count) return part
  const filled = values instanceof Int32Array ? new Int32Array(count) : new Float32Array(count)
  filled.set(part)
  return filled
}

/** Adds how many labels have the largest number of their place; rows that only fill up do not count. */
function countRight(
  tally: { right: number; judged: number },
  predictions: Float32Array,
  given: {
    readonly labels: SampleValues | undefined
    readonly sampleWeights: Float32Array
    readonly classCount: number
  },
): void {
  const { labels, sampleWeights, classCount } = given
  if (!labels) return
  const places = labels.length / sampleWeights.length
  for (const [index, label] of labels.entries()) {
    const isCounted = (sampleWeights[Math.floor(index / places)] ?? 0) > 0
    if (!isCounted || label < 0 || label >= classCount) continue
    const numbers = predictions.subarray(index * classCount, (index + 1) * classCount)
    const largest = numbers.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
    tally.judged += 1
    if (numbers[label] === largest) tally.right += 1
  }
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
