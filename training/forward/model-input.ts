import { GainnetError } from '../../runtime/errors.ts'
import { ELEMENT, type ElementType, elementName, isElementType } from '../onnx/element-type.ts'
import type { GraphProto, ValueInfoProto } from '../onnx/onnx-proto.ts'

/** One input of a model, which has a row for each sample. */
export interface ModelInput {
  readonly name: string
  readonly elementType: ElementType
  /** Shape of one sample, without the batch axis. */
  readonly sampleShape: readonly number[]
}

/** What a model takes beside its initializers, in the order of the file; at least one. */
export function readInputs(graph: GraphProto): readonly ModelInput[] {
  const initialized = new Set(graph.initializer.map(({ name }) => name))
  const inputs = graph.input.filter(({ name }) => !initialized.has(name)).map(readInput)
  if (inputs.length > 0) return inputs
  throw new GainnetError('MODEL_INVALID', 'the model has no input')
}

function readInput({ name = '', type }: ValueInfoProto): ModelInput {
  const { elemType, shape } = type?.tensorType ?? {}
  const [batch, ...rest] = shape?.dim ?? []
  if (!isElementType(elemType) || !batch) {
    throw new GainnetError(
      'MODEL_INVALID',
      `the input ${name} has no known type whose first size is the batch`,
      { input: name },
    )
  }
  const sampleShape = rest.map(({ dimValue }) => {
    if (dimValue !== undefined && dimValue > 0) return dimValue
    throw new GainnetError(
      'MODEL_INVALID',
      `the input ${name} may leave only its first size (the batch) open`,
      { input: name },
    )
  })
  return { name, elementType: elemType, sampleShape }
}

/**
 * The elements in which a data set holds an input. Where the model takes others (exports of PyTorch
 * take their ids in int64, which JavaScript would hold as bigints), the graph casts each batch.
 */
export function dataElement({ name, elementType }: ModelInput) {
  switch (elementType) {
    case ELEMENT.float:
    case ELEMENT.double:
      return ELEMENT.float
    case ELEMENT.int32:
    case ELEMENT.int64:
    case ELEMENT.uint8:
    case ELEMENT.bool:
      return ELEMENT.int32
    default:
      throw new GainnetError(
        'MODEL_INVALID',
        `the input ${name} has elements of ${elementName(elementType)}, which samples do not have`,
        { input: name },
      )
  }
}
