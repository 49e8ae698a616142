import { seededRandom } from '../../../runtime/seeded-random.ts'
import { graphWork } from '../../cost/count-work.ts'
import { addWork, NO_WORK } from '../../cost/work-counts.ts'
import { GraphEmitter, type ValueName } from '../../graph/graph-emitter.ts'
import { attr } from '../../onnx/attribute.ts'
import { buildModel, buildNode, buildValueInfo, OPSET_MAX } from '../../onnx/build.ts'
import { ELEMENT } from '../../onnx/element-type.ts'
import { encodeModel } from '../../onnx/onnx-codec.ts'
import type { GraphProto } from '../../onnx/onnx-proto.ts'
import { elementCount } from '../../onnx/tensor.ts'
import { type Ort, openOrtSession } from '../ort-session.ts'
import type { OpenKernel } from './open-kernel.ts'

/** Operators on float32 tensors: what they take, and the values that one turn is to compute. */
export interface GraphKernel {
  readonly inputs: Readonly<Record<ValueName, readonly number[]>>
  readonly build: (graph: GraphEmitter) => readonly ValueName[]
}

const SEED = 1

/** Opens a session that computes the kernel in turns, as a training run does its steps: in a Scan. */
export async function openGraphKernel(ort: Ort, kernel: GraphKernel): Promise<OpenKernel> {
  const graph = inTurns(kernel)
  const work = graphWork(graph, { turns: 1 })
  const ortSession = await openOrtSession(ort, encodeModel(buildModel({ graph, opset: OPSET_MAX })))
  const random = seededRandom(SEED)
  const tensors = Object.entries(kernel.inputs).map(([name, shape]) => {
    // Far enough from zero that no product of them is denormal, which takes many times as long.
    const values = Float32Array.from({ length: elementCount(shape) }, () => 0.1 + random())
    return [name, new ort.Tensor('float32', values, shape)] as const
  })
  const fixed = { ...Object.fromEntries(tensors), total: new ort.Tensor('float32', [0], [1]) }
  return {
    work: turns => addWork(NO_WORK, work, turns),
    run: async turns => {
      const series = new ort.Tensor('float32', new Float32Array(turns), [turns])
      await ortSession.run({ ...fixed, series })
    },
    release: () => ortSession.release(),
  }
}

function inTurns({ inputs, build }: GraphKernel): GraphProto {
  const graph = new GraphEmitter('turn.')
  const total = graph.declare('turn.before', { elementType: ELEMENT.float, shape: [1] })
  const turn = graph.declare('turn.number', { elementType: ELEMENT.float, shape: [] })
  for (const [name, shape] of Object.entries(inputs)) {
    graph.declare(name, { elementType: ELEMENT.float, shape })
  }
  // Only one number of each value comes out, so that copying the whole is not measured.
  const zero = graph.ints([0])
  const firsts = build(graph).map(value => {
    const flat = graph.reshape(value, [elementCount(graph.shape(value))])
    return graph.emit('Gather', [flat, zero])
  })
  const after = firsts.reduce((sum, first) => graph.add(sum, first), graph.add(total, turn))
  const body = graph.finish({ name: 'turn', inputs: [total, turn], outputs: [after] })
  const scan = buildNode({
    opType: 'Scan',
    inputs: ['total', 'series'],
    outputs: ['sum'],
    attributes: [attr.graph('body', body), attr.int('num_scan_inputs', 1)],
  })
  const float = (name: string, shape: readonly (number | string)[]) =>
    buildValueInfo(name, ELEMENT.float, shape)
  return {
    node: [scan],
    name: 'kernel',
    initializer: [],
    input: [
      ...Object.entries(inputs).map(([name, shape]) => float(name, shape)),
      float('total', [1]),
      float('series', ['turns']),
    ],
    output: [float('sum', [1])],
    valueInfo: [],
  }
}
