import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { isAbsolute, resolve, sep } from 'node:path'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { elementBytes, isElementType } from './element-type.ts'
import { decodeModel, encodeModel } from './onnx-codec.ts'
import type { GraphProto, NodeProto, TensorProto } from './onnx-proto.ts'
import { elementCount } from './tensor.ts'

/** TensorProto.DataLocation of onnx.proto. */
const EXTERNAL = 1
/** As much as one ONNX file may hold: what comes out of this is one. */
const TOTAL_BYTES_MAX = 2 ** 31 - 1

/** Where the values of a tensor stand (onnx, ExternalData.md): bytes of a file in the model's folder. */
interface Place {
  readonly tensor: string
  readonly location: string
  readonly offset: number
  readonly length: number
}

/**
 * The model as one file: values that it keeps in other files of its folder are read in. A model
 * without such is given back as it is. Fails with MODEL_INVALID where a path leads out of the folder,
 * also by a symbolic link, or what is there does not fit.
 */
export async function withExternalData(bytes: Uint8Array, folder: string): Promise<Uint8Array> {
  const model = decodeModel(bytes)
  const { graph } = model
  const places = new Map<TensorProto, Place>()
  if (graph) collect(graph, places)
  if (!graph || places.size === 0) return bytes
  const total = [...places.values()].reduce((sum, { length }) => sum + length, bytes.byteLength)
  if (total > TOTAL_BYTES_MAX) {
    throw new GainnetError('MODEL_INVALID', `the model and its external data are ${total} bytes`)
  }
  const root = await realpath(folder)
  const loaded = new Map<TensorProto, TensorProto>()
  for (const [tensor, place] of places) {
    const rawData = await readPlace(root, place)
    loaded.set(tensor, { ...tensor, rawData, externalData: [], dataLocation: 0 })
  }
  return encodeModel({ ...model, graph: replace(graph, loaded) })
}

function collect(graph: GraphProto, places: Map<TensorProto, Place>): void {
  for (const tensor of tensorsOf(graph)) {
    if (tensor.dataLocation === EXTERNAL) places.set(tensor, placeOf(tensor))
  }
  for (const inner of graphsOf(graph)) collect(inner, places)
}

function tensorsOf({ initializer, node }: GraphProto): TensorProto[] {
  const attributes = node.flatMap(({ attribute }) => attribute)
  return [
    ...initializer,
    ...attributes.flatMap(({ t, tensors }) => (t ? [t, ...tensors] : tensors)),
  ]
}

function graphsOf({ node }: GraphProto): GraphProto[] {
  return node.flatMap(({ attribute }) =>
    attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs)),
  )
}

function replace(graph: GraphProto, loaded: ReadonlyMap<TensorProto, TensorProto>): GraphProto {
  const swap = (tensor: TensorProto) => loaded.get(tensor) ?? tensor
  const node = graph.node.map(
    (one): NodeProto => ({
      ...one,
      attribute: one.attribute.map(given => ({
        ...given,
        ...(given.t ? { t: swap(given.t) } : {}),
        ...(given.g ? { g: replace(given.g, loaded) } : {}),
        tensors: given.tensors.map(swap),
        graphs: given.graphs.map(inner => replace(inner, loaded)),
      })),
    }),
  )
  return { ...graph, node, initializer: graph.initializer.map(swap) }
}

function placeOf(tensor: TensorProto): Place {
  const { name = '(no name)', dataType, dims } = tensor
  const entries = new Map(tensor.externalData.map(({ key = '', value = '' }) => [key, value]))
  const location = entries.get('location') ?? ''
  const size = isElementType(dataType) ? elementBytes(dataType) : undefined
  const length = elementCount(dims) * (size ?? Number.NaN)
  const offset = wholeNumber(entries.get('offset') ?? '0')
  const stated = wholeNumber(entries.get('length') ?? String(length))
  if (!Number.isSafeInteger(length) || length < 0 || stated !== length || offset === undefined) {
    refuse(name, `states ${stated} bytes from ${entries.get('offset')} on for [${dims}]`)
  }
  if (location === '' || location.includes('\0')) refuse(name, 'names no file')
  if (isAbsolute(location) || location.split(/[\\/]/).includes('..')) {
    refuse(name, `is in ${JSON.stringify(location)}, out of the model's folder`)
  }
  return { tensor: name, location, offset, length }
}

function wholeNumber(text: string): number | undefined {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(value) ? value : undefined
}

async function readPlace(root: string, place: Place): Promise<Uint8Array> {
  const { tensor, location, offset, length } = place
  const path = await realpath(resolve(root, location)).catch(error =>
    refuse(tensor, `is in ${location}, which cannot be read: ${messageOf(error)}`),
  )
  if (!path.startsWith(root.endsWith(sep) ? root : root + sep)) {
    refuse(tensor, `is in ${JSON.stringify(location)}, which leads out of the model's folder`)
  }
  // A pipe in the folder must not hold us up until somebody writes into it.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(path, flags)
  try {
    const stats = await file.stat()
    if (!stats.isFile()) refuse(tensor, `is in ${location}, which is no file`)
    if (offset + length > stats.size) {
      refuse(tensor, `needs ${offset + length} bytes of ${location}, which has ${stats.size}`)
    }
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; ) {
      const { bytesRead } = await file.read(bytes, at, length - at, offset + at)
      if (bytesRead === 0) refuse(tensor, `is in ${location}, which became shorter`)
      at += bytesRead
    }
    return bytes
  } finally {
    await file.close()
  }
}

function refuse(tensor: string, why: string): never {
  throw new GainnetError('MODEL_INVALID', `tensor ${tensor} ${why}`, { tensor })
}
