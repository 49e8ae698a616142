import { OPSET_MAX, OPSET_MIN } from '../onnx/build.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import type { GraphProto, ModelProto, NodeProto } from '../onnx/onnx-proto.ts'
import { elementCount } from '../onnx/tensor.ts'
import { allNodes } from './describe-model.ts'

/** What in an export hinders training or makes it worse, and how to export it instead. */
export interface Obstacle {
  readonly kind: string
  readonly what: string
  readonly advice: string
}

type Model = ModelProto & { readonly graph: GraphProto }
type Finder = (model: Model) => Obstacle | undefined

/** Known from exports of PyTorch, TensorFlow and ONNX Runtime's own tools. */
const finders: Readonly<Record<string, Finder>> = {
  'operator-set': ({ opsetImport }) => {
    const version = opsetImport.find(({ domain = '' }) => domain === '')?.version ?? 0
    if (version >= OPSET_MIN && version <= OPSET_MAX) return undefined
    return {
      kind: 'operator-set',
      what: `It is written in operator set ${version}; ${OPSET_MIN} to ${OPSET_MAX} are read.`,
      advice: 'Export with opset_version=17, or convert it with onnx.version_converter.',
    }
  },

  'open-sizes': ({ graph }) => {
    const initialized = new Set(graph.initializer.map(({ name }) => name))
    const inputs = graph.input.filter(({ name }) => !initialized.has(name))
    const names = inputs.flatMap(({ type }) =>
      (type?.tensorType?.shape?.dim ?? [])
        .slice(1)
        .flatMap(({ dimValue, dimParam }) => (dimValue ? [] : [dimParam || 'one without a name'])),
    )
    const listed = [...new Set(names)]
    return found(listed.length, {
      kind: 'open-sizes',
      what: `Open sizes beside the batch, which training wants to know: ${listed.join(', ')}.`,
      advice: `Give them with --size ${listed[0]}=…, or export with fixed ones.`,
    })
  },

  'several-inputs': ({ graph }) => {
    const initialized = new Set(graph.initializer.map(({ name }) => name))
    const names = graph.input.flatMap(({ name = '' }) => (initialized.has(name) ? [] : [name]))
    return found(names.length > 1 ? names.length : 0, {
      kind: 'several-inputs',
      what: `Several inputs: ${names.join(', ')}. A data file gives the samples of one.`,
      advice: `Fix those that are always the same with --fix ${names.at(-1)}=…, or use the library.`,
    })
  },

  'half-precision': ({ graph }) => {
    const isHalf = (type = 0) => type === ELEMENT.float16 || type === ELEMENT.bfloat16
    const count = graph.initializer.filter(({ dataType }) => isHalf(dataType)).length
    return found(count, {
      kind: 'half-precision',
      what: `In half precision: ${many(count, 'tensor')}. ONNX Runtime does not compute them on CPUs.`,
      advice:
        'Export the float32 model (model.float() before torch.onnx.export) and convert after training.',
    })
  },

  quantized: ({ graph }) => {
    const quantized = /quantize|^QLinear|Integer$|^QAttention|^QGemm|^MatMulNBits/i
    const count = countNodes(graph, ({ opType = '' }) => quantized.test(opType))
    return found(count, {
      kind: 'quantized',
      what: `Quantized (QDQ or integer kernels): ${many(count, 'node')}. Rounding has no gradient.`,
      advice: 'Train the float32 model that it was made of, and quantize the trained one.',
    })
  },

  'folded-normalization': ({ graph }) => {
    const names = new Set(graph.initializer.map(({ name }) => name))
    const isFolded = ({ opType, input: [, weights = ''] }: NodeProto) =>
      opType === 'Conv' && /^onnx::Conv_\d+$/.test(weights) && names.has(weights)
    const count = countNodes(graph, isFolded)
    return found(count, {
      kind: 'folded-normalization',
      what: `BatchNormalization folded into Conv: ${many(count, 'node')}. They train, without what kept it stable.`,
      advice:
        'Export with torch.onnx.export(…, training=TrainingMode.TRAINING, do_constant_folding=False).',
    })
  },

  'folded-constants': ({ graph }) => {
    const folded = /^onnx::(?:MatMul|Gemm|Mul|Add|LSTM|GRU)_\d+$/
    const count = graph.initializer.filter(({ name = '' }) => folded.test(name)).length
    return found(count, {
      kind: 'folded-constants',
      what: `Transposed or joined by constant folding, with new names: ${many(count, 'weight')}.`,
      advice:
        'They train as they are; for the names of the source export with do_constant_folding=False.',
    })
  },

  'weights-as-constants': ({ graph }) => {
    const isWeight = ({ opType, attribute }: NodeProto) => {
      const value = attribute.find(({ name }) => name === 'value')?.t
      return (
        opType === 'Constant' && value?.dataType === ELEMENT.float && elementCount(value.dims) >= 16
      )
    }
    const count = countNodes(graph, isWeight)
    return found(count, {
      kind: 'weights-as-constants',
      what: `Constants with float32 tensors, which are not trained: ${many(count, 'node')}.`,
      advice:
        'If they are weights, export with export_params=True and keep_initializers_as_inputs=False.',
    })
  },

  'control-flow': ({ graph }) => {
    const count = countNodes(graph, ({ opType = '' }) => /^(?:If|Loop|Scan)$/.test(opType))
    return found(count, {
      kind: 'control-flow',
      what: `Branches and loops: ${many(count, 'node')}. An If is decided where its condition follows from shapes.`,
      advice:
        'Export by tracing (torch.jit.trace, not script) with fixed sizes, so that loops are unrolled.',
    })
  },

  'other-domain': ({ graph }) => {
    const isOther = ({ domain = '' }: NodeProto) => domain !== '' && domain !== 'ai.onnx'
    const nodes = allNodes(graph).filter(isOther)
    const domains = [...new Set(nodes.map(({ domain }) => domain))].join(', ')
    return found(nodes.length, {
      kind: 'other-domain',
      what: `Of ${domains}, without gradient rules: ${many(nodes.length, 'node')}.`,
      advice:
        'Take the model before it was optimized or fused (onnxruntime.transformers, onnxsim), or ' +
        'export without the custom operator.',
    })
  },
}

export function findObstacles(model: Model): readonly Obstacle[] {
  return Object.values(finders).flatMap(find => find(model) ?? [])
}

function countNodes(graph: GraphProto, isMeant: (node: NodeProto) => boolean): number {
  return allNodes(graph).filter(isMeant).length
}

function many(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

function found(count: number, obstacle: Obstacle): Obstacle | undefined {
  return count > 0 ? obstacle : undefined
}
