import { intAttribute } from '../onnx/attribute.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import type { GraphProto, NodeProto, TensorProto } from '../onnx/onnx-proto.ts'
import { integerValues } from '../onnx/tensor.ts'

/** What an input of whole numbers may hold. */
export interface IntegerRange {
  readonly from: number
  /** The first that is too large. */
  readonly below: number
}

/** Operators that pass the numbers on as they are. */
const PASSING = new Set([
  'Cast',
  'Expand',
  'Flatten',
  'Identity',
  'Reshape',
  'Slice',
  'Squeeze',
  'Tile',
  'Transpose',
  'Unsqueeze',
])

/** Where nothing in the graph limits the numbers: small ones fit most uses, and 1 means "yes". */
const ANY: IntegerRange = { from: 1, below: 2 }

/**
 * What an input of whole numbers is used for decides what it may hold: rows of a table where it
 * selects by Gather, the constant itself where it is compared with one (a sampling rate, say).
 */
export function integerRange(graph: GraphProto, input: string): IntegerRange {
  const constants = constantsOf(graph)
  const same = new Set([input])
  const ranges: IntegerRange[] = []
  for (const node of graph.node) {
    const { opType = '', input: names, output } = node
    if (!names.some(name => same.has(name))) continue
    if (PASSING.has(opType) && same.has(names[0] ?? '')) for (const name of output) same.add(name)
    const range = rangeOfUse(node, same, constants)
    if (range) ranges.push(range)
  }
  if (ranges.length === 0) return ANY
  return {
    from: Math.max(...ranges.map(({ from }) => from)),
    below: Math.min(...ranges.map(({ below }) => below)),
  }
}

function rangeOfUse(
  node: NodeProto,
  same: ReadonlySet<string>,
  constants: ReadonlyMap<string, TensorProto>,
): IntegerRange | undefined {
  const { opType = '', input: names } = node
  const [first = '', second = ''] = names
  if (opType === 'Gather' && same.has(second)) {
    const rows = constants.get(first)?.dims[intAttribute(node, 'axis', 0)]
    return rows === undefined ? undefined : { from: 0, below: rows }
  }
  if (opType === 'OneHot' && same.has(first)) {
    const depth = constantInt(constants.get(second))
    return depth === undefined ? undefined : { from: 0, below: depth }
  }
  if (opType === 'Equal') {
    const other = constantInt(constants.get(same.has(first) ? second : first))
    return other === undefined ? undefined : { from: other, below: other + 1 }
  }
  return undefined
}

function constantInt(tensor: TensorProto | undefined): number | undefined {
  return tensor && integerValues(tensor)?.[0]
}

function constantsOf(graph: GraphProto): ReadonlyMap<string, TensorProto> {
  const constants = new Map(graph.initializer.map(tensor => [tensor.name ?? '', tensor]))
  for (const { opType, output, attribute } of graph.node) {
    const value = attribute.find(({ name }) => name === 'value')?.t
    if (opType === 'Constant' && value) constants.set(output[0] ?? '', value)
  }
  return constants
}

export function isWhole(elementType: number): boolean {
  return elementType !== ELEMENT.float && elementType !== ELEMENT.double
}
