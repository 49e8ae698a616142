import { GainnetError } from '../runtime/errors.ts'
import type { GraphEmitter, ValueName } from './graph-emitter.ts'
import { attr, findAttribute } from './onnx/attribute.ts'
import { OPSET_MAX } from './onnx/build.ts'
import { checkModel } from './onnx/check-model.ts'
import { ELEMENT, type ElementType, elementName, isElementType } from './onnx/element-type.ts'
import { decodeModel } from './onnx/onnx-codec.ts'
import type { GraphProto, NodeProto, TensorProto, ValueInfoProto } from './onnx/onnx-proto.ts'
import { upgradeGraph } from './onnx/opset-upgrade.ts'
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
  options: {
    readonly trainable?: readonly string[] | undefined
    /** The output that training is about, for a model with several. */
    readonly prediction?: string | undefined
  } = {},
): ForwardModel {
  const checked = checkModel(decodeModel(bytes))
  const graph = upgradeGraph(checked.graph, checked.opset)
  const tensors = chooseParameters(checked.graph, options.trainable)
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
  return {
    graph,
    opset: OPSET_MAX,
    input: readInput(graph),
    prediction: chooseOutput(graph, options.prediction),
    parameters,
    initialParameters,
  }
}

/** Inputs that say how an operator works, by position: numbers with axes, but nothing to train. */
const SETTINGS: Readonly<Record<string, readonly number[]>> = { Resize: [1, 2], Upsample: [1] }

function chooseParameters(
  graph: GraphProto,
  trainable: readonly string[] | undefined,
): readonly TensorProto[] {
  if (!trainable) {
    const settings = new Set(
      graph.node.flatMap(({ opType = '', input }) =>
        (SETTINGS[opType] ?? []).map(index => input[index]),
      ),
    )
    return graph.initializer.filter(
      ({ name, dataType, dims }) =>
        dataType === ELEMENT.float && dims.length > 0 && !settings.has(name),
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

function chooseOutput({ output }: GraphProto, wanted: string | undefined): string {
  const names = output.map(({ name = '' }) => name)
  const [only = ''] = names
  if (wanted === undefined && names.length === 1 && only !== '') return only
  if (wanted !== undefined && names.includes(wanted)) return wanted
  throw new GainnetError(
    'MODEL_INVALID',
    wanted === undefined
      ? `training takes a model with one output, this one has ${names.length}`
      : `the model has no output ${wanted}, but ${names.join(', ')}`,
    { outputs: names },
  )
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
    readonly purpose: 'training' | 'inference'
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
    refuseSubgraph(node)
    const renamed = withDropout(rename(graph, node, names), given.purpose, nodes.length)
    const originals = new Map(renamed.output.map((name, index) => [name, node.output[index] ?? '']))
    graph.addNode(renamed, name => statedType(stated.get(originals.get(name) ?? ''), given.batch))
    nodes.push(renamed)
  }
  return { nodes, prediction: names.get(model.prediction) ?? '' }
}

/**
 * Drops nothing outside of training. In training every mask comes from a seed, so that equal runs give
 * equal bits; it is another one from step to step.
 */
function withDropout(
  node: NodeProto,
  purpose: 'training' | 'inference',
  position: number,
): NodeProto {
  if (node.opType !== 'Dropout' || (node.domain ?? '') !== '') return node
  if (purpose === 'inference') return { ...node, input: node.input.slice(0, 1) }
  if (findAttribute(node, 'seed')) return node
  return { ...node, attribute: [...node.attribute, attr.int('seed', position + 1)] }
}

function refuseSubgraph({ name, opType, attribute }: NodeProto): void {
  if (!attribute.some(({ g, graphs }) => g !== undefined || graphs.length > 0)) return
  throw new GainnetError(
    'GRADIENT_UNSUPPORTED_OP',
    `node ${name} (${opType}) holds a graph of its own, which is not differentiated: export the ` +
      'model with its loops unrolled and its branches decided',
    { node: name, opType },
  )
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
