import { GainnetError } from '../../runtime/errors.ts'
import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr, findAttribute } from '../onnx/attribute.ts'
import { buildNode, OPSET_MAX } from '../onnx/build.ts'
import { checkModel } from '../onnx/check-model.ts'
import { withDecidedBranches } from '../onnx/decided-branches.ts'
import { elementName, isElementType } from '../onnx/element-type.ts'
import { decodeModel } from '../onnx/onnx-codec.ts'
import type { GraphProto, NodeProto, TensorProto, ValueInfoProto } from '../onnx/onnx-proto.ts'
import { upgradeGraph } from '../onnx/opset-upgrade.ts'
import { checkTensor, elementCount, float32Values } from '../onnx/tensor.ts'
import type { TensorType } from '../types/type-rule.ts'
import {
  type BatchNormalizationMode,
  withBatchStatistics,
  withRunningStatistics,
} from './batch-statistics.ts'
import { withMask } from './dropout-mask.ts'
import { keysAsRows } from './keys-as-rows.ts'
import { type ModelInput, readInputs } from './model-input.ts'
import { emitTrainingForm, reluBehindMaxPool } from './operator-forms.ts'
import { chooseParameters } from './parameter-choice.ts'

/** One trained tensor and its place in the flat vector of all parameters. */
export interface ParameterInfo {
  readonly name: string
  readonly shape: readonly number[]
  /** In elements. */
  readonly offset: number
  /** Elements. */
  readonly count: number
  /** A running statistic: the value that holds it after a batch. No gradient moves it. */
  readonly updated?: ValueName
}

/** An ONNX model as training sees it: inputs, one prediction, parameters. */
export interface ForwardModel {
  readonly graph: GraphProto
  readonly opset: number
  readonly inputs: readonly ModelInput[]
  readonly prediction: string
  readonly parameters: readonly ParameterInfo[]
  readonly initialParameters: Float32Array
}

/**
 * Reads a model for training. Its parameters are the float32 initializers with at least one axis, in
 * the order of the file (a float without axes is a constant of the computation, as exporters write
 * it), or just those that `trainable` names, less those that `frozen` does, by name or pattern; all
 * others stay what they are.
 */
export function readForwardModel(
  bytes: Uint8Array,
  options: {
    readonly trainable?: readonly string[] | undefined
    readonly frozen?: readonly string[] | undefined
    /** The output that training is about, for a model with several. */
    readonly prediction?: string | undefined
    /** As in the file where left out. */
    readonly batchNormalization?: BatchNormalizationMode | undefined
  } = {},
): ForwardModel {
  const checked = checkModel(decodeModel(bytes))
  const { graph, statistics } = withBatchStatistics(
    upgradeGraph(checked.graph, checked.opset),
    options.batchNormalization,
  )
  const updated = new Map(statistics.map(statistic => [statistic.name, statistic.updated]))
  const chosen = chooseParameters(checked.graph, options.trainable, options.frozen)
  const tensors = graph.initializer.filter(
    tensor => chosen.includes(tensor) || updated.has(tensor.name ?? ''),
  )
  const parameters: ParameterInfo[] = []
  let offset = 0
  for (const { name = '', dims: shape } of tensors) {
    const count = elementCount(shape)
    const value = updated.get(name)
    parameters.push({ name, shape, offset, count, ...(value ? { updated: value } : {}) })
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
    inputs: readInputs(graph),
    prediction: chooseOutput(graph, options.prediction),
    parameters,
    initialParameters,
  }
}

function chooseOutput({ output }: GraphProto, wanted: string | undefined): string {
  const names = output.map(({ name = '' }) => name)
  const [only = ''] = names
  if (wanted === undefined && names.length === 1 && only !== '') return only
  if (wanted !== undefined && names.includes(wanted)) return wanted
  throw new GainnetError(
    'MODEL_INVALID',
    wanted === undefined
      ? `training takes a model with one output, this one has ${names.length}: name the prediction`
      : `the model has no output ${wanted}, but ${names.join(', ')}`,
    { outputs: names },
  )
}

type Purpose = 'training' | 'inference'

/**
 * Emits the model's nodes for a fixed batch, its values renamed so that they cannot meet others'.
 * Returns the emitted nodes for the walker.
 */
export function emitForward(
  graph: GraphEmitter,
  model: ForwardModel,
  given: {
    /** By the model's names, in elements of the data set or of the model. */
    readonly inputs: ReadonlyMap<string, ValueName>
    readonly parameters: ReadonlyMap<string, ValueName>
    readonly batch: number
    readonly purpose: Purpose
    /** int32 without axes, another for each batch: what Dropout draws its masks from. */
    readonly maskKey?: ValueName | undefined
    /** Values that come from elsewhere: those after them are computed of these. */
    readonly replaced?: ReadonlyMap<string, ValueName>
  },
): {
  readonly nodes: readonly NodeProto[]
  readonly prediction: ValueName
  /** What each of the model's values is called here. */
  readonly values: ReadonlyMap<string, ValueName>
} {
  const names = nameInputs(graph, model, given)
  const stated = new Map(model.graph.valueInfo.map(value => [value.name ?? '', value]))
  const nodes: NodeProto[] = []
  const valuesOf = (name: string) => graph.constantInts(names.get(name) ?? '')
  const ordered = keysAsRows(reluBehindMaxPool(model.graph), model.graph)
  for (const decided of withDecidedBranches(ordered, valuesOf)) {
    const node = given.purpose === 'inference' ? withRunningStatistics(decided) : decided
    const constant = node.opType === 'Constant' ? findAttribute(node, 'value')?.t : undefined
    const [output = ''] = node.output
    if (constant) {
      checkTensor(constant)
      names.set(output, addConstant(graph, constant, output))
      continue
    }
    refuseSubgraph(node)
    const renamed = withDropout(graph, rename(graph, node, names), {
      ...given,
      position: nodes.length,
    })
    const originals = new Map(renamed.output.map((name, index) => [name, node.output[index] ?? '']))
    addForwardNode(graph, renamed, {
      purpose: given.purpose,
      known: name => statedType(stated.get(originals.get(name) ?? ''), given.batch),
    })
    nodes.push(renamed)
    for (const name of node.output) {
      const replacement = given.replaced?.get(name)
      if (replacement !== undefined) names.set(name, replacement)
    }
  }
  return { nodes, prediction: names.get(model.prediction) ?? '', values: names }
}

/** What the nodes find before the first of them: inputs, parameters and frozen tensors. */
function nameInputs(
  graph: GraphEmitter,
  model: ForwardModel,
  given: {
    readonly inputs: ReadonlyMap<string, ValueName>
    readonly parameters: ReadonlyMap<string, ValueName>
  },
): Map<string, ValueName> {
  const names = new Map<string, ValueName>([['', ''], ...given.parameters])
  for (const { name, elementType } of model.inputs) {
    names.set(name, graph.cast(given.inputs.get(name) ?? '', elementType))
  }
  for (const tensor of model.graph.initializer) {
    const { name = '' } = tensor
    if (!names.has(name)) names.set(name, addConstant(graph, tensor, name))
  }
  return names
}

function addForwardNode(
  graph: GraphEmitter,
  node: NodeProto,
  options: {
    readonly purpose: Purpose
    readonly known: (output: ValueName) => TensorType | undefined
  },
): void {
  const form = options.purpose === 'training' ? emitTrainingForm(graph, node) : undefined
  if (form === undefined) {
    graph.addNode(node, options.known)
    return
  }
  const outputs = node.output.slice(0, 1)
  graph.addNode(buildNode({ opType: 'Identity', inputs: [form], outputs }))
}

/**
 * Drops nothing outside of training. In training masks come from the key or, in graphs without one,
 * from a seed and the session's own generator: equal runs give equal bits, and each batch another mask.
 */
function withDropout(
  graph: GraphEmitter,
  node: NodeProto,
  given: {
    readonly purpose: Purpose
    readonly maskKey?: ValueName | undefined
    readonly position: number
  },
): NodeProto {
  const { purpose, maskKey: key, position } = given
  if (node.opType !== 'Dropout' || (node.domain ?? '') !== '') return node
  if (purpose === 'inference') return { ...node, input: node.input.slice(0, 1) }
  if (key !== undefined) return withMask(graph, node, { key, position })
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
