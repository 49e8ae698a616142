import { GraphEmitter, type ValueName } from '../graph/graph-emitter.ts'
import { elementBytes, isElementType } from '../onnx/element-type.ts'
import type { GraphProto, NodeProto, ValueInfoProto } from '../onnx/onnx-proto.ts'
import { elementCount } from '../onnx/tensor.ts'
import type { TensorType } from '../types/type-rule.ts'

export interface LiveBytes {
  /** Values made inside of the graph, at the moment when they take the most. */
  readonly peakBytes: number
  readonly nodeCount: number
}

/** Sizes of open axes, by name: how many samples there are, say. */
type OpenSizes = Readonly<Record<string, number>>

/**
 * What the values of a graph take at the worst moment, where each is made by its node and freed after
 * the last node that takes it. Graphs inside of nodes count while their node runs.
 */
export function liveBytes(
  graph: GraphProto,
  open: OpenSizes = {},
  outer: ReadonlyMap<ValueName, TensorType> = new Map(),
): LiveBytes {
  const emitter = new GraphEmitter()
  const types = new Map(outer)
  const declare = (name: ValueName, type: TensorType): void => {
    types.set(name, type)
    emitter.declare(name, type)
  }
  for (const [name, type] of outer) emitter.declare(name, type)
  for (const value of graph.input) {
    if (value.name && !types.has(value.name)) declare(value.name, typeOf(value, open))
  }
  for (const tensor of graph.initializer) {
    const { name = '', dataType, dims } = tensor
    if (!isElementType(dataType)) continue
    types.set(name, { elementType: dataType, shape: dims })
    emitter.addConstant(name, tensor, { elementType: dataType, shape: dims })
  }
  return new LiveCount(graph, { emitter, types, open }).count()
}

/** Goes through the nodes in the order of the file and keeps the sum of what is alive. */
class LiveCount {
  readonly #graph: GraphProto
  readonly #emitter: GraphEmitter
  readonly #types: Map<ValueName, TensorType>
  readonly #open: OpenSizes
  readonly #lastUses: ReadonlyMap<ValueName, number>
  readonly #stated: ReadonlyMap<string, ValueInfoProto>
  readonly #alive = new Map<ValueName, number>()
  #bytes = 0
  #peakBytes = 0
  #nodeCount = 0

  constructor(
    graph: GraphProto,
    given: {
      readonly emitter: GraphEmitter
      readonly types: Map<ValueName, TensorType>
      readonly open: OpenSizes
    },
  ) {
    this.#graph = graph
    this.#emitter = given.emitter
    this.#types = given.types
    this.#open = given.open
    this.#lastUses = lastUses(graph)
    this.#stated = new Map(graph.valueInfo.map(value => [value.name ?? '', value]))
  }

  count(): LiveBytes {
    for (const [place, node] of this.#graph.node.entries()) {
      const inside = this.#enter(node)
      for (const name of node.output) this.#make(name)
      this.#peakBytes = Math.max(this.#peakBytes, this.#bytes + inside.peakBytes)
      this.#nodeCount += 1 + inside.nodeCount
      for (const name of [...node.input, ...node.output]) {
        if ((this.#lastUses.get(name) ?? place) <= place) this.#free(name)
      }
    }
    return { peakBytes: this.#peakBytes, nodeCount: this.#nodeCount }
  }

  /** Makes the types of the node's outputs known, and counts the graph inside of it. */
  #enter(node: NodeProto): LiveBytes {
    const body = node.attribute.find(({ g }) => g !== undefined)?.g
    const made = new Map(node.output.map((name, index) => [name, body?.output[index]] as const))
    this.#emitter.addNode(node, name => {
      const value = made.get(name) ?? this.#stated.get(name)
      return value && typeOf(value, this.#open)
    })
    for (const name of node.output) if (name) this.#types.set(name, this.#emitter.type(name))
    return body ? liveBytes(body, this.#open, this.#types) : { peakBytes: 0, nodeCount: 0 }
  }

  #make(name: ValueName): void {
    if (name === '') return
    const { elementType, shape } = this.#emitter.type(name)
    const bytes = elementCount(shape) * (elementBytes(elementType) ?? 1)
    this.#alive.set(name, bytes)
    this.#bytes += bytes
  }

  #free(name: ValueName): void {
    this.#bytes -= this.#alive.get(name) ?? 0
    this.#alive.delete(name)
  }
}

/** Outputs of the graph live to its end. */
function lastUses({ node, output }: GraphProto): ReadonlyMap<ValueName, number> {
  const uses = new Map<ValueName, number>()
  for (const [place, { input, attribute }] of node.entries()) {
    for (const name of input) uses.set(name, place)
    for (const { g } of attribute) {
      for (const inner of g?.node ?? []) for (const name of inner.input) uses.set(name, place)
    }
  }
  for (const { name = '' } of output) uses.set(name, Number.POSITIVE_INFINITY)
  return uses
}

function typeOf({ name, type }: ValueInfoProto, open: OpenSizes): TensorType {
  const { elemType, shape } = type?.tensorType ?? {}
  if (!isElementType(elemType) || !shape) throw new RangeError(`the value ${name} has no type`)
  return {
    elementType: elemType,
    shape: shape.dim.map(({ dimValue, dimParam = '' }) => dimValue ?? open[dimParam] ?? 1),
  }
}
