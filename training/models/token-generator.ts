import type { InferenceSession } from 'onnxruntime-node'
import { GainnetError } from '../../runtime/errors.ts'
import { seededRandom } from '../../runtime/seeded-random.ts'
import { type ForwardModel, readForwardModel } from '../forward/forward-graph.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { drawClass } from '../trainer/draw-class.ts'
import { floatOutput, type Ort, openOrtSession } from '../trainer/ort-session.ts'

/**
 * Writes on with a model that tells the next token at each place: int32 [batch, places] → logits
 * [batch, places, vocabulary], as the models `gpt` and `llama` are. Each token takes a whole run over
 * the window of the last tokens.
 */
export class TokenGenerator {
  readonly #ort: Ort
  readonly #ortSession: InferenceSession
  readonly #input: string
  readonly #prediction: string
  readonly #places: number

  private constructor(ort: Ort, ortSession: InferenceSession, forward: ForwardModel) {
    const [input, ...others] = forward.inputs
    const [places, ...axes] = input?.sampleShape ?? []
    if (!input || places === undefined || input.elementType !== ELEMENT.int32) {
      throw new GainnetError('MODEL_INVALID', 'text is written by a model of int32 tokens')
    }
    if (others.length > 0 || axes.length > 0) {
      throw new GainnetError('MODEL_INVALID', 'text is written by a model of one row of tokens')
    }
    this.#ort = ort
    this.#ortSession = ortSession
    this.#input = input.name
    this.#prediction = forward.prediction
    this.#places = places
  }

  static async open(ort: Ort, model: Uint8Array): Promise<TokenGenerator> {
    const forward = readForwardModel(model)
    return new TokenGenerator(ort, await openOrtSession(ort, model), forward)
  }

  /** The tokens after the prompt, which has at least one. The model sees the last ones it has room for. */
  async generate(options: {
    readonly prompt: ArrayLike<number>
    readonly tokenCount: number
    /** 0 takes the likeliest token each time; 1 draws as the model says. */
    readonly temperature: number
    readonly seed: number
  }): Promise<Int32Array> {
    const { prompt, tokenCount, temperature, seed } = options
    if (prompt.length === 0) throw new RangeError('the prompt is empty')
    const random = seededRandom(seed)
    const tokens = new Int32Array(prompt.length + tokenCount)
    tokens.set(Array.from(prompt))
    for (let end = prompt.length; end < tokens.length; end++) {
      const logits = await this.#nextLogits(tokens.subarray(Math.max(0, end - this.#places), end))
      tokens[end] = drawClass(logits, temperature, random)
    }
    return tokens.slice(prompt.length)
  }

  async release(): Promise<void> {
    await this.#ortSession.release()
  }

  /** What follows the window's last token. The places behind it are not seen by it. */
  async #nextLogits(window: Int32Array): Promise<Float32Array> {
    const row = new Int32Array(this.#places)
    row.set(window)
    const ran = await this.#ortSession.run({
      [this.#input]: new this.#ort.Tensor('int32', row, [1, this.#places]),
    })
    const logits = floatOutput(ran, this.#prediction)
    const vocabulary = logits.length / this.#places
    const place = window.length - 1
    return logits.subarray(place * vocabulary, (place + 1) * vocabulary)
  }
}
