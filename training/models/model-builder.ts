import { GainnetError } from '../../runtime/errors.ts'
import { type Random, seededRandom } from '../../runtime/seeded-random.ts'
import { GraphEmitter, type ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { buildModel, buildNode, buildValueInfo, OPSET_MAX } from '../onnx/build.ts'
import { ELEMENT, type ElementType } from '../onnx/element-type.ts'
import { encodeModel } from '../onnx/onnx-codec.ts'
import type { AttributeProto, TensorProto } from '../onnx/onnx-proto.ts'
import { buildTensor, elementCount } from '../onnx/tensor.ts'
import { type Fans, filledWith, type InitialWeights } from './initial-weights.ts'

/** The batch that shapes are worked out with; in the file it is open. */
const BATCH = 2

/** Half a gibibyte: far beyond what a board trains, and far below the 2 GiB of a protobuf message. */
const PARAMETERS_MAX = 2 ** 27

/** Where a parameter is not the weight of a layer, and its fans do not matter. */
const NO_FANS: Fans = { fanIn: 1, fanOut: 1 }

/**
 * Builds an inference model node by node. Axis 0 of its inputs and outputs is the batch, which the
 * file leaves open: a model may not use its size, so reshape with `reshape` below. `graph` knows the
 * shape of every value, is for nodes whose names nobody asks for, and its constants stay constants
 * in training whatever their shape.
 */
export class ModelBuilder {
  readonly graph = new GraphEmitter()
  readonly random: Random
  readonly #name: string
  readonly #inputs: ValueName[] = []
  readonly #parameters = new Set<ValueName>()
  #parameterCount = 0

  /** Equal calls in an equal order give equal bytes: the seed is the only source of chance. */
  constructor(options: { readonly name: string; readonly seed: number }) {
    this.#name = options.name
    this.random = seededRandom(options.seed)
  }

  /** An input of [batch, …sampleShape]. */
  input(
    name: ValueName,
    sampleShape: readonly number[],
    elementType: ElementType = ELEMENT.float,
  ): ValueName {
    this.#inputs.push(name)
    return this.graph.declare(name, { elementType, shape: [BATCH, ...sampleShape] })
  }

  /** A float32 initializer under its own name, zeros where nothing else is said. */
  parameter(
    name: ValueName,
    shape: readonly number[],
    initial: InitialWeights = filledWith(0),
    fans: Fans = NO_FANS,
  ): ValueName {
    this.#parameterCount += elementCount(shape)
    if (this.#parameterCount > PARAMETERS_MAX) {
      throw new GainnetError(
        'MODEL_INVALID',
        `a model of more than ${PARAMETERS_MAX} parameters is not built: ${name} is one too many`,
        { name, parametersMax: PARAMETERS_MAX },
      )
    }
    const draw = initial(fans)
    const values = Float32Array.from({ length: elementCount(shape) }, () => draw(this.random))
    const type = { elementType: ELEMENT.float, shape }
    this.#parameters.add(name)
    this.graph.addConstant(name, buildTensor({ name, type: ELEMENT.float, shape, values }), type)
    return name
  }

  /** A float32 tensor that is part of the computation and never trained. */
  table(shape: readonly number[], values: ArrayLike<number>): ValueName {
    return this.graph.constant(ELEMENT.float, shape, Array.from(values))
  }

  /** A node with one output; a name where somebody will look for it. */
  node(
    opType: string,
    inputs: readonly ValueName[],
    options: { readonly output?: string; readonly attributes?: readonly AttributeProto[] } = {},
  ): ValueName {
    const { output = this.graph.unique(opType), attributes = [] } = options
    this.graph.addNode(buildNode({ opType, inputs, outputs: [output], attributes }))
    return output
  }

  /** Without the batch. */
  sampleShape(x: ValueName): readonly number[] {
    return this.graph.shape(x).slice(1)
  }

  /** Another shape of each sample; the batch stays in front, whatever its size. */
  reshape(x: ValueName, sampleShape: readonly number[]): ValueName {
    return this.graph.emit('Reshape', [x, this.graph.ints([-1, ...sampleShape])])
  }

  /** The file. */
  finish(outputs: readonly ValueName[]): Uint8Array {
    const made = this.graph.finish({ name: this.#name, inputs: this.#inputs, outputs })
    const isTable = ({ name = '', dataType, dims }: TensorProto) =>
      dataType === ELEMENT.float && dims.length > 0 && !this.#parameters.has(name)
    const openType = (name: ValueName) => {
      const { elementType, shape } = this.graph.type(name)
      if (shape[0] !== BATCH) throw new RangeError(`${name} has no batch in front: [${shape}]`)
      return buildValueInfo(name, elementType, ['batch', ...shape.slice(1)])
    }
    const graph = {
      ...made,
      node: [...made.initializer.filter(isTable).map(constantNode), ...made.node],
      initializer: made.initializer.filter(tensor => !isTable(tensor)),
      input: this.#inputs.map(openType),
      output: outputs.map(openType),
    }
    return encodeModel(buildModel({ graph, opset: OPSET_MAX }))
  }
}

/** Float32 initializers with axes are what is trained: what is not, is written as a node. */
function constantNode(tensor: TensorProto) {
  const outputs = [tensor.name ?? '']
  return buildNode({
    opType: 'Constant',
    inputs: [],
    outputs,
    attributes: [attr.tensor('value', tensor)],
  })
}
