import { seededRandom } from '../../runtime/seeded-random.ts'
import { emitTrainingForm } from '../../training/forward/operator-forms.ts'
import { maxPoolByPhase, maxPoolGradientByPhase } from '../../training/gradient/max-pool-phases.ts'
import { GraphEmitter, type ValueName } from '../../training/graph/graph-emitter.ts'
import { attr } from '../../training/onnx/attribute.ts'
import { buildModel, buildNode, OPSET_MAX } from '../../training/onnx/build.ts'
import { ELEMENT } from '../../training/onnx/element-type.ts'
import { encodeModel } from '../../training/onnx/onnx-codec.ts'
import { elementCount } from '../../training/onnx/tensor.ts'
import { emitMoves } from '../../training/optimizer/joint-moves.ts'
import { createOptimizer, optimizerSchema } from '../../training/optimizer/registry.ts'
import { singleRow } from '../../training/optimizer/scaled-sum.ts'
import type { Ort } from '../../training/trainer/ort-session.ts'
import { poolWindow } from '../../training/types/pooling.ts'
import { kernelTimes } from './kernel-times.ts'

type Build = (graph: GraphEmitter) => readonly ValueName[]

interface Comparison {
  readonly name: string
  readonly plainName: string
  readonly inputs: Readonly<Record<string, readonly number[]>>
  readonly ours: Build
  /** What ours stands for. */
  readonly plain: Build
}

const RUNS = 40
const IMAGE = [32, 16, 28, 28]
const POOLED = [32, 16, 14, 14]
const WINDOW = [attr.ints('kernel_shape', [2, 2]), attr.ints('strides', [2, 2])]
const WHOLE = [attr.ints('kernel_shape', [1, 1]), attr.ints('strides', [1, 1])]
const MATRIX = [256, 784]
const SIZES = [128, 128, 384, 128, 128, 128, 512, 128]

/** Forms that training emits for the sake of speed, in sizes of the models that are compared. */
export const comparedForms: readonly Comparison[] = [
  {
    name: 'max-pool-and-gradient',
    plainName: 'MaxPool with indices, MaxUnpool',
    inputs: { x: IMAGE, dy: POOLED },
    ours: graph => {
      const node = buildNode({
        opType: 'MaxPool',
        inputs: ['x'],
        outputs: ['y'],
        attributes: WINDOW,
      })
      const window = poolWindow(node, IMAGE)
      const y = maxPoolByPhase(graph, { x: 'x', window }) ?? ''
      return [y, maxPoolGradientByPhase(graph, { x: 'x', dy: 'dy', window }) ?? '']
    },
    plain: graph => {
      const outputs = ['y', 'indices']
      graph.addNode(buildNode({ opType: 'MaxPool', inputs: ['x'], outputs, attributes: WINDOW }))
      return ['y', graph.emit('MaxUnpool', ['dy', 'indices', graph.ints(IMAGE)], WHOLE)]
    },
  },
  {
    name: 'layer-normalization',
    plainName: 'LayerNormalization',
    inputs: { x: [512, 128], scale: [128], bias: [128] },
    ours: graph => [emitTrainingForm(graph, normalize()) ?? ''],
    plain: graph => {
      graph.addNode(normalize())
      return ['normalized']
    },
  },
  { name: 'adam-of-8-vectors', plainName: 'one by one', ...moves() },
  { name: 'adam-of-a-row', plainName: 'Mul and Add', ...rowMoves() },
  {
    name: 'sum-of-256-rows',
    plainName: 'ReduceSum',
    inputs: { x: [256, 256] },
    ours: graph => [graph.sumAway('x', [0])],
    plain: graph => [graph.emit('ReduceSum', ['x', graph.ints([0])], [attr.int('keepdims', 0)])],
  },
]

function normalize() {
  const inputs = ['x', 'scale', 'bias']
  return buildNode({ opType: 'LayerNormalization', inputs, outputs: ['normalized'] })
}

function moves(): Pick<Comparison, 'inputs' | 'ours' | 'plain'> {
  const optimizer = createOptimizer(optimizerSchema.parse({ kind: 'adam' }))
  const roles = ['parameter', 'gradient', ...optimizer.slots]
  const inputs = SIZES.flatMap((size, index) => roles.map(role => [`${role}.${index}`, [size]]))
  const build =
    (moved: typeof optimizer): Build =>
    graph =>
      emitMoves(graph, moved, {
        moves: SIZES.map((_, index) => ({
          parameter: `parameter.${index}`,
          gradient: `gradient.${index}`,
          slots: optimizer.slots.map(slot => `${slot}.${index}`),
        })),
        scalars: optimizer.scalars,
      }).flatMap(({ parameter, slots }) => [parameter, ...slots])
  return {
    inputs: Object.fromEntries([...inputs, ...optimizer.scalars.map(name => [name, []])]),
    ours: build(optimizer),
    plain: build({ ...optimizer, seesWhole: true }),
  }
}

/** One large matrix, held as a row and as what it is. */
function rowMoves(): Pick<Comparison, 'inputs' | 'ours' | 'plain'> {
  const optimizer = createOptimizer(optimizerSchema.parse({ kind: 'adam' }))
  const { slots, scalars } = optimizer
  const states = ['parameter', 'gradient', ...slots].map(role => [role, singleRow(MATRIX)] as const)
  const build =
    (shape: readonly number[]): Build =>
    graph => {
      const [parameter = '', gradient = '', ...held] = states.map(([role]) => {
        return graph.reshape(role, shape)
      })
      const moved = optimizer.emit(graph, { parameter, gradient, slots: held, scalars })
      return [moved.parameter, ...moved.slots]
    }
  return {
    inputs: Object.fromEntries([...states, ...scalars.map(name => [name, []] as const)]),
    ours: build(singleRow(MATRIX)),
    plain: build(MATRIX),
  }
}

/** Microseconds of the kernels of a form. */
export async function timeForm(ort: Ort, { inputs }: Comparison, build: Build): Promise<number> {
  const graph = new GraphEmitter()
  for (const [name, shape] of Object.entries(inputs)) {
    graph.declare(name, { elementType: ELEMENT.float, shape })
  }
  const outputs = build(graph)
  const proto = graph.finish({ name: 'form', inputs: Object.keys(inputs), outputs })
  const random = seededRandom(1)
  const feeds = Object.entries(inputs).map(([name, shape]) => {
    const values = Float32Array.from({ length: elementCount(shape) }, random)
    return [name, new ort.Tensor('float32', values, shape)] as const
  })
  const model = encodeModel(buildModel({ graph: proto, opset: OPSET_MAX }))
  const times = await kernelTimes(ort, model, async session => {
    for (let run = 0; run < RUNS; run++) await session.run(Object.fromEntries(feeds))
    return RUNS
  })
  return [...times.values()].reduce((sum, time) => sum + time, 0)
}
