import type { InferenceSession } from 'onnxruntime-node'
import { messageOf } from '../../runtime/errors.ts'
import { buildModel, OPSET_MAX } from '../onnx/build.ts'
import { encodeModel } from '../onnx/onnx-codec.ts'
import type { GraphProto, OperatorSetIdProto } from '../onnx/onnx-proto.ts'
import type { Ort } from '../trainer/ort-session.ts'
import { toFloat64 } from './float64-graph.ts'
import type { ProbeGraph } from './probe-graph.ts'
import { openQuietSession } from './quiet-session.ts'

/** The probe as a function of the parameters, in as many digits as ONNX Runtime can. */
export interface ProbeFunction {
  /** Parameters in the order of the graph. */
  value(parameters: readonly Float64Array[]): Promise<number>
  /** Operators that are computed in float32: none where the whole of it is float64. */
  readonly float32Ops: readonly string[]
  release(): Promise<void>
}

/** How ONNX Runtime 1.27 names the operator that it has no float64 kernel for, at load or in a run. */
const REFUSALS = [
  /implementation for (\w+)\(/,
  /of operator \((\w+)\)/,
  /while running (\w+) node/,
  /Op with name \(.*?\) and type \((\w+)\)/,
]

/** Recurrent operators accept float64 at load and fail in the run; scales of Resize are float32. */
const FLOAT32_FROM_THE_START = ['GRU', 'RNN', 'Resize']

export async function openProbeFunction(
  ort: Ort,
  probed: ProbeGraph,
  parameters: readonly Float64Array[],
  opsets: readonly OperatorSetIdProto[],
): Promise<ProbeFunction> {
  const float32Ops = new Set(FLOAT32_FROM_THE_START)
  for (;;) {
    const made = toFloat64(probed.forward, probed.typeOf, float32Ops)
    let ortSession: InferenceSession | undefined
    try {
      ortSession = await openQuietSession(ort, encodeGraph(made.graph, opsets))
      const opened = ortSession
      const value = (values: readonly Float64Array[]) => run(ort, opened, made, values)
      await value(parameters)
      return { value, float32Ops: made.float32Ops, release: () => opened.release() }
    } catch (error) {
      await ortSession?.release()
      const refused = refusedOperator(messageOf(error))
      if (refused === undefined || float32Ops.has(refused)) throw error
      float32Ops.add(refused)
    }
  }
}

export function encodeGraph(graph: GraphProto, opsets: readonly OperatorSetIdProto[]): Uint8Array {
  return encodeModel({ ...buildModel({ graph, opset: OPSET_MAX }), opsetImport: opsets })
}

function refusedOperator(message: string): string | undefined {
  return REFUSALS.map(pattern => pattern.exec(message)?.[1]).find(name => name !== undefined)
}

async function run(
  { Tensor }: Ort,
  ortSession: InferenceSession,
  { graph, inputs, output }: ReturnType<typeof toFloat64>,
  values: readonly Float64Array[],
): Promise<number> {
  const feeds = inputs.map((name, index) => {
    const shape = graph.input[index]?.type?.tensorType?.shape?.dim ?? []
    const dims = shape.map(({ dimValue = 0 }) => dimValue)
    return [name, new Tensor('float64', values[index] ?? new Float64Array(), dims)] as const
  })
  const ran = await ortSession.run(Object.fromEntries(feeds), [output])
  return Number(ran[output]?.data[0])
}
