import { GainnetError } from '../runtime/errors.ts'
import type { GraphEmitter, ValueName } from './graph-emitter.ts'
import { findAttribute } from './onnx/attribute.ts'
import { checkModel } from './onnx/check-model.ts'
import { ELEMENT, type ElementType, elementName, isElementType } from './onnx/element-type.ts'
import { decodeModel } from './onnx/onnx-codec.ts'
import type { GraphProto, NodeProto, TensorProto, ValueInfoProto } from './onnx/onnx-proto.ts'
import { checkTensor, elementCount, float32Values } from './onnx/tensor.ts'
import type { TensorType } from './types/type-rule.ts'

/** One trained tensor and its place in the flat vector of all parameters. */
export interface ParameterInfo {
  readonly name: string
  readonly shape: readonly number[]
  /** In elements. */
  readonly offset: number
  /** Elements. */
  readonly count: number
}

/** An ONNX model as training sees it: one input, one prediction, parameters. */
export interface ForwardModel {
  readonly graph: GraphProto
  readonly opset: number
  readonly input: {
    readonly name: string
    readonly elementType: ElementType
    /** Shape of one sample, without the batch axis. */
    readonly sampleShape: readonly number[]
  }
  readonly prediction: string
  readonly parameters: readonly ParameterInfo[]
  readonly initialParameters: Float32Array
}

/**
 * Reads a model for training. Its parameters are the float32 initializers with at least one axis, in
 * the order of the file (a float without axes is a constant of the computation, as exporters write
 * it), or just those that `trainable` names; all others stay what they are.
 */
export function readForwardModel(
  bytes: Uint8Array,
  { trainable }: { readonly trainable?: readonly string[] | undefined } = {},
): ForwardModel {
  const { graph, opset } = checkModel(decodeModel(bytes))
  const tensors = chooseParameters(graph, trainable)
  const parameters: ParameterInfo[] = []
  let offset = 0
  for (const { name = '', dims: shape } of tensors) {
    const count = elementCount(shape)
    parameters.push({ name, shape, offset, count })
    offset += count
  }
  const initialParameters = new Float32Array(offset)
  for (const [index, parameter] of parameters.entries()) {
    const tensor = tensors[index]
    if (tensor) initialParameters.set(float32Values(tensor), parameter.offset)
  }
  const [prediction] = graph.output
  if (!prediction?.name || graph.output.length !== 1) {
    throw new GainnetError(
      'MODEL_INVALID',
      `training takes a model with one output, this one has ${graph.output.length}`,
    )
  }
  const input = readInput(graph)
  return { graph, opset, input, prediction: prediction.name, parameters, initialParameters }
}

function chooseParameters(
  graph: GraphProto,
  trainable: readonly string[] | undefined,
): readonly TensorProto[] {
  if (!trainable) {
    return graph.initializer.filter(
      ({ dataType, dims }) => dataType === ELEMENT.float && dims.length > 0,
    )
  }
  const wanted = new Set(trainable)
  const found = graph.initializer.filter(({ name = '' }) => wanted.delete(name))
  const other = found.find(({ dataType }) => dataType !== ELEMENT.float)
  if (wanted.size > 0 || other) {
    const name = other?.name ?? [...wanted][0]
    throw new GainnetError('MODEL_INVALID', `the model has no float32 initializer ${name}`, {
      name,
    })
  }
  return found
}

function readInput(graph: GraphProto): ForwardModel['input'] {
  const initialized = new Set(graph.initializer.map(({ name }) => name))
  const inputs = graph.input.filter(({ name }) => !initialized.has(name))
  const [input] = inputs
  const type = input?.type?.tensorType
  if (!input?.name || inputs.length !== 1 || !type?.shape || !isElementType(type.elemType)) {
    throw new GainnetError(
      'MODEL_INVALID',
      `training takes a model with one input of a known type, this one has ${inputs.length}`,
    )
  }
  const [, ...rest] = type.shape.dim
  const sampleShape = rest.map(({ dimValue }) => {
    if (dimValue !== undefined && dimValue > 0) return dimValue
    throw new GainnetError(
      'MODEL_INVALID',
      `the input ${input.name} may leave only its first size (the batch) open`,
    )
  })
  return { name: input.name, elementType: type.elemType, sampleShape }
}

/**
 * Emits the model's nodes for a fixed batch, its values renamed so that they cannot meet others'.
 * Returns the emitted nodes for the walker.
 */
export function emitForward(
  graph: GraphEmitter,
  model: ForwardModel,
  given: {
    readonly input: ValueName
    readonly parameters: ReadonlyMap<string, ValueName>
    readonly batch: number
  },
): { readonly nodes: readonly NodeProto[]; readonly prediction: ValueName } {
  const names = new Map<string, ValueName>([
    ['', ''],
    [model.input.name, given.input],
    ...given.parameters,
  ])
  const stated = new Map(model.graph.valueInfo.map(value => [value.name ?? '', value]))
  for (const tensor of model.graph.initializer) {
    const { name = '' } = tensor
    if (!names.has(name)) names.set(name, addConstant(graph, tensor, name))
  }
  const nodes: NodeProto[] = []
  for (const node of model.graph.node) {
    const constant = node.opType === 'Constant' ? findAttribute(node, 'value')?.t : undefined
    const [output = ''] = node.output
    if (constant) {
      checkTensor(constant)
      names.set(output, addConstant(graph, constant, output))
      continue
    }
    const renamed = rename(graph, node, names)
    const originals = new Map(renamed.output.map((name, index) => [name, node.output[index] ?? '']))
    graph.addNode(renamed, name => statedType(stated.get(originals.get(name) ?? ''), given.batch))
    nodes.push(renamed)
  }
  return { nodes, prediction: names.get(model.prediction) ?? '' }
}

function addConstant(graph: GraphEmitter, tensor: TensorProto, wish: string): ValueName {
  const { dataType, dims: shape } = tensor
  if (!isElementType(dataType)) {
    throw new GainnetError('MODEL_INVALID', `tensor ${wish} has ${elementName(dataType)}`)
  }
  const name = graph.unique(`forward.${wish}`)
  graph.addConstant(name, tensor, { elementType: dataType, shape })
  return name
}

function rename(graph: GraphEmitter, node: NodeProto, names: Map<string, ValueName>): NodeProto {
  const input = node.input.map(name => names.get(name) ?? '')
  const output = node.output.map(name => {
    if (name === '') return ''
    const renamed = graph.unique(`forward.${name}`)
    names.set(name, renamed)
    return renamed
  })
  return { ...node, input, output }
}

/** What the file itself says of an intermediate value: the resort where we have no type rule. */
function statedType(value: ValueInfoProto | undefined, batch: number): TensorType | undefined {
  const type = value?.type?.tensorType
  if (!type?.shape || !isElementType(type.elemType)) return undefined
  const shape = type.shape.dim.map(({ dimValue }, axis) => dimValue ?? (axis === 0 ? batch : -1))
  return shape.includes(-1) ? undefined : { elementType: type.elemType, shape }
}
