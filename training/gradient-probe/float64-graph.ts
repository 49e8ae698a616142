import { GraphEmitter, type ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import type { AttributeProto, GraphProto, NodeProto, TensorProto } from '../onnx/onnx-proto.ts'
import { buildTensor, realValues } from '../onnx/tensor.ts'
import type { TensorType } from '../types/type-rule.ts'
import { composeFloat64 } from './float64-compositions.ts'
import { composeLstm } from './float64-lstm.ts'

/** A graph whose numbers are all float64, but for what runs between casts. */
export interface Float64Graph {
  readonly graph: GraphProto
  readonly inputs: readonly ValueName[]
  readonly output: ValueName
  /** Operators that are computed in float32 after all. */
  readonly float32Ops: readonly string[]
}

/**
 * The forward graph in float64, where a difference of two runs has some ten digits instead of three.
 * An operator for which ONNX Runtime has no float64 kernel is composed of others that have one, or,
 * named in `float32Ops`, computed in float32 between casts.
 */
export function toFloat64(
  forward: GraphProto,
  typeOf: (value: ValueName) => TensorType,
  float32Ops: ReadonlySet<string>,
): Float64Graph {
  const emitter = new GraphEmitter('double.')
  const names = new Map<string, ValueName>([['', '']])
  for (const tensor of forward.initializer) addConstant(emitter, names, tensor)
  const inputs = forward.input.map(({ name = '' }) => {
    const made = emitter.declare(emitter.unique(name), widened(typeOf(name)))
    names.set(name, made)
    return made
  })
  const used = new Set<string>()
  for (const node of forward.node) {
    const { opType = '' } = node
    const isNarrow = float32Ops.has(opType)
    if (isNarrow) used.add(opType)
    addNode(emitter, names, { node, typeOf, isNarrow })
  }
  const output = names.get(forward.output[0]?.name ?? '') ?? ''
  const graph = emitter.finish({ name: 'float64', inputs, outputs: [output] })
  return { graph, inputs, output, float32Ops: [...used] }
}

function addNode(
  emitter: GraphEmitter,
  names: Map<string, ValueName>,
  given: {
    readonly node: NodeProto
    readonly typeOf: (value: ValueName) => TensorType
    readonly isNarrow: boolean
  },
): void {
  const { node, typeOf, isNarrow } = given
  const renamed = { ...node, input: node.input.map(name => names.get(name) ?? '') }
  if (isNarrow) {
    addInFloat32(emitter, names, renamed, typeOf)
    return
  }
  const composed = composeLstm(emitter, renamed) ?? composeFloat64(emitter, renamed)
  if (composed)
    for (const [index, name] of node.output.entries()) names.set(name, composed[index] ?? '')
  else addWidened(emitter, names, renamed, typeOf)
}

function widened({ elementType, shape }: TensorType): TensorType {
  return { elementType: elementType === ELEMENT.float ? ELEMENT.double : elementType, shape }
}

function widenedTensor(tensor: TensorProto): TensorProto {
  if (tensor.dataType !== ELEMENT.float) return tensor
  const { name = '', dims: shape } = tensor
  return buildTensor({ name, type: ELEMENT.double, shape, values: realValues(tensor) ?? [] })
}

function addConstant(
  emitter: GraphEmitter,
  names: Map<string, ValueName>,
  tensor: TensorProto,
): void {
  const { name = '', dataType, dims: shape } = tensor
  const made = emitter.unique(name)
  const known = dataType as TensorType['elementType']
  emitter.addConstant(made, widenedTensor(tensor), widened({ elementType: known, shape }))
  names.set(name, made)
}

function addWidened(
  emitter: GraphEmitter,
  names: Map<string, ValueName>,
  node: NodeProto,
  typeOf: (value: ValueName) => TensorType,
): void {
  const types = new Map<ValueName, TensorType>()
  const output = renameOutputs(emitter, names, node, (made, name) =>
    types.set(made, widened(typeOf(name))),
  )
  const attribute = node.attribute.map(one => widenedAttribute(node, one))
  emitter.addNode({ ...node, output, attribute }, made => types.get(made))
}

/** Attributes that say which element type comes out, or hold it. */
function widenedAttribute({ opType }: NodeProto, attribute: AttributeProto): AttributeProto {
  const { name = '', t } = attribute
  const namesType = name === 'dtype' || (opType === 'Cast' && name === 'to')
  if (namesType && Number(attribute.i) === ELEMENT.float) return attr.int(name, ELEMENT.double)
  return t ? { ...attribute, t: widenedTensor(t) } : attribute
}

function addInFloat32(
  emitter: GraphEmitter,
  names: Map<string, ValueName>,
  node: NodeProto,
  typeOf: (value: ValueName) => TensorType,
): void {
  const narrow = (name: ValueName) => {
    if (name === '' || emitter.type(name).elementType !== ELEMENT.double) return name
    // Scales of a Resize must stay a constant.
    const values = emitter.constantReals(name)
    if (values) return emitter.constant(ELEMENT.float, emitter.shape(name), values)
    return emitter.cast(name, ELEMENT.float)
  }
  const types = new Map<ValueName, TensorType>()
  const narrowNames = new Map<string, ValueName>()
  const output = renameOutputs(emitter, narrowNames, node, (made, name) =>
    types.set(made, typeOf(name)),
  )
  emitter.addNode({ ...node, input: node.input.map(narrow), output }, made => types.get(made))
  for (const [name, made] of narrowNames) {
    const isFloat = emitter.type(made).elementType === ELEMENT.float
    names.set(name, isFloat ? emitter.cast(made, ELEMENT.double) : made)
  }
}

function renameOutputs(
  emitter: GraphEmitter,
  names: Map<string, ValueName>,
  node: NodeProto,
  note: (made: ValueName, name: string) => void,
): readonly ValueName[] {
  return node.output.map(name => {
    if (name === '') return ''
    const made = emitter.unique(name)
    names.set(name, made)
    note(made, name)
    return made
  })
}
