import { seededRandom } from '../../../runtime/seeded-random.ts'
import { buildBackwardGraph } from '../../../training/graph/backward-graph.ts'
import { GraphEmitter, type ValueName } from '../../../training/graph/graph-emitter.ts'
import { buildModel, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { encodeModel } from '../../../training/onnx/onnx-codec.ts'
import { elementCount } from '../../../training/onnx/tensor.ts'
import { loadOrt, openOrtSession } from '../../../training/trainer/ort-session.ts'
import { relativeError } from './reference-check.ts'

/** A network of several operators, its inputs declared in float64. */
export interface Composition {
  readonly shapes: readonly (readonly number[])[]
  readonly build: (graph: GraphEmitter, inputs: readonly ValueName[]) => ValueName
}

const STEP = 1e-5

/**
 * The largest relative L2 error of the gradients of all inputs, for a random gradient of the output,
 * against central differences of ONNX Runtime in float64.
 */
export async function checkComposition(
  { shapes, build }: Composition,
  seed: number,
): Promise<number> {
  const random = seededRandom(seed)
  const graph = new GraphEmitter()
  const draw = (name: string, shape: readonly number[]) => {
    graph.declare(name, { elementType: ELEMENT.double, shape })
    const values = Float64Array.from({ length: elementCount(shape) }, () => random() * 4 - 2)
    return { name, shape, values }
  }
  const operands = shapes.map((shape, index) => draw(`x${index}`, shape))
  const names = operands.map(({ name }) => name)
  const y = build(graph, names)
  const forward = graph.finish({ name: 'forward', inputs: names, outputs: [y] })
  const dy = draw('dy', graph.shape(y))
  const gradients = buildBackwardGraph({
    graph,
    nodes: forward.node,
    seeds: new Map([[y, 'dy']]),
    wanted: names,
  })
  const backward = graph.finish({
    name: 'backward',
    inputs: [...names, 'dy'],
    outputs: [...gradients.values()],
  })
  const ort = await loadOrt()
  const sessions = await Promise.all(
    [forward, backward].map(proto =>
      openOrtSession(ort, encodeModel(buildModel({ graph: proto, opset: OPSET_MAX }))),
    ),
  )
  const run = async (index: number, given: readonly (typeof dy)[]) => {
    const feeds = given.map(({ name, shape, values }) => {
      return [name, new ort.Tensor('float64', values, shape)] as const
    })
    return (await sessions[index]?.run(Object.fromEntries(feeds))) ?? {}
  }
  try {
    const computed = await run(1, [...operands, dy])
    const weighted = async () => {
      const result = (await run(0, operands))[y]?.data as Float64Array
      return result.reduce((sum, value, place) => sum + value * (dy.values[place] ?? 0), 0)
    }
    let errorMax = 0
    for (const { name, values } of operands) {
      const expected = new Float64Array(values.length)
      for (const [place, value] of values.entries()) {
        values[place] = value + STEP
        const above = await weighted()
        values[place] = value - STEP
        expected[place] = (above - (await weighted())) / (2 * STEP)
        values[place] = value
      }
      const gradient = computed[gradients.get(name) ?? '']?.data as Float64Array | undefined
      errorMax = Math.max(errorMax, relativeError(gradient, expected))
    }
    return errorMax
  } finally {
    for (const session of sessions) await session.release()
  }
}
