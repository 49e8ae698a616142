import { GainnetError } from '../../runtime/errors.ts'
import {
  attr,
  findAttribute,
  floatAttribute,
  floatsAttribute,
  intAttribute,
  intsAttribute,
  stringAttribute,
} from './attribute.ts'
import { buildNode } from './build.ts'
import { ELEMENT } from './element-type.ts'
import type { AttributeProto, GraphProto, NodeProto, TensorProto } from './onnx-proto.ts'
import { buildTensor } from './tensor.ts'

/** What an upgrade needs besides the node. */
interface Upgrading {
  /** Version of the operator set that the node was written for. */
  readonly opset: number
  /** Makes a constant that belongs to the node and returns its name. */
  ints(values: readonly number[], shape?: readonly number[]): string
  floats(values: readonly number[], shape?: readonly number[]): string
  /** A name for a value between two nodes that stand for one. */
  between(): string
}

type Upgrade = (node: NodeProto, upgrading: Upgrading) => readonly NodeProto[]

/**
 * The graph in the form of the newest operator set that we write, so that the rules need to know one
 * form only. What changed is taken from the version history of each operator (onnx, Changelog.md);
 * operators that are not named here are read the same way in all versions.
 */
export function upgradeGraph(graph: GraphProto, opset: number): GraphProto {
  const taken = new Set([
    ...graph.initializer.map(({ name = '' }) => name),
    ...graph.input.map(({ name = '' }) => name),
    ...graph.node.flatMap(({ output }) => output),
  ])
  const initializer: TensorProto[] = [...graph.initializer]
  const unique = (wish: string) => {
    let name = wish
    for (let count = 1; taken.has(name); count += 1) name = `${wish}_${count}`
    taken.add(name)
    return name
  }
  const node = graph.node.flatMap(given => {
    const old = withUpgradedGraphs(given, opset)
    const { opType = '', domain = '' } = old
    const isKnown = domain === '' && Object.hasOwn(upgrades, opType)
    const upgrade = isKnown ? upgrades[opType] : undefined
    if (!upgrade) return [old]
    const wish = `${old.output.find(name => name !== '') ?? ''}.upgraded`
    const constant = (
      type: typeof ELEMENT.int64 | typeof ELEMENT.float,
      values: readonly number[],
      shape: readonly number[] = [values.length],
    ) => {
      const name = unique(wish)
      initializer.push(buildTensor({ name, type, shape, values }))
      return name
    }
    return upgrade(old, {
      opset,
      ints: (values, shape) => constant(ELEMENT.int64, values, shape),
      floats: (values, shape) => constant(ELEMENT.float, values, shape),
      between: () => unique(wish),
    })
  })
  return { ...graph, node, initializer }
}

/** The branches of an If, too: they may stand in its place later. */
function withUpgradedGraphs(node: NodeProto, opset: number): NodeProto {
  if (node.attribute.every(({ g }) => g === undefined)) return node
  const attribute = node.attribute.map(given =>
    given.g ? { ...given, g: upgradeGraph(given.g, opset) } : given,
  )
  return { ...node, attribute }
}

/** The node with other inputs and without the attributes that became inputs. */
function withInputs(
  node: NodeProto,
  inputs: readonly string[],
  dropped: readonly string[],
  added: readonly AttributeProto[] = [],
): readonly NodeProto[] {
  const attribute = node.attribute.filter(({ name = '' }) => !dropped.includes(name))
  const lastGiven = inputs.findLastIndex(input => input !== '')
  return [{ ...node, input: inputs.slice(0, lastGiven + 1), attribute: [...attribute, ...added] }]
}

/** An attribute with a list of integers became the second input. */
function intsBecameInput(name: string): Upgrade {
  return (node, { ints }) => {
    const values = intsAttribute(node, name)
    return values ? withInputs(node, [node.input[0] ?? '', ints(values)], [name]) : [node]
  }
}

const axesBecameInput = intsBecameInput('axes')

/** Before 9 it could have statistics for each place instead of each channel, which no more is. */
const batchNormalization: Upgrade = (node, { opset }) => {
  if (opset >= 9) return [node]
  if (intAttribute(node, 'spatial', 1) === 0) refuse(node, opset, 'has statistics for each place')
  return withInputs(node, node.input, ['spatial'])
}

const clip: Upgrade = (node, { opset, floats }) => {
  if (opset >= 11) return [node]
  const bound = (name: string) =>
    findAttribute(node, name) ? floats([floatAttribute(node, name, 0)], []) : ''
  return withInputs(node, [node.input[0] ?? '', bound('min'), bound('max')], ['min', 'max'])
}

/** A constant given as numbers is given as a tensor. */
const constant: Upgrade = node => {
  const tensor = (type: typeof ELEMENT.int64 | typeof ELEMENT.float, name: string) => {
    const values = type === ELEMENT.float ? floatsAttribute(node, name) : intsAttribute(node, name)
    const [shape, elements] = name.endsWith('s')
      ? [[values?.length ?? 0], values ?? []]
      : [[], [type === ELEMENT.float ? floatAttribute(node, name, 0) : intAttribute(node, name, 0)]]
    return buildTensor({ name: '', type, shape, values: elements })
  }
  const [given] = node.attribute
  switch (given?.name) {
    case 'value_float':
    case 'value_floats':
      return [{ ...node, attribute: [attr.tensor('value', tensor(ELEMENT.float, given.name))] }]
    case 'value_int':
    case 'value_ints':
      return [{ ...node, attribute: [attr.tensor('value', tensor(ELEMENT.int64, given.name))] }]
    default:
      return [node]
  }
}

/** Before 12 a file could not ask for training: what stood there let everything pass. */
const dropout: Upgrade = (node, { opset }) => {
  if (opset >= 12) return [node]
  if (node.output[1]) refuse(node, opset, 'gives its mask as a number')
  return withInputs(node, node.input.slice(0, 1), ['ratio', 'is_test'])
}

/** Scale and bias were one number a group and are one a channel: each is repeated. */
const groupNormalization: Upgrade = (node, { opset, between, ints }) => {
  if (opset >= 21) return [node]
  const [x = '', scale = '', bias = ''] = node.input
  const groupCount = intAttribute(node, 'num_groups', 1)
  const [channels, inGroup, target] = [between(), between(), between()]
  const bounds = [attr.int('start', 1), attr.int('end', 2)]
  const repeated = (perGroup: string) => {
    const [column, table, perChannel] = [between(), between(), between()]
    const nodes = [
      buildNode({ opType: 'Reshape', inputs: [perGroup, ints([-1, 1])], outputs: [column] }),
      buildNode({ opType: 'Expand', inputs: [column, target], outputs: [table] }),
      buildNode({ opType: 'Reshape', inputs: [table, ints([-1])], outputs: [perChannel] }),
    ]
    return { nodes, perChannel }
  }
  const [scales, biases] = [repeated(scale), repeated(bias)]
  return [
    buildNode({ opType: 'Shape', inputs: [x], outputs: [channels], attributes: bounds }),
    buildNode({ opType: 'Div', inputs: [channels, ints([groupCount])], outputs: [inGroup] }),
    buildNode({
      opType: 'Concat',
      inputs: [ints([groupCount]), inGroup],
      outputs: [target],
      attributes: [attr.int('axis', 0)],
    }),
    ...scales.nodes,
    ...biases.nodes,
    { ...node, input: [x, scales.perChannel, biases.perChannel] },
  ]
}

const pad: Upgrade = (node, { opset, ints, floats }) => {
  if (opset >= 11) return [node]
  const value = findAttribute(node, 'value') ? floats([floatAttribute(node, 'value', 0)], []) : ''
  const pads = ints(intsAttribute(node, 'pads') ?? [])
  return withInputs(node, [node.input[0] ?? '', pads, value], ['pads', 'value'])
}

/** Batches in front, which no kernel of ORT's CPU provider takes: turned around the operator. */
const recurrent: Upgrade = (node, { between }) => {
  if (intAttribute(node, 'layout', 0) === 0) return [node]
  const turn = (from: string, to: string, perm: readonly number[]) =>
    buildNode({
      opType: 'Transpose',
      inputs: [from],
      outputs: [to],
      attributes: [attr.ints('perm', perm)],
      name: `${node.name} turns ${from}`,
    })
  const before: NodeProto[] = []
  const input = node.input.map((name, index) => {
    if (name === '' || ![0, 5, 6].includes(index)) return name
    const turned = between()
    before.push(turn(name, turned, [1, 0, 2]))
    return turned
  })
  const after: NodeProto[] = []
  const output = node.output.map((name, index) => {
    if (name === '') return ''
    const turned = between()
    after.push(turn(turned, name, index === 0 ? [2, 0, 1, 3] : [1, 0, 2]))
    return turned
  })
  const attribute = node.attribute.filter(({ name }) => name !== 'layout')
  return [...before, { ...node, input, output, attribute }, ...after]
}

const reduceSum: Upgrade = (node, upgrading) =>
  upgrading.opset >= 13 ? [node] : axesBecameInput(node, upgrading)

const reduction: Upgrade = (node, upgrading) =>
  upgrading.opset >= 18 ? [node] : axesBecameInput(node, upgrading)

/** Upsample and the first Resize know neither a region nor how pixels lie. */
const resize: Upgrade = (node, { opset, floats }) => {
  if (opset >= 11) return [node]
  const [x = '', given] = node.input
  const scales = given ?? floats(floatsAttribute(node, 'scales') ?? [])
  const mode = stringAttribute(node, 'mode', 'nearest')
  const attributes = [
    attr.string('mode', mode === 'bilinear' ? 'linear' : mode),
    attr.string('coordinate_transformation_mode', 'asymmetric'),
    attr.string('nearest_mode', 'floor'),
  ]
  const dropped = node.attribute.map(({ name = '' }) => name)
  return withInputs({ ...node, opType: 'Resize' }, [x, '', scales], dropped, attributes)
}

/** The corner of the first pixel, where it did not say. */
const roiAlign: Upgrade = (node, { opset }) => {
  const isStated = findAttribute(node, 'coordinate_transformation_mode') !== undefined
  const corner = attr.string('coordinate_transformation_mode', 'output_half_pixel')
  return opset >= 16 || isStated ? [node] : withInputs(node, node.input, [], [corner])
}

const scatter: Upgrade = node => [{ ...node, opType: 'ScatterElements' }]

const slice: Upgrade = (node, { opset, ints }) => {
  if (opset >= 10) return [node]
  const [starts = [], ends = [], axes] = ['starts', 'ends', 'axes'].map(name =>
    intsAttribute(node, name),
  )
  const inputs = [node.input[0] ?? '', ints(starts), ints(ends), axes ? ints(axes) : '']
  return withInputs(node, inputs, ['starts', 'ends', 'axes'])
}

/** All axes from the given one on were one: a matrix, then its rows, then the shape as it was. */
const softmax: Upgrade = (node, { opset, between }) => {
  const axis = intAttribute(node, 'axis', 1)
  if (opset >= 13 || axis === -1) return [node]
  const [x = ''] = node.input
  const [rows, result, shape] = [between(), between(), between()]
  const { opType = '' } = node
  return [
    buildNode({
      opType: 'Flatten',
      inputs: [x],
      outputs: [rows],
      attributes: [attr.int('axis', axis)],
    }),
    buildNode({ opType, inputs: [rows], outputs: [result], attributes: [attr.int('axis', -1)] }),
    buildNode({ opType: 'Shape', inputs: [x], outputs: [shape] }),
    buildNode({
      opType: 'Reshape',
      inputs: [result, shape],
      outputs: node.output,
      name: node.name ?? '',
    }),
  ]
}

const split: Upgrade = (node, upgrading) => {
  if (upgrading.opset >= 18) return [node]
  const [given = node] = upgrading.opset >= 13 ? [node] : intsBecameInput('split')(node, upgrading)
  if (given.input[1]) return [given]
  const count = attr.int('num_outputs', node.output.length)
  return [{ ...given, attribute: [...given.attribute, count] }]
}

const squeeze: Upgrade = (node, upgrading) =>
  upgrading.opset >= 13 ? [node] : axesBecameInput(node, upgrading)

const topK: Upgrade = (node, { opset, ints }) =>
  opset >= 10
    ? [node]
    : withInputs(node, [node.input[0] ?? '', ints([intAttribute(node, 'k', 1)])], ['k'])

function refuse(node: NodeProto, opset: number, why: string): never {
  throw new GainnetError(
    'MODEL_INVALID',
    `node ${node.name} (${node.opType}) of operator set ${opset} ${why}: export the model with ` +
      'a newer operator set',
    { node: node.name, opType: node.opType },
  )
}

const upgrades: Readonly<Record<string, Upgrade>> = {
  BatchNormalization: batchNormalization,
  Clip: clip,
  Constant: constant,
  Dropout: dropout,
  GRU: recurrent,
  GroupNormalization: groupNormalization,
  Hardmax: softmax,
  LSTM: recurrent,
  LogSoftmax: softmax,
  Pad: pad,
  ReduceL1: reduction,
  ReduceL2: reduction,
  ReduceLogSum: reduction,
  ReduceLogSumExp: reduction,
  ReduceMax: reduction,
  ReduceMean: reduction,
  ReduceMin: reduction,
  ReduceProd: reduction,
  ReduceSum: reduceSum,
  ReduceSumSquare: reduction,
  Resize: resize,
  RoiAlign: roiAlign,
  Scatter: scatter,
  Slice: slice,
  Softmax: softmax,
  Split: split,
  Squeeze: squeeze,
  TopK: topK,
  Unsqueeze: squeeze,
  Upsample: resize,
}

export const upgradedOps: readonly string[] = Object.keys(upgrades)
