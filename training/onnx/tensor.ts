import { GainnetError } from '../../runtime/errors.ts'
import {
  ELEMENT,
  type ElementType,
  elementBytes,
  elementName,
  isElementType,
} from './element-type.ts'
import type { TensorProto } from './onnx-proto.ts'

/** An element count that fits ORT's and JavaScript's arrays. */
const ELEMENTS_MAX = 2 ** 31 - 1

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** A tensor from numbers, its elements as little-endian raw_data. */
export function buildTensor(options: {
  readonly name: string
  readonly type: ElementType
  readonly shape: readonly number[]
  readonly values: ArrayLike<number>
}): TensorProto {
  const { name, type, shape, values } = options
  const typed = typedArray(type, values)
  return {
    dims: shape,
    dataType: type,
    floatData: [],
    int32Data: [],
    stringData: [],
    int64Data: [],
    name,
    rawData: new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength),
    doubleData: [],
    uint64Data: [],
    externalData: [],
  }
}

function typedArray(type: ElementType, values: ArrayLike<number>) {
  switch (type) {
    case ELEMENT.float:
      return values instanceof Float32Array ? values : Float32Array.from(values)
    case ELEMENT.double:
      return Float64Array.from(values)
    case ELEMENT.int32:
      return Int32Array.from(values)
    case ELEMENT.int64:
      return BigInt64Array.from(Array.from(values, BigInt))
    case ELEMENT.bool:
      return Uint8Array.from(values)
    default:
      throw new RangeError(`tensors of ${elementName(type)} are not built here`)
  }
}

/** Fails with MODEL_INVALID where type, shape and the bytes given do not fit together. */
export function checkTensor(tensor: TensorProto): void {
  if (tensor.externalData.length > 0 || (tensor.dataLocation ?? 0) !== 0) {
    refuse(
      tensor,
      'keeps its values in another file (external_data), which was not read: save the model as one ' +
        'file or read it from its folder',
    )
  }
  if (!isElementType(tensor.dataType)) refuse(tensor, `has ${elementName(tensor.dataType)}`)
  if (tensor.dims.some(size => size < 0)) refuse(tensor, `has the shape [${tensor.dims}]`)
  const count = elementCount(tensor.dims)
  if (count > ELEMENTS_MAX) refuse(tensor, `has the shape [${tensor.dims}], which is too large`)
  const bytes = elementBytes(tensor.dataType)
  if (tensor.rawData && bytes !== undefined) {
    if (tensor.rawData.byteLength !== count * bytes) {
      refuse(
        tensor,
        `holds ${tensor.rawData.byteLength} bytes where its shape needs ${count * bytes}`,
      )
    }
  } else if (storedCount(tensor) !== count) {
    refuse(tensor, `holds ${storedCount(tensor)} elements where its shape needs ${count}`)
  }
}

function refuse(tensor: TensorProto, why: string): never {
  const name = tensor.name ?? '(no name)'
  throw new GainnetError('MODEL_INVALID', `tensor ${name} ${why}`, { tensor: name })
}

function storedCount(tensor: TensorProto): number {
  const { floatData, int32Data, int64Data, doubleData, uint64Data, stringData } = tensor
  return [floatData, int32Data, int64Data, doubleData, uint64Data, stringData].reduce(
    (sum, values) => sum + values.length,
    0,
  )
}

/** The values of a float32 tensor: a view of the file where its bytes are aligned, else a copy. */
export function float32Values(tensor: TensorProto): Float32Array {
  if (tensor.dataType !== ELEMENT.float) throw new RangeError(`${tensor.name} is not float32`)
  return tensor.rawData
    ? new Float32Array(...aligned(tensor.rawData, 4))
    : Float32Array.from(tensor.floatData)
}

/** The values of a float32 or float64 tensor; undefined for any other. */
export function realValues(tensor: TensorProto): readonly number[] | undefined {
  if (tensor.dataType === ELEMENT.float) return Array.from(float32Values(tensor))
  if (tensor.dataType !== ELEMENT.double) return undefined
  return tensor.rawData
    ? Array.from(new Float64Array(...aligned(tensor.rawData, 8)))
    : tensor.doubleData
}

/**
 * The values of an integer or bool tensor, those beyond 2^53 clamped (Slice uses 2^63 - 1 for "the
 * end"); undefined for any other.
 */
export function integerValues(tensor: TensorProto): readonly number[] | undefined {
  const { dataType, rawData } = tensor
  switch (dataType) {
    case ELEMENT.int64: {
      const values = rawData
        ? Array.from(new BigInt64Array(...aligned(rawData, 8)))
        : tensor.int64Data
      return values.map(toSafe)
    }
    case ELEMENT.int32:
      return rawData ? Array.from(new Int32Array(...aligned(rawData, 4))) : tensor.int32Data
    case ELEMENT.bool:
      return rawData ? Array.from(rawData) : tensor.int32Data
    default:
      return undefined
  }
}

export function toSafe(value: number | bigint): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(Number.MIN_SAFE_INTEGER, Number(value)))
}

/** Arguments for a typed array over the bytes, which are copied where they begin at an odd place. */
function aligned(bytes: Uint8Array, elementSize: number): [ArrayBufferLike, number, number] {
  const { buffer, byteOffset, byteLength } =
    bytes.byteOffset % elementSize === 0 ? bytes : new Uint8Array(bytes)
  return [buffer, byteOffset, byteLength / elementSize]
}
