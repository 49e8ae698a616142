import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { elementCount } from '../onnx/tensor.ts'

export interface SafeTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly values: Float32Array
}

export interface SafeTensorFile {
  /** Text by key, as the format has it. */
  readonly metadata: Readonly<Record<string, string>>
  readonly tensors: readonly SafeTensor[]
}

/** The length of the header: 64 bits. */
const LENGTH_BYTES = 8
/** Some 100,000 tensors; the format's own reader takes 100 MB. */
export const HEADER_BYTES_MAX = 16 * 2 ** 20
const METADATA = '__metadata__'
const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT
/** Shapes of more axes are damage. */
const AXES_MAX = 16

/**
 * The safetensors format (huggingface/safetensors, README "Format"): the length of the header (64
 * bits, little-endian), the header (JSON, filled up with spaces so that the data begin at a multiple
 * of 8), the data of the tensors one after the other. Only float32 here; tensors in the order given.
 */
export function encodeSafetensors({ metadata, tensors }: SafeTensorFile): Uint8Array {
  const entries = new Map<string, unknown>([[METADATA, metadata]])
  let end = 0
  for (const { name, shape, values } of tensors) {
    if (entries.has(name)) throw new RangeError(`two tensors have the name ${name}`)
    const begin = end
    end += values.byteLength
    entries.set(name, { dtype: 'F32', shape, data_offsets: [begin, end] })
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)))
  const headerBytes = Math.ceil(json.length / 8) * 8
  const file = Buffer.alloc(LENGTH_BYTES + headerBytes + end, ' ')
  file.writeBigUInt64LE(BigInt(headerBytes))
  json.copy(file, LENGTH_BYTES)
  let place = LENGTH_BYTES + headerBytes
  for (const { values } of tensors) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), place)
    place += values.byteLength
  }
  return file
}

/**
 * Reads a file that anybody may have written: lengths, types and places are checked before anything
 * is made of them. Fails with CHECKPOINT_INVALID, which names the offset in the file.
 */
export function decodeSafetensors(bytes: Uint8Array): SafeTensorFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < LENGTH_BYTES) {
    fail(0, `the file has ${bytes.length} bytes, the length of the header alone has 8`)
  }
  const headerBytes = view.getBigUint64(0, true)
  const room = Math.min(bytes.length - LENGTH_BYTES, HEADER_BYTES_MAX)
  if (headerBytes > BigInt(room)) fail(0, `the header would have ${headerBytes} bytes of ${room}`)
  const dataAt = LENGTH_BYTES + Number(headerBytes)
  const { [METADATA]: metadata = {}, ...entries } = readHeader(bytes.subarray(LENGTH_BYTES, dataAt))
  const tensors = Object.entries(entries).map(([name, entry]) => readEntry(name, entry, dataAt))
  checkPlaces(tensors, { dataAt, dataBytes: bytes.length - dataAt })
  return {
    metadata: readMetadata(metadata),
    tensors: tensors.map(({ name, shape, begin, end }) => {
      const place = bytes.byteOffset + dataAt
      return {
        name,
        shape,
        values: new Float32Array(bytes.buffer.slice(place + begin, place + end)),
      }
    }),
  }
}

interface Entry {
  readonly name: string
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

function readHeader(bytes: Uint8Array): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (isRecord(header)) return header
  } catch (error) {
    fail(LENGTH_BYTES, `the header cannot be read: ${messageOf(error)}`)
  }
  return fail(LENGTH_BYTES, 'the header is no object')
}

function readMetadata(metadata: unknown): Record<string, string> {
  if (!isRecord(metadata)) fail(LENGTH_BYTES, `${METADATA} is no object`)
  return Object.fromEntries(
    Object.entries(metadata).map(([key, value]) => {
      if (typeof value !== 'string') fail(LENGTH_BYTES, `${METADATA}.${key} is no text`)
      return [key, value]
    }),
  )
}

function readEntry(name: string, entry: unknown, dataAt: number): Entry {
  if (!isRecord(entry)) return fail(LENGTH_BYTES, `the entry of ${name} is no object`)
  const { dtype, shape, data_offsets: places } = entry
  if (dtype !== 'F32') fail(LENGTH_BYTES, `${name} has the type ${String(dtype)}, not F32`)
  if (!isSizes(shape) || shape.length > AXES_MAX) fail(LENGTH_BYTES, `${name} has no shape`)
  const [begin, end, ...more] = isSizes(places) ? places : []
  if (begin === undefined || end === undefined || more.length > 0) {
    fail(LENGTH_BYTES, `${name} has no data_offsets`)
  }
  const wanted = elementCount(shape) * FLOAT_BYTES
  if (end - begin !== wanted) {
    fail(dataAt + begin, `${name} [${shape}] takes ${wanted} bytes, its place has ${end - begin}`)
  }
  return { name, shape, begin, end }
}

/** Every byte of the data belongs to just one tensor, as the format asks. */
function checkPlaces(
  entries: readonly Entry[],
  { dataAt, dataBytes }: { readonly dataAt: number; readonly dataBytes: number },
): void {
  let reached = 0
  for (const { name, begin, end } of entries.toSorted(
    (a, b) => a.begin - b.begin || a.end - b.end,
  )) {
    if (begin < reached) fail(dataAt + begin, `${name} overlaps the tensor before it`)
    if (begin > reached) fail(dataAt + reached, `${begin - reached} bytes belong to no tensor`)
    if (end > dataBytes) fail(dataAt + begin, `${name} goes beyond the end of the file`)
    reached = end
  }
  if (reached < dataBytes) {
    fail(dataAt + reached, `${dataBytes - reached} bytes belong to no tensor`)
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(size => Number.isSafeInteger(size) && size >= 0)
}

function fail(offset: number, message: string): never {
  throw new GainnetError('CHECKPOINT_INVALID', `at byte ${offset}: ${message}`, { offset })
}
