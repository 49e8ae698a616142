import { COST, MemoryBudget, PRESIZED_MAX } from './memory-budget.ts'
import type { Field, MessageTable, ScalarKind } from './onnx-proto.ts'
import { ProtobufReader } from './protobuf-reader.ts'

/** A subgraph costs three levels (attribute, graph, node); real models nest a few of them. */
const DEPTH_MAX = 64

/** What stands on the wire for one value of the kind (0 varint, 1 64-bit, 2 delimited, 5 32-bit). */
const WIRE_TYPES: Readonly<Record<ScalarKind, 0 | 1 | 2 | 5>> = {
  string: 2,
  bytes: 2,
  int32: 0,
  int64: 0,
  safeInt64: 0,
  uint64: 0,
  float: 5,
  double: 1,
}

const SCALARS: Readonly<Record<ScalarKind, (reader: ProtobufReader) => unknown>> = {
  string: reader => reader.string(),
  bytes: reader => reader.delimited(),
  int32: reader => reader.int32(),
  int64: reader => reader.int64(),
  safeInt64: reader => reader.safeInt64(),
  uint64: reader => reader.uint64(),
  float: reader => reader.float(),
  double: reader => reader.double(),
}

type Decoded = Record<string, unknown>

interface Decoder {
  readonly reader: ProtobufReader
  readonly budget: MemoryBudget
}

/** One message of the table's kind, filling all of `bytes`. */
export function decodeMessage(bytes: Uint8Array, table: MessageTable): Decoded {
  const reader = new ProtobufReader(bytes)
  return decodeUntilEnd({ reader, budget: new MemoryBudget(reader) }, table, 0)
}

function decodeUntilEnd(decoder: Decoder, table: MessageTable, depth: number): Decoded {
  const { reader, budget } = decoder
  if (depth > DEPTH_MAX) reader.fail(`messages are nested deeper than ${DEPTH_MAX}`)
  budget.spend(COST.message)
  const message = emptyMessage(table)
  const unknownFields: Uint8Array[] = []
  while (reader.position < reader.end) {
    const start = reader.position
    const tag = reader.uint32()
    const [number, wireType] = [tag >>> 3, tag & 7]
    if (number === 0) reader.fail(`${table.name} has a field with number 0`)
    const entry = fieldsByNumber(table).get(number)
    if (entry) decodeField(decoder, { message, ...entry, wireType, table, depth })
    else {
      budget.spend(COST.view)
      reader.skipField(wireType)
      unknownFields.push(reader.bytes.subarray(start, reader.position))
    }
  }
  if (unknownFields.length > 0) message.unknownFields = unknownFields
  return message
}

interface FieldPlace {
  readonly message: Decoded
  readonly key: string
  readonly field: Field
  readonly wireType: number
  readonly table: MessageTable
  readonly depth: number
}

function decodeField(decoder: Decoder, place: FieldPlace): void {
  const { reader, budget } = decoder
  const { message, key, field, wireType, table, depth } = place
  const { kind } = field
  if (typeof kind === 'function') {
    if (wireType !== 2) reader.fail(`${table.name}.${key} has wire type ${wireType}`)
    const outerEnd = enter(reader)
    put(message, key, field, decodeUntilEnd(decoder, kind(), depth + 1))
    reader.end = outerEnd
  } else if (wireType === WIRE_TYPES[kind]) {
    const start = reader.position
    put(message, key, field, SCALARS[kind](reader))
    budget.spend(costOf(kind, reader.position - start))
  } else if (wireType === 2 && field.repeated) {
    const outerEnd = enter(reader)
    const values = readPacked(decoder, kind)
    // Writers give all at once; whoever cuts them into parts pays for an array that grows.
    if (message[key] === NOTHING) message[key] = values
    else {
      budget.spend(values.length * COST.element)
      for (const value of values) put(message, key, field, value)
    }
    reader.end = outerEnd
  } else reader.fail(`${table.name}.${key} has wire type ${wireType}`)
}

/** Numbers until the end, in an array that is made in its size at once where that is possible. */
function readPacked({ reader, budget }: Decoder, kind: ScalarKind): unknown[] {
  const count = countPacked(reader, kind)
  budget.spend(count * (count > PRESIZED_MAX ? COST.element : COST.presizedElement))
  const values = new Array<unknown>(count > PRESIZED_MAX ? 0 : count)
  for (let index = 0; reader.position < reader.end; index += 1) {
    const value = SCALARS[kind](reader)
    if (typeof value === 'bigint') budget.spend(COST.bigint)
    values[index] = value
  }
  return values
}

function countPacked({ bytes, position, end }: ProtobufReader, kind: ScalarKind): number {
  if (WIRE_TYPES[kind] !== 0) return Math.ceil((end - position) / (WIRE_TYPES[kind] === 1 ? 8 : 4))
  let count = 0
  for (let at = position; at < end; at += 1) count += (bytes[at] ?? 0) < 0x80 ? 1 : 0
  return count
}

function costOf(kind: ScalarKind, byteCount: number): number {
  // A character takes no more bytes than in UTF-8: one, or two beyond Latin-1.
  if (kind === 'string') return COST.element + byteCount
  return kind === 'bytes' ? COST.view : COST.element
}

/** Narrows the reader to the delimited field that begins here; returns the end to restore. */
function enter(reader: ProtobufReader): number {
  const outerEnd = reader.end
  const length = reader.uint32()
  if (length > outerEnd - reader.position) {
    reader.fail(`a field of ${length} bytes reaches beyond its message`)
  }
  reader.end = reader.position + length
  return outerEnd
}

/** The last of several singular values counts; protobuf would merge messages, no writer splits them. */
function put(message: Decoded, key: string, field: Field, value: unknown): void {
  if (!field.repeated) message[key] = value
  else if (message[key] === NOTHING) message[key] = [value]
  else (message[key] as unknown[]).push(value)
}

/** One array for all absent repeated fields: a message costs little more than what it holds. */
const NOTHING: readonly unknown[] = Object.freeze([])

function emptyMessage(table: MessageTable): Decoded {
  const message: Decoded = {}
  for (const [key, field] of Object.entries(table.fields)) {
    if (field.repeated) message[key] = NOTHING
  }
  return message
}

const numbered = new WeakMap<
  MessageTable,
  ReadonlyMap<number, { readonly key: string; readonly field: Field }>
>()

function fieldsByNumber(table: MessageTable) {
  let fields = numbered.get(table)
  if (!fields) {
    fields = new Map(
      Object.entries(table.fields).map(([key, field]) => [field.number, { key, field }]),
    )
    numbered.set(table, fields)
  }
  return fields
}
