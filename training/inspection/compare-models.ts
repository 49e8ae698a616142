import { GainnetError } from '../../runtime/errors.ts'
import { elementName } from '../onnx/element-type.ts'
import { decodeModel, encodeModel } from '../onnx/onnx-codec.ts'
import type { GraphProto, TensorProto } from '../onnx/onnx-proto.ts'
import { integerValues, realValues } from '../onnx/tensor.ts'
import { sameShape } from '../types/type-rule.ts'
import { allNodes } from './describe-model.ts'

export interface WeightDifference {
  readonly name: string
  readonly shape: readonly number[]
  /** Largest |a − b|. */
  readonly largest: number
  /** ‖a − b‖ / ‖a‖. */
  readonly relative: number
  /** Why the values were not compared. */
  readonly reason?: string
}

interface NameChanges {
  readonly removed: readonly string[]
  readonly added: readonly string[]
}

export interface ModelDifference {
  readonly isEqual: boolean
  /** Nodes, with their attributes and names. */
  readonly graphIsEqual: boolean
  /** Of operators whose counts differ. */
  readonly operators: readonly {
    readonly opType: string
    readonly before: number
    readonly after: number
  }[]
  readonly values: Readonly<Record<'inputs' | 'outputs' | 'nodes', NameChanges>>
  /** The largest relative difference first. */
  readonly weights: readonly WeightDifference[]
  readonly equalWeights: number
  readonly weightsAdded: readonly string[]
  readonly weightsRemoved: readonly string[]
}

/** How two models differ, as files: nothing is run. */
export function compareModels(before: Uint8Array, after: Uint8Array): ModelDifference {
  const [a, b] = [graphOf(before), graphOf(after)]
  const names = (values: readonly { readonly name?: string }[]) =>
    values.map(({ name = '' }) => name)
  const tensorNames = changes(names(a.initializer), names(b.initializer))
  const { differing, equalCount } = compareWeights(a, b)
  const graphIsEqual = sameBytes(withoutWeights(a), withoutWeights(b))
  const sizes = tensorNames.added.length + tensorNames.removed.length + differing.length
  return {
    isEqual: graphIsEqual && sizes === 0,
    graphIsEqual,
    operators: compareOperators(a, b),
    values: {
      inputs: changes(names(a.input), names(b.input)),
      outputs: changes(names(a.output), names(b.output)),
      nodes: changes(names(a.node), names(b.node)),
    },
    weights: differing,
    equalWeights: equalCount,
    weightsAdded: tensorNames.added,
    weightsRemoved: tensorNames.removed,
  }
}

function graphOf(bytes: Uint8Array): GraphProto {
  const { graph } = decodeModel(bytes)
  if (graph) return graph
  throw new GainnetError('MODEL_INVALID', 'the model has no graph')
}

function changes(before: readonly string[], after: readonly string[]): NameChanges {
  const [had, has] = [new Set(before), new Set(after)]
  return {
    removed: before.filter(name => !has.has(name)),
    added: after.filter(name => !had.has(name)),
  }
}

function compareOperators(a: GraphProto, b: GraphProto): ModelDifference['operators'] {
  const [before, after] = [a, b].map(graph => {
    const counts = new Map<string, number>()
    for (const { domain = '', opType = '' } of allNodes(graph)) {
      const name = domain === '' ? opType : `${domain}.${opType}`
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    return counts
  })
  const names = [...new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])].sort()
  return names
    .map(opType => ({ opType, before: before?.get(opType) ?? 0, after: after?.get(opType) ?? 0 }))
    .filter(count => count.before !== count.after)
}

function compareWeights(a: GraphProto, b: GraphProto) {
  const others = new Map(b.initializer.map(tensor => [tensor.name, tensor]))
  const compared = a.initializer.flatMap(tensor => {
    const other = others.get(tensor.name)
    return other ? [compareTensors(tensor, other)] : []
  })
  const differing = compared.filter(one => one.largest !== 0 || one.reason !== undefined)
  differing.sort((x, y) => (y.relative || 0) - (x.relative || 0))
  return { differing, equalCount: compared.length - differing.length }
}

function compareTensors(a: TensorProto, b: TensorProto): WeightDifference {
  const { name = '', dims: shape } = a
  const unknown = (reason: string) => ({
    name,
    shape,
    largest: Number.NaN,
    relative: Number.NaN,
    reason,
  })
  if (!sameShape(shape, b.dims)) return unknown(`has the shape [${b.dims.join(', ')}] after`)
  if (a.dataType !== b.dataType) {
    return unknown(`${elementName(a.dataType)} before, ${elementName(b.dataType)} after`)
  }
  const [before, after] = [numbersOf(a), numbersOf(b)]
  if (!before || !after) {
    const isEqual = a.rawData && b.rawData && Buffer.compare(a.rawData, b.rawData) === 0
    return isEqual ? { name, shape, largest: 0, relative: 0 } : unknown('has other bytes')
  }
  return { name, shape, ...distance(before, after) }
}

function numbersOf(tensor: TensorProto): ArrayLike<number> | undefined {
  return realValues(tensor) ?? integerValues(tensor)
}

/** Largest |a − b| and ‖a − b‖ / ‖a‖; the same kind of non-number counts as equal. */
export function distance(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): { readonly largest: number; readonly relative: number } {
  let [largest, squares, size] = [0, 0, 0]
  for (let index = 0; index < a.length; index += 1) {
    const [x = Number.NaN, y = Number.NaN] = [a[index], b[index]]
    const off = Object.is(x, y) ? 0 : Math.abs(x - y)
    largest = Number.isNaN(off) ? Number.POSITIVE_INFINITY : Math.max(largest, off)
    squares += off * off
    size += x * x
  }
  return { largest, relative: squares === 0 ? 0 : Math.sqrt(squares / size) }
}

function withoutWeights(graph: GraphProto): Uint8Array {
  return encodeModel({
    graph: { ...graph, initializer: [], name: '' },
    opsetImport: [],
    metadataProps: [],
  })
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
