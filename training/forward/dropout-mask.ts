import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { buildNode } from '../onnx/build.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import type { GraphProto, NodeProto } from '../onnx/onnx-proto.ts'
import { buildTensor, elementCount } from '../onnx/tensor.ts'

const ONE = buildTensor({ name: '', type: ELEMENT.int32, shape: [1], values: [1] })

/** 2^32 over the golden ratio, odd: neighbours are far apart (Knuth, TAOCP 3, 6.4). */
const GOLDEN = 0x9e3779b1

/** The finalizer of MurmurHash3 (Appleby 2011): each bit of the input changes half of the output. */
const ROUNDS = [
  { shift: 16, factor: 0x85ebca6b },
  { shift: 13, factor: 0xc2b2ae35 },
] as const

/** Whether a model draws masks in training, so that its graph needs keys. */
export function drawsMasks({ node }: GraphProto): boolean {
  return node.some(({ opType, domain = '', input }) => {
    return opType === 'Dropout' && domain === '' && (input[2] ?? '') !== ''
  })
}

/** The key of a mask, as a signed number of 32 bits; `draw` counts batches from 0. */
export function maskKey(seed: number, draw: number): number {
  return mix((mix(seed | 0) + Math.imul(draw, GOLDEN)) | 0)
}

function mix(bits: number): number {
  let mixed = bits
  for (const { shift, factor } of ROUNDS) mixed = Math.imul(mixed ^ (mixed >>> shift), factor)
  return mixed ^ (mixed >>> 16)
}

/**
 * Dropout in training as y = x · f with f = 0 with probability r, else 1 / (1 − r) (Srivastava et al.
 * 2014, inverted). The mask is a hash of key, node and element, where the operator's own generator
 * goes on with the session: a run that is resumed, in another process or on another kind of processor,
 * drops what it would have dropped.
 *
 * The node is left as it is where nothing is dropped or known: its own rules say more.
 */
export function withMask(
  graph: GraphEmitter,
  node: NodeProto,
  given: { readonly key: ValueName; readonly position: number },
): NodeProto {
  const [x = '', ratio, trainingMode] = node.input
  const [y = '', kept] = node.output
  const [isTraining] = trainingMode ? (graph.constantInts(trainingMode) ?? []) : [0]
  const [dropped] = ratio ? (graph.constantReals(ratio) ?? []) : [0.5]
  if (!isTraining || dropped === undefined || dropped >= 1) return node
  const { elementType } = graph.type(x)
  const mask = emitMask(graph, { ...given, shape: graph.shape(x), dropped })
  if (kept) graph.addNode(buildNode({ opType: 'Identity', inputs: [mask], outputs: [kept] }))
  const factor = graph.mul(graph.cast(mask, elementType), graph.scalar(1 / (1 - dropped), x))
  return buildNode({ opType: 'Mul', inputs: [x, factor], outputs: [y], name: node.name ?? '' })
}

/** True where an element is kept. */
function emitMask(
  graph: GraphEmitter,
  given: {
    readonly key: ValueName
    readonly position: number
    readonly shape: readonly number[]
    readonly dropped: number
  },
): ValueName {
  const { key, position, shape, dropped } = given
  const count = elementCount(shape)
  const unsigned = (value: number): ValueName =>
    graph.cast(graph.constant(ELEMENT.int64, [], [value]), ELEMENT.uint32)
  const ones = graph.emit('ConstantOfShape', [graph.ints([count])], [attr.tensor('value', ONE)])
  const index = graph.emit('CumSum', [ones, graph.constant(ELEMENT.int64, [], [0])])
  const spread = graph.mul(graph.cast(index, ELEMENT.uint32), unsigned(GOLDEN))
  const node = unsigned(Math.imul(position + 1, ROUNDS[0].factor) >>> 0)
  let bits = graph.add(spread, graph.emit('BitwiseXor', [graph.cast(key, ELEMENT.uint32), node]))
  for (const { shift, factor } of ROUNDS) {
    bits = graph.mul(fold(graph, bits, unsigned(shift)), unsigned(factor))
  }
  const hash = fold(graph, bits, unsigned(16))
  const limit = unsigned(Math.round(dropped * 2 ** 32))
  return graph.reshape(graph.emit('GreaterOrEqual', [hash, limit]), shape)
}

/** x ^ (x >>> shift) */
function fold(graph: GraphEmitter, x: ValueName, shift: ValueName): ValueName {
  const shifted = graph.emit('BitShift', [x, shift], [attr.string('direction', 'RIGHT')])
  return graph.emit('BitwiseXor', [x, shifted])
}
