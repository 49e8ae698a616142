import type { InferenceSession, Tensor } from 'onnxruntime-node'
import type { ForwardModel } from '../forward/forward-graph.ts'
import { dataElement } from '../forward/model-input.ts'
import { buildModel, buildValueInfo } from '../onnx/build.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { encodeModel } from '../onnx/onnx-codec.ts'
import { inputTensors, type Samples } from '../samples/samples.ts'
import { floatOutput, type Ort, openOrtSession } from '../trainer/ort-session.ts'

/** An actor whose parameters come in with each run, so that it follows the learner. */
export class SacPolicy {
  readonly #ort: Ort
  readonly #ortSession: InferenceSession
  readonly #actor: ForwardModel

  private constructor(ort: Ort, ortSession: InferenceSession, actor: ForwardModel) {
    this.#ort = ort
    this.#ortSession = ortSession
    this.#actor = actor
  }

  static async open(ort: Ort, actor: ForwardModel): Promise<SacPolicy> {
    return new SacPolicy(ort, await openOrtSession(ort, withParametersAsInputs(actor)), actor)
  }

  /** What the actor tells of each row of observations. */
  async tell(
    observations: Samples['inputs'],
    parameters: Readonly<Record<string, Tensor>>,
  ): Promise<Float32Array> {
    const { inputs, prediction } = this.#actor
    const columns = inputs.map(input => {
      return { ...input, elementType: dataElement(input), input: input.name }
    })
    const ran = await this.#ortSession.run({
      ...inputTensors(this.#ort, columns, { inputs: observations }),
      ...parameters,
    })
    return floatOutput(ran, prediction)
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
