import { seededRandom, standardNormal } from '../../runtime/seeded-random.ts'
import { emitForward, readForwardModel } from '../forward/forward-graph.ts'
import { GraphEmitter } from '../graph/graph-emitter.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import type { GraphProto, ModelProto, NodeProto, TensorProto } from '../onnx/onnx-proto.ts'
import { buildTensor, elementCount } from '../onnx/tensor.ts'
import type { TensorType } from '../types/type-rule.ts'

/** A model with something built in, and the names of the initializers that came with it. */
export interface AdaptedModel {
  readonly bytes: Uint8Array
  readonly trainable: readonly string[]
}

/** Shapes are worked out with it: a size that no model has by chance beside its batch. */
const SHAPE_BATCH = 97

/** The type of each value that a node makes, for a batch of `batch`. */
export function valueTypes(
  model: Uint8Array,
  { graph: { output } }: { readonly graph: Pick<GraphProto, 'output'> },
): { readonly types: ReadonlyMap<string, TensorType>; readonly batch: number } {
  const forward = readForwardModel(model, { prediction: output[0]?.name })
  const graph = new GraphEmitter()
  const inputs = new Map(
    forward.inputs.map(({ name, elementType, sampleShape }) => {
      const shape = [SHAPE_BATCH, ...sampleShape]
      return [name, graph.declare(graph.unique(`input.${name}`), { elementType, shape })] as const
    }),
  )
  const given = { inputs, parameters: new Map(), batch: SHAPE_BATCH, purpose: 'inference' } as const
  const { values } = emitForward(graph, forward, given)
  const made = forward.graph.node.flatMap(({ output: names }) => names)
  return {
    types: new Map(
      made.flatMap(name => {
        const value = values.get(name)
        return value ? [[name, graph.type(value)] as const] : []
      }),
    ),
    batch: SHAPE_BATCH,
  }
}

/** How the value is called that goes into an adapter; what comes out has the name it had. */
export function unadapted(value: string): string {
  return `${value}.unadapted`
}

/** Puts nodes behind the one that makes `value`: they take unadapted(value) and make `value`. */
export function insertBehind(
  nodes: readonly NodeProto[],
  value: string,
  inserted: readonly NodeProto[],
): readonly NodeProto[] {
  return nodes.flatMap(node => {
    if (!node.output.includes(value)) return [node]
    const output = node.output.map(name => (name === value ? unadapted(value) : name))
    return [{ ...node, output }, ...inserted]
  })
}

/**
 * The model with other nodes and further initializers; those it has keep their bytes. What the file
 * states of a value goes for what was in its place before.
 */
export function withNodes(
  proto: ModelProto & { readonly graph: GraphProto },
  nodes: readonly NodeProto[],
  added: readonly TensorProto[],
): ModelProto & { readonly graph: GraphProto } {
  const { graph } = proto
  const made = new Set(nodes.flatMap(({ output }) => output))
  const moved = [...graph.valueInfo, ...graph.output].flatMap(info => {
    const name = unadapted(info.name ?? '')
    return made.has(name) ? [{ ...info, name }] : []
  })
  const valueInfo = [...graph.valueInfo, ...moved]
  const initializer = [...graph.initializer, ...added]
  return { ...proto, graph: { ...graph, node: nodes, initializer, valueInfo } }
}

/** A float32 tensor of seeded normal numbers, or of zeros where the deviation is 0. */
export function drawTensor(
  name: string,
  shape: readonly number[],
  { deviation, seed }: { readonly deviation: number; readonly seed: number },
): TensorProto {
  const random = seededRandom(seed)
  const values = new Float32Array(elementCount(shape))
  if (deviation > 0) {
    for (const index of values.keys()) values[index] = deviation * standardNormal(random)
  }
  return buildTensor({ name, type: ELEMENT.float, shape, values })
}

/** A number without axes, which training takes for a constant. */
export function constantScalar(name: string, value: number): TensorProto {
  return buildTensor({ name, type: ELEMENT.float, shape: [], values: [value] })
}
