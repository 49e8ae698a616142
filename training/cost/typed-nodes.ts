import { GraphEmitter, type ValueName } from '../graph/graph-emitter.ts'
import { isElementType } from '../onnx/element-type.ts'
import type { GraphProto, NodeProto, ValueInfoProto } from '../onnx/onnx-proto.ts'
import type { TensorType } from '../types/type-rule.ts'

/** A node with what goes in and what comes out; an input or output that is left out is undefined. */
export interface TypedNode {
  readonly node: NodeProto
  readonly inputs: readonly (TensorType | undefined)[]
  readonly outputs: readonly (TensorType | undefined)[]
  /** How often it runs in a run of the whole graph: the steps of the Scans that it stands in. */
  readonly trips: number
}

type OpenSizes = Readonly<Record<string, number>>

/** What a body sees of the graph around it. */
interface Surroundings {
  readonly types: ReadonlyMap<ValueName, TensorType>
  readonly trips: number
}

/**
 * All nodes that ONNX Runtime is left to run, those in the bodies of Scans included, with the sizes of
 * open axes given by name. What can be computed from constants alone is done before the first run.
 */
export function typedNodes(
  graph: GraphProto,
  open: OpenSizes = {},
  around: Surroundings = { types: new Map(), trips: 1 },
): readonly TypedNode[] {
  const known = new KnownValues(graph, open, around.types)
  const equals = new EqualNodes()
  return graph.node.flatMap(node => {
    const body = node.attribute.find(({ g }) => g !== undefined)?.g
    known.add(node, body)
    if (!body && (known.isConstant(node) || equals.isRepeated(node))) return []
    const { inputs, outputs } = known.typesOf(node)
    const one = { node, inputs, outputs, trips: around.trips }
    if (!body) return [one]
    const inside = { types: known.types, trips: around.trips * tripsOf(one) }
    return [one, ...typedNodes(body, open, inside)]
  })
}

/** The types of all values of a graph, as far as its nodes have been added. */
class KnownValues {
  readonly types = new Map<ValueName, TensorType>()
  readonly #open: OpenSizes
  readonly #emitter = new GraphEmitter()
  readonly #constants = new Set<ValueName>()
  readonly #stated: ReadonlyMap<string, ValueInfoProto>

  constructor(graph: GraphProto, open: OpenSizes, outer: ReadonlyMap<ValueName, TensorType>) {
    this.#open = open
    for (const value of graph.input) this.#declare(value.name ?? '', typeOf(value, open))
    for (const { name = '', dataType, dims, ...tensor } of graph.initializer) {
      if (!isElementType(dataType) || this.types.has(name)) continue
      const type = { elementType: dataType, shape: dims }
      this.types.set(name, type)
      this.#emitter.addConstant(name, { ...tensor, name, dataType, dims }, type)
      this.#constants.add(name)
    }
    for (const [name, type] of outer) this.#declare(name, type)
    this.#stated = new Map(graph.valueInfo.map(value => [value.name ?? '', value]))
  }

  #declare(name: ValueName, type: TensorType): void {
    if (this.types.has(name)) return
    this.types.set(name, type)
    this.#emitter.declare(name, type)
  }

  /** Makes the types of the node's outputs known: by its rule, or by the graph inside of it. */
  add(node: NodeProto, body: GraphProto | undefined): void {
    const made = new Map(node.output.map((name, index) => [name, body?.output[index]] as const))
    this.#emitter.addNode(node, name => {
      const value = made.get(name) ?? this.#stated.get(name)
      return value && typeOf(value, this.#open)
    })
    for (const name of node.output) if (name) this.types.set(name, this.#emitter.type(name))
  }

  /** Whether it is made of constants alone, and so are those that are made of it. */
  isConstant(node: NodeProto): boolean {
    if (!node.input.every(name => name === '' || this.#constants.has(name))) return false
    for (const name of node.output) this.#constants.add(name)
    return true
  }

  typesOf({ input, output }: NodeProto): Pick<TypedNode, 'inputs' | 'outputs'> {
    const named = (name: ValueName) => (name === '' ? undefined : this.types.get(name))
    return { inputs: input.map(named), outputs: output.map(named) }
  }
}

/**
 * Nodes of a graph that do the same with the same: ONNX Runtime computes them once
 * (CommonSubexpressionElimination, one of its basic optimizations).
 */
class EqualNodes {
  readonly #first = new Map<string, NodeProto>()
  readonly #names = new Map<ValueName, ValueName>()

  isRepeated(node: NodeProto): boolean {
    const { opType, domain, input, output, attribute } = node
    const inputs = input.map(name => this.#names.get(name) ?? name)
    const key = JSON.stringify([opType, domain, inputs, output.map(name => name !== ''), attribute])
    const first = this.#first.get(key)
    if (!first) {
      this.#first.set(key, node)
      return false
    }
    for (const [index, name] of output.entries()) this.#names.set(name, first.output[index] ?? name)
    return true
  }
}

/** A Scan runs its body once for each row of what it scans: its last inputs. */
function tripsOf({ node, inputs }: Pick<TypedNode, 'node' | 'inputs'>): number {
  return node.opType === 'Scan' ? (inputs.at(-1)?.shape[0] ?? 1) : 1
}

function typeOf({ name, type }: ValueInfoProto, open: OpenSizes) {
  const { elemType, shape } = type?.tensorType ?? {}
  if (!isElementType(elemType) || !shape) throw new RangeError(`the value ${name} has no type`)
  const sizes = shape.dim.map(({ dimValue, dimParam = '' }) => dimValue ?? open[dimParam] ?? 1)
  return { elementType: elemType, shape: sizes }
}
