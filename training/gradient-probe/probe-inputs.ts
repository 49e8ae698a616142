import { GainnetError } from '../../runtime/errors.ts'
import { type Random, standardNormal } from '../../runtime/seeded-random.ts'
import { ELEMENT, type ElementType, elementName, isElementType } from '../onnx/element-type.ts'
import type { GraphProto, TensorProto, ValueInfoProto } from '../onnx/onnx-proto.ts'
import { buildTensor, elementCount } from '../onnx/tensor.ts'
import { integerRange } from './input-ranges.ts'

/** Sizes that the file leaves open: by the name it gives them, or for all others. */
export interface OpenSizes {
  readonly named: Readonly<Record<string, number>>
  readonly batch: number
  /** Of open axes other than the first. */
  readonly other: number
}

/** The inputs that a caller has to give: those that have no initializer. */
export function givenInputs(graph: GraphProto): readonly ValueInfoProto[] {
  const initialized = new Set(graph.initializer.map(({ name }) => name))
  return graph.input.filter(({ name }) => !initialized.has(name))
}

/** A random tensor for each input of the graph: normal numbers, whole numbers in their range. */
export function drawInputs(
  graph: GraphProto,
  { sizes, amplitude }: { readonly sizes: OpenSizes; readonly amplitude: number },
  random: Random,
): readonly TensorProto[] {
  return givenInputs(graph).map(input => {
    const { name = '' } = input
    const type = input.type?.tensorType
    if (!type?.shape || !isElementType(type.elemType)) {
      throw new GainnetError('MODEL_INVALID', `the input ${name} is no tensor of a known rank`)
    }
    const shape = type.shape.dim.map(({ dimValue, dimParam }, axis) => {
      if (dimValue !== undefined && dimValue > 0) return dimValue
      return sizes.named[dimParam ?? ''] ?? (axis === 0 ? sizes.batch : sizes.other)
    })
    const draw = () => amplitude * standardNormal(random)
    return drawTensor(graph, { name, elementType: type.elemType, shape }, { random, draw })
  })
}

function drawTensor(
  graph: GraphProto,
  input: { readonly name: string; readonly elementType: ElementType; readonly shape: number[] },
  { random, draw }: { readonly random: Random; readonly draw: () => number },
): TensorProto {
  const { name, elementType: type, shape } = input
  const count = elementCount(shape)
  const fill = (next: () => number) =>
    buildTensor({ name, type, shape, values: Array.from({ length: count }, next) })
  switch (type) {
    case ELEMENT.float:
    case ELEMENT.double:
      return fill(draw)
    case ELEMENT.bool:
      return fill(() => 1)
    case ELEMENT.uint8: {
      const pixels = Uint8Array.from({ length: count }, () => Math.floor(256 * random()))
      const bytes = buildTensor({ name, type: ELEMENT.bool, shape, values: pixels })
      return { ...bytes, dataType: ELEMENT.uint8 }
    }
    case ELEMENT.int32:
    case ELEMENT.int64: {
      const { from, below } = integerRange(graph, name)
      return fill(() => from + Math.floor(random() * Math.max(1, below - from)))
    }
    default:
      throw new GainnetError(
        'MODEL_INVALID',
        `the input ${name} takes ${elementName(type)}, which is not drawn here: export the model ` +
          'with float32 or int64 inputs',
        { input: name },
      )
  }
}

/** The graph with these values in place of its inputs: shapes that follow from them are then known. */
export function withFixedInputs(graph: GraphProto, values: readonly TensorProto[]): GraphProto {
  const names = new Set(values.map(({ name }) => name))
  return {
    ...graph,
    initializer: [...graph.initializer, ...values],
    input: graph.input.filter(({ name }) => !names.has(name)),
  }
}
