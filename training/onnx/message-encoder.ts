import type { Field, Int64, MessageTable, ScalarKind } from './onnx-proto.ts'
import { ProtobufWriter, utf8Length, varintLength } from './protobuf-writer.ts'

interface Scalar {
  readonly wireType: 0 | 1 | 2 | 5
  size(value: never): number
  write(writer: ProtobufWriter, value: never): void
}

const varint: Scalar = {
  wireType: 0,
  size: (value: Int64) => varintLength(value),
  write: (writer, value: Int64) => writer.varint(value),
}

const SCALARS: Readonly<Record<ScalarKind, Scalar>> = {
  string: {
    wireType: 2,
    size: (value: string) => delimitedLength(utf8Length(value)),
    write: (writer, value: string) => writer.string(value),
  },
  bytes: {
    wireType: 2,
    size: (value: Uint8Array) => delimitedLength(value.byteLength),
    write: (writer, value: Uint8Array) => {
      writer.varint(value.byteLength)
      writer.bytes(value)
    },
  },
  int32: varint,
  int64: varint,
  safeInt64: varint,
  uint64: varint,
  float: { wireType: 5, size: () => 4, write: (writer, value: number) => writer.float(value) },
  double: { wireType: 1, size: () => 8, write: (writer, value: number) => writer.double(value) },
}

type Sizes = Map<object, number>

/** Sizes all messages from the leaves up, then writes once into a buffer of the right size. */
export function encodeMessage(message: object, table: MessageTable): Uint8Array {
  const sizes: Sizes = new Map()
  const writer = new ProtobufWriter(measure(message, table, sizes))
  write(writer, message, table, sizes)
  return writer.finish()
}

function measure(message: object, table: MessageTable, sizes: Sizes): number {
  const known = sizes.get(message)
  if (known !== undefined) return known
  let size = 0
  for (const [key, field] of Object.entries(table.fields)) {
    const values = valuesOf(message, key, field)
    if (values.length > 0) size += fieldSize(values, field, sizes)
  }
  for (const bytes of unknownFieldsOf(message)) size += bytes.byteLength
  sizes.set(message, size)
  return size
}

function fieldSize(values: readonly unknown[], field: Field, sizes: Sizes): number {
  const tagSize = varintLength(field.number << 3)
  const { kind } = field
  if (typeof kind === 'function') {
    const table = kind()
    return sum(values, value => tagSize + delimitedLength(measure(value as object, table, sizes)))
  }
  const contentSize = sum(values, value => SCALARS[kind].size(value as never))
  if (field.repeated === 'packed') return tagSize + delimitedLength(contentSize)
  return values.length * tagSize + contentSize
}

function write(writer: ProtobufWriter, message: object, table: MessageTable, sizes: Sizes): void {
  for (const [key, field] of Object.entries(table.fields)) {
    const values = valuesOf(message, key, field)
    if (values.length > 0) writeField(writer, values, field, sizes)
  }
  for (const bytes of unknownFieldsOf(message)) writer.bytes(bytes)
}

function writeField(
  writer: ProtobufWriter,
  values: readonly unknown[],
  field: Field,
  sizes: Sizes,
): void {
  const { kind, number } = field
  if (typeof kind === 'function') {
    const table = kind()
    for (const value of values as readonly object[]) {
      writer.varint((number << 3) | 2)
      writer.varint(measure(value, table, sizes))
      write(writer, value, table, sizes)
    }
    return
  }
  const scalar = SCALARS[kind]
  if (field.repeated === 'packed') {
    writer.varint((number << 3) | 2)
    writer.varint(sum(values, value => scalar.size(value as never)))
    for (const value of values) scalar.write(writer, value as never)
    return
  }
  for (const value of values) {
    writer.varint((number << 3) | scalar.wireType)
    scalar.write(writer, value as never)
  }
}

function valuesOf(message: object, key: string, field: Field): readonly unknown[] {
  const value: unknown = Reflect.get(message, key)
  if (value === undefined) return []
  return field.repeated ? (value as readonly unknown[]) : [value]
}

function unknownFieldsOf(message: object): readonly Uint8Array[] {
  return (Reflect.get(message, 'unknownFields') as readonly Uint8Array[] | undefined) ?? []
}

function delimitedLength(length: number): number {
  return varintLength(length) + length
}

function sum<T>(values: readonly T[], size: (value: T) => number): number {
  let total = 0
  for (const value of values) total += size(value)
  return total
}
