/**
 * The messages of onnx.proto (onnx 1.20, IR version 13), as far as training needs them. What is not
 * listed here (functions, sparse tensors, training info …) is kept as unknown fields.
 *
 * Names are those of onnx.proto in camel case. A repeated field is always an array; an optional
 * field that was not on the wire is absent.
 */
export interface Message {
  /** Fields that the tables do not know: tag and content, in the order they came. */
  readonly unknownFields?: readonly Uint8Array[]
}

/** 64-bit integers are numbers where that is exact, else bigints (Slice ends use 2^63 - 1). */
export type Int64 = number | bigint

export interface StringStringEntryProto extends Message {
  readonly key?: string
  readonly value?: string
}

export interface OperatorSetIdProto extends Message {
  readonly domain?: string
  readonly version?: number
}

export interface DimensionProto extends Message {
  readonly dimValue?: number
  readonly dimParam?: string
  readonly denotation?: string
}

export interface TensorShapeProto extends Message {
  readonly dim: readonly DimensionProto[]
}

export interface TensorTypeProto extends Message {
  readonly elemType?: number
  readonly shape?: TensorShapeProto
}

export interface TypeProto extends Message {
  readonly tensorType?: TensorTypeProto
  readonly denotation?: string
}

export interface ValueInfoProto extends Message {
  readonly name?: string
  readonly type?: TypeProto
  readonly docString?: string
}

export interface TensorProto extends Message {
  readonly dims: readonly number[]
  readonly dataType?: number
  readonly floatData: readonly number[]
  readonly int32Data: readonly number[]
  readonly stringData: readonly Uint8Array[]
  readonly int64Data: readonly Int64[]
  readonly name?: string
  /** A view of the file's bytes, not a copy. */
  readonly rawData?: Uint8Array
  readonly doubleData: readonly number[]
  readonly uint64Data: readonly Int64[]
  readonly docString?: string
  readonly externalData: readonly StringStringEntryProto[]
  readonly dataLocation?: number
}

export interface AttributeProto extends Message {
  readonly name?: string
  readonly f?: number
  readonly i?: Int64
  readonly s?: Uint8Array
  readonly t?: TensorProto
  readonly g?: GraphProto
  readonly floats: readonly number[]
  readonly ints: readonly Int64[]
  readonly strings: readonly Uint8Array[]
  readonly tensors: readonly TensorProto[]
  readonly graphs: readonly GraphProto[]
  readonly docString?: string
  readonly type?: number
  readonly refAttrName?: string
}

export interface NodeProto extends Message {
  readonly input: readonly string[]
  readonly output: readonly string[]
  readonly name?: string
  readonly opType?: string
  readonly attribute: readonly AttributeProto[]
  readonly docString?: string
  readonly domain?: string
}

export interface GraphProto extends Message {
  readonly node: readonly NodeProto[]
  readonly name?: string
  readonly initializer: readonly TensorProto[]
  readonly docString?: string
  readonly input: readonly ValueInfoProto[]
  readonly output: readonly ValueInfoProto[]
  readonly valueInfo: readonly ValueInfoProto[]
}

export interface ModelProto extends Message {
  readonly irVersion?: number
  readonly producerName?: string
  readonly producerVersion?: string
  readonly domain?: string
  readonly modelVersion?: Int64
  readonly docString?: string
  readonly graph?: GraphProto
  readonly opsetImport: readonly OperatorSetIdProto[]
  readonly metadataProps: readonly StringStringEntryProto[]
}

export type ScalarKind =
  | 'string'
  | 'bytes'
  | 'int32'
  /** A number where exact, else a bigint. */
  | 'int64'
  /** An int64 that is refused where a number cannot hold it: sizes, versions. */
  | 'safeInt64'
  | 'uint64'
  | 'float'
  | 'double'

export interface Field {
  readonly number: number
  readonly kind: ScalarKind | (() => MessageTable)
  /** onnx.proto is proto2: only fields marked so are written packed; both forms are read. */
  readonly repeated?: 'packed' | 'unpacked'
}

export interface MessageTable {
  readonly name: string
  /** In the order of field numbers: they are written in this order. */
  readonly fields: Readonly<Record<string, Field>>
}

type FieldsOf<M> = { readonly [Key in Exclude<keyof M, 'unknownFields'>]-?: Field }

function table<M extends Message>(name: string, fields: FieldsOf<M>): MessageTable {
  return { name, fields: fields as Readonly<Record<string, Field>> }
}

function one(number: number, kind: Field['kind']): Field {
  return { number, kind }
}

function many(number: number, kind: Field['kind'], repeated: 'packed' | 'unpacked' = 'unpacked') {
  return { number, kind, repeated }
}

const stringStringEntry = table<StringStringEntryProto>('StringStringEntryProto', {
  key: one(1, 'string'),
  value: one(2, 'string'),
})

const operatorSetId = table<OperatorSetIdProto>('OperatorSetIdProto', {
  domain: one(1, 'string'),
  version: one(2, 'safeInt64'),
})

const dimension = table<DimensionProto>('TensorShapeProto.Dimension', {
  dimValue: one(1, 'safeInt64'),
  dimParam: one(2, 'string'),
  denotation: one(3, 'string'),
})

const tensorShape = table<TensorShapeProto>('TensorShapeProto', {
  dim: many(1, () => dimension),
})

const tensorType = table<TensorTypeProto>('TypeProto.Tensor', {
  elemType: one(1, 'int32'),
  shape: one(2, () => tensorShape),
})

const typeProto = table<TypeProto>('TypeProto', {
  tensorType: one(1, () => tensorType),
  denotation: one(6, 'string'),
})

const valueInfo = table<ValueInfoProto>('ValueInfoProto', {
  name: one(1, 'string'),
  type: one(2, () => typeProto),
  docString: one(3, 'string'),
})

const tensor = table<TensorProto>('TensorProto', {
  dims: many(1, 'safeInt64'),
  dataType: one(2, 'int32'),
  floatData: many(4, 'float', 'packed'),
  int32Data: many(5, 'int32', 'packed'),
  stringData: many(6, 'bytes'),
  int64Data: many(7, 'int64', 'packed'),
  name: one(8, 'string'),
  rawData: one(9, 'bytes'),
  doubleData: many(10, 'double', 'packed'),
  uint64Data: many(11, 'uint64', 'packed'),
  docString: one(12, 'string'),
  externalData: many(13, () => stringStringEntry),
  dataLocation: one(14, 'int32'),
})

const attribute = table<AttributeProto>('AttributeProto', {
  name: one(1, 'string'),
  f: one(2, 'float'),
  i: one(3, 'int64'),
  s: one(4, 'bytes'),
  t: one(5, () => tensor),
  g: one(6, () => graph),
  floats: many(7, 'float'),
  ints: many(8, 'int64'),
  strings: many(9, 'bytes'),
  tensors: many(10, () => tensor),
  graphs: many(11, () => graph),
  docString: one(13, 'string'),
  type: one(20, 'int32'),
  refAttrName: one(21, 'string'),
})

const node = table<NodeProto>('NodeProto', {
  input: many(1, 'string'),
  output: many(2, 'string'),
  name: one(3, 'string'),
  opType: one(4, 'string'),
  attribute: many(5, () => attribute),
  docString: one(6, 'string'),
  domain: one(7, 'string'),
})

const graph: MessageTable = table<GraphProto>('GraphProto', {
  node: many(1, () => node),
  name: one(2, 'string'),
  initializer: many(5, () => tensor),
  docString: one(10, 'string'),
  input: many(11, () => valueInfo),
  output: many(12, () => valueInfo),
  valueInfo: many(13, () => valueInfo),
})

export const modelTable = table<ModelProto>('ModelProto', {
  irVersion: one(1, 'safeInt64'),
  producerName: one(2, 'string'),
  producerVersion: one(3, 'string'),
  domain: one(4, 'string'),
  modelVersion: one(5, 'int64'),
  docString: one(6, 'string'),
  graph: one(7, () => graph),
  opsetImport: many(8, () => operatorSetId),
  metadataProps: many(14, () => stringStringEntry),
})
