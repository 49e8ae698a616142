import { buildModel, buildValueInfo, OPSET_MAX } from '../onnx/build.ts'
import { ELEMENT, type ElementType } from '../onnx/element-type.ts'
import { encodeModel } from '../onnx/onnx-codec.ts'
import type { GraphProto, OperatorSetIdProto } from '../onnx/onnx-proto.ts'
import type { Ort } from '../trainer/ort-session.ts'
import { openQuietSession } from './quiet-session.ts'

const ELEMENT_OF: Readonly<Record<string, ElementType>> = {
  bool: ELEMENT.bool,
  float16: ELEMENT.float16,
  float32: ELEMENT.float,
  float64: ELEMENT.double,
  int16: ELEMENT.int16,
  int32: ELEMENT.int32,
  int64: ELEMENT.int64,
  int8: ELEMENT.int8,
  string: ELEMENT.string,
  uint16: ELEMENT.uint16,
  uint32: ELEMENT.uint32,
  uint64: ELEMENT.uint64,
  uint8: ELEMENT.uint8,
}

/**
 * The graph, whose inputs are fixed, with the shape of every value that a run of it has: for
 * operators whose shapes we do not infer.
 */
export async function withObservedTypes(
  ort: Ort,
  graph: GraphProto,
  opsets: readonly OperatorSetIdProto[],
): Promise<GraphProto> {
  const names = graph.node.flatMap(({ output }) => output).filter(name => name !== '')
  const watched = { ...graph, output: names.map(name => ({ name })), valueInfo: [] }
  const model = { ...buildModel({ graph: watched, opset: OPSET_MAX }), opsetImport: opsets }
  const ortSession = await openQuietSession(ort, encodeModel(model))
  try {
    const ran = await ortSession.run({})
    const valueInfo = names.flatMap(name => {
      const value = ran[name]
      const type = ELEMENT_OF[value?.type ?? '']
      return value && type ? [buildValueInfo(name, type, value.dims)] : []
    })
    return { ...graph, valueInfo }
  } finally {
    await ortSession.release()
  }
}
