/** TensorProto.DataType of onnx.proto. */
export const ELEMENT = {
  float: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  double: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
} as const

export type ElementType = (typeof ELEMENT)[keyof typeof ELEMENT]

/** Bytes of an element in raw_data. */
const ELEMENT_BYTES: Readonly<Record<ElementType, number | undefined>> = {
  [ELEMENT.float]: 4,
  [ELEMENT.uint8]: 1,
  [ELEMENT.int8]: 1,
  [ELEMENT.uint16]: 2,
  [ELEMENT.int16]: 2,
  [ELEMENT.int32]: 4,
  [ELEMENT.int64]: 8,
  [ELEMENT.string]: undefined,
  [ELEMENT.bool]: 1,
  [ELEMENT.float16]: 2,
  [ELEMENT.double]: 8,
  [ELEMENT.uint32]: 4,
  [ELEMENT.uint64]: 8,
  [ELEMENT.bfloat16]: 2,
}

const NAMES = new Map<number, string>(Object.entries(ELEMENT).map(([name, type]) => [type, name]))

export function isElementType(value: number | undefined): value is ElementType {
  return value !== undefined && NAMES.has(value)
}

export function elementName(type: number | undefined): string {
  return (type !== undefined && NAMES.get(type)) || `element type ${type}`
}

export function elementBytes(type: ElementType): number | undefined {
  return ELEMENT_BYTES[type]
}

/** Gradients flow through these. Half precision is not trained: ORT's CPU kernels lack it. */
export function isDifferentiable(type: ElementType): boolean {
  return type === ELEMENT.float || type === ELEMENT.double
}
