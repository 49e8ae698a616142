import type {
  AttributeProto,
  DimensionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  ValueInfoProto,
} from './onnx-proto.ts'

/** The newest that every onnxruntime-node from 1.20 on loads. */
export const OPSET_MAX = 21
/** Operators broadcast as numpy does from here on. What is older than OPSET_MAX is upgraded. */
export const OPSET_MIN = 7
/** The IR version that goes with opset 21. */
const IR_VERSION = 10

export function buildNode(options: {
  readonly opType: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes?: readonly AttributeProto[]
  readonly name?: string
}): NodeProto {
  const { opType, inputs, outputs, attributes = [], name = outputs[0] ?? opType } = options
  return { input: inputs, output: outputs, name, opType, attribute: attributes }
}

/** A graph's input or output. A size given as text is symbolic: it may differ from run to run. */
export function buildValueInfo(
  name: string,
  elementType: number,
  shape: readonly (number | string)[],
): ValueInfoProto {
  const dim = shape.map(
    (size): DimensionProto => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }),
  )
  return { name, type: { tensorType: { elemType: elementType, shape: { dim } } } }
}

export function buildModel(options: {
  readonly graph: GraphProto
  readonly opset: number
  readonly metadata?: Readonly<Record<string, string>>
}): ModelProto {
  const { graph, opset, metadata = {} } = options
  return {
    irVersion: IR_VERSION,
    producerName: 'gainnet',
    graph,
    opsetImport: [{ domain: '', version: opset }],
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  }
}
