import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { elementCount } from '../onnx/tensor.ts'
import { type DataArray, type DataValues, refuseData } from './array.ts'
import { parseCsvTable } from './csv.ts'
import { splitTable } from './labelled.ts'
import { isNpy, parseNpy } from './npy.ts'

export interface RowFileOptions {
  readonly path: string
  /** An npy file with the class of each row. */
  readonly labels?: string | undefined
  /** The column of a CSV table with the class of each row; without it all columns are the row. */
  readonly labelColumn?: string | undefined
  readonly element: 'uint8' | 'float32'
  readonly shape: readonly number[]
}

/** Recorded rows of a sensor. */
export interface RowFile {
  /** Little endian, row after row. */
  readonly rows: Uint8Array
  readonly rowCount: number
  readonly labels: Int32Array | null
}

/** A compressed file may not unpack to more. */
const UNPACKED_BYTES_MAX = 2 ** 30

/**
 * Rows from an npy file [rows, …shape], a CSV table, or a file of nothing but rows, little endian; each
 * also gzipped. Classes are numbers: words would be numbered differently from file to file.
 */
export async function readRowFile(options: RowFileOptions): Promise<RowFile> {
  const { path } = options
  const bytes = await readUnpacked(path)
  if (isNpy(bytes)) return withLabels(rowsOf(parseNpy(bytes, path), options), options)
  if (/\.csv(\.gz)?$/i.test(path)) return rowsOfTable(bytes, options)
  const rowBytes = elementCount(options.shape) * (options.element === 'uint8' ? 1 : 4)
  if (bytes.length === 0 || bytes.length % rowBytes !== 0) {
    refuseData(path, `has ${bytes.length} bytes, which are no whole rows of ${rowBytes}`)
  }
  return withLabels({ rows: bytes, rowCount: bytes.length / rowBytes }, options)
}

type Rows = Pick<RowFile, 'rows' | 'rowCount'>

async function readUnpacked(path: string): Promise<Uint8Array> {
  try {
    const bytes = await readFile(path)
    const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b
    return isPacked ? gunzipSync(bytes, { maxOutputLength: UNPACKED_BYTES_MAX }) : bytes
  } catch (cause) {
    throw new GainnetError(
      'DATA_INVALID',
      `${path} cannot be read: ${messageOf(cause)}`,
      { path },
      { cause },
    )
  }
}

function rowsOf(array: DataArray, { path, element, shape }: RowFileOptions): Rows {
  const [rowCount = 0, ...rest] = array.shape
  if (elementCount(rest) !== elementCount(shape) || rowCount === 0) {
    refuseData(path, `holds [${array.shape}], where rows of [${shape}] are wanted`)
  }
  return { rows: bytesOf(array.values, element, path), rowCount }
}

function bytesOf(values: DataValues, element: 'uint8' | 'float32', path: string): Uint8Array {
  if (element === 'float32') return new Uint8Array(Float32Array.from(values, Number).buffer)
  const bytes = Uint8Array.from(values, Number)
  const bad = bytes.findIndex((byte, index) => byte !== Number(values[index]))
  if (bad !== -1) refuseData(path, `has ${values[bad]}, which is no byte`)
  return bytes
}

async function rowsOfTable(bytes: Uint8Array, options: RowFileOptions): Promise<RowFile> {
  const { path, labelColumn } = options
  const table = parseCsvTable(new TextDecoder().decode(bytes), path)
  if (labelColumn === undefined) {
    // As if a column of nothing but zeros were its labels.
    const unlabelled = {
      columns: [...table.columns, ''],
      rows: table.rows.map(row => [...row, '0']),
    }
    const { inputs } = splitTable(unlabelled, undefined, path)
    return withLabels(rowsOf(inputs, options), options)
  }
  const { inputs, labels, classNames } = splitTable(table, labelColumn, path)
  if (classNames) refuseData(path, `has words as classes (${classNames[0]}): number them from 0`)
  const rows = rowsOf(inputs, options)
  return { ...rows, labels: labels ? classesOf(labels, rows.rowCount, path) : null }
}

async function withLabels(rows: Rows, { labels }: RowFileOptions): Promise<RowFile> {
  if (labels === undefined) return { ...rows, labels: null }
  const array = parseNpy(await readUnpacked(labels), labels)
  return { ...rows, labels: classesOf(array, rows.rowCount, labels) }
}

function classesOf({ values }: DataArray, rowCount: number, path: string): Int32Array {
  if (values.length !== rowCount) {
    refuseData(path, `has ${values.length} classes for ${rowCount} rows`)
  }
  const classes = Int32Array.from(values, Number)
  const bad = classes.findIndex((label, index) => label !== Number(values[index]) || label < -1)
  if (bad !== -1) refuseData(path, `has the class ${values[bad]}: whole numbers from 0, or -1`)
  return classes
}
