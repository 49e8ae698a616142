import { GainnetError } from '../../runtime/errors.ts'
import { checkModel } from '../onnx/check-model.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { decodeModel, encodeModel } from '../onnx/onnx-codec.ts'
import type { GraphProto, NodeProto, TensorProto } from '../onnx/onnx-proto.ts'
import { buildTensor, float32Values } from '../onnx/tensor.ts'
import { unadapted } from './graph-rewrite.ts'
import { LORA_KEY, readLoraRecords } from './lora.ts'

/**
 * The model without its LoRA, which went into the weights: W + α / r · A · B. As fast as before it was
 * adapted, and what it computes differs only by rounding.
 */
export function mergeLora(adapted: Uint8Array): Uint8Array {
  const proto = decodeModel(adapted)
  const { graph } = checkModel(proto)
  const records = readLoraRecords(proto)
  if (records.length === 0) {
    throw new GainnetError('MODEL_INVALID', 'the model has no LoRA that could be merged')
  }
  const merged = new Map(
    records.map(({ weight, a, b, factor, isTransposed }) => {
      const given = {
        weight: tensorOf(graph, weight),
        a: tensorOf(graph, a),
        b: tensorOf(graph, b),
      }
      return [weight, mergedWeight(given, { factor, isTransposed })] as const
    }),
  )
  const gone = new Set(records.flatMap(({ a, b, scale }) => [a, b, scale]))
  const initializer = graph.initializer
    .filter(({ name = '' }) => !gone.has(name))
    .map(tensor => merged.get(tensor.name ?? '') ?? tensor)
  const values = records.flatMap(record => record.values)
  const node = withoutPaths(graph.node, values, gone)
  const ended = new Set(values.map(unadapted))
  const valueInfo = graph.valueInfo.filter(({ name = '' }) => !ended.has(name))
  return encodeModel({
    ...proto,
    graph: { ...graph, node, initializer, valueInfo },
    metadataProps: proto.metadataProps.filter(({ key }) => key !== LORA_KEY),
  })
}

function withoutPaths(
  nodes: readonly NodeProto[],
  values: readonly string[],
  gone: ReadonlySet<string>,
): readonly NodeProto[] {
  const paths = new Set(gone)
  const original = new Map(values.map(value => [unadapted(value), value]))
  return nodes.flatMap(node => {
    const [output = ''] = node.output
    // All that is computed from A, B and the scale belongs to a path, up to the sum with y.
    if (node.input.some(input => paths.has(input))) {
      if (!values.includes(output)) paths.add(output)
      return []
    }
    return [{ ...node, output: node.output.map(name => original.get(name) ?? name) }]
  })
}

function tensorOf(graph: GraphProto, name: string): TensorProto {
  const tensor = graph.initializer.find(candidate => candidate.name === name)
  if (tensor) return tensor
  throw new GainnetError('MODEL_INVALID', `the model has no initializer ${name}`, { name })
}

function mergedWeight(
  { weight, a, b }: Readonly<Record<'weight' | 'a' | 'b', TensorProto>>,
  { factor, isTransposed }: { readonly factor: number; readonly isTransposed: boolean },
): TensorProto {
  const [inputSize = 0, rank = 0] = a.dims
  const [, outputSize = 0] = b.dims
  const [left, right] = [float32Values(a), float32Values(b)]
  const values = Float32Array.from(float32Values(weight))
  for (let row = 0; row < inputSize; row++) {
    for (let column = 0; column < outputSize; column++) {
      let sum = 0
      for (let k = 0; k < rank; k++) {
        sum += (left[row * rank + k] ?? 0) * (right[k * outputSize + column] ?? 0)
      }
      const place = isTransposed ? column * inputSize + row : row * outputSize + column
      values[place] = (values[place] ?? 0) + factor * sum
    }
  }
  return buildTensor({ name: weight.name ?? '', type: ELEMENT.float, shape: weight.dims, values })
}
