import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { type Random, standardNormal } from '../../runtime/seeded-random.ts'
import type { ForwardModel } from '../forward-graph.ts'
import { dataElement } from '../model-input.ts'
import { buildModel, buildValueInfo } from '../onnx/build.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { encodeModel } from '../onnx/onnx-codec.ts'
import { floatOutput, type Ort, openOrtSession } from '../ort-session.ts'
import { inputTensors, type Samples } from '../samples.ts'
import { tanhGaussianActions } from './tanh-gaussian.ts'

/** Acts: an actor whose parameters come in with each run, so that it follows the learner. */
export class SacPolicy {
  readonly #ort: Ort
  readonly #ortSession: InferenceSession
  readonly #actor: ForwardModel
  readonly #actionSize: number

  private constructor(ort: Ort, ortSession: InferenceSession, actor: ForwardModel, size: number) {
    this.#ort = ort
    this.#ortSession = ortSession
    this.#actor = actor
    this.#actionSize = size
  }

  /** `actionSize`: of the last axis of an action. */
  static async open(ort: Ort, actor: ForwardModel, actionSize: number): Promise<SacPolicy> {
    const ortSession = await openOrtSession(ort, withParametersAsInputs(actor))
    return new SacPolicy(ort, ortSession, actor, actionSize)
  }

  /**
   * An action for each row of observations: the likeliest one, or one that is drawn where there is
   * something to draw with. Between −1 and 1.
   */
  async act(
    observations: Samples['inputs'],
    parameters: Readonly<Record<string, Tensor>>,
    random?: Random,
  ): Promise<Float32Array> {
    const { inputs, prediction } = this.#actor
    const columns = inputs.map(input => {
      return { ...input, elementType: dataElement(input), input: input.name }
    })
    const ran = await this.#ortSession.run({
      ...inputTensors(this.#ort, columns, { inputs: observations }),
      ...parameters,
    })
    return tanhGaussianActions(floatOutput(ran, prediction), {
      size: this.#actionSize,
      noise: random ? () => standardNormal(random) : () => 0,
    })
  }

  async release(): Promise<void> {
    await this.#ortSession.release()
  }
}

function withParametersAsInputs({ graph, opset, parameters }: ForwardModel): Uint8Array {
  const names = new Set(parameters.map(({ name }) => name))
  return encodeModel(
    buildModel({
      opset,
      graph: {
        ...graph,
        initializer: graph.initializer.filter(({ name = '' }) => !names.has(name)),
        input: [
          ...graph.input.filter(({ name = '' }) => !names.has(name)),
          ...parameters.map(({ name, shape }) => buildValueInfo(name, ELEMENT.float, shape)),
        ],
      },
    }),
  )
}
