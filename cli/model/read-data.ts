import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { checkedCount, type DataArray } from '../../training/datasets/array.ts'
import { parseCsvTable } from '../../training/datasets/csv.ts'
import { isIdx, parseIdx } from '../../training/datasets/idx.ts'
import { type LabelledData, splitTable } from '../../training/datasets/labelled.ts'
import { isNpy, parseNpy } from '../../training/datasets/npy.ts'
import { nextByteSamples } from '../../training/samples/next-byte-samples.ts'
import { readInputFile, unreadable } from './model-file.ts'

export interface DataOptions {
  readonly data: string
  readonly labels?: string
  readonly labelColumn?: string
  /** Take only so many. */
  readonly samples?: number
}

/** Samples of text overlap, one a byte: these are enough for any training here. */
const TEXT_SAMPLES_MAX = 200_000
/** A compressed file may not unpack to more. */
const UNPACKED_BYTES_MAX = 2 ** 31

/**
 * The data set that the options name. Texts are cut into windows of `contextBytes`, for a model that
 * tells the next byte.
 */
export async function readData(
  options: DataOptions,
  { contextBytes }: { readonly contextBytes: number },
): Promise<LabelledData> {
  const { data: path, samples = Number.POSITIVE_INFINITY } = options
  const folder = await filesOf(path)
  if (folder) return textData(await readTexts(folder), contextBytes, samples)
  const bytes = await readUnpacked(path)
  const array = parseArray(bytes, path)
  if (array) {
    const labels = options.labels ? await readLabelFile(options.labels) : undefined
    return firstSamples(labels ? { inputs: array, labels } : { inputs: array }, samples)
  }
  if (/\.csv(\.gz)?$/i.test(path)) {
    const table = parseCsvTable(new TextDecoder().decode(bytes), path)
    return firstSamples(splitTable(table, options.labelColumn, path), samples)
  }
  return textData(bytes, contextBytes, samples)
}

async function filesOf(path: string): Promise<readonly string[] | undefined> {
  try {
    if (!(await stat(path)).isDirectory()) return undefined
    const entries = await readdir(path, { withFileTypes: true })
    return entries
      .filter(entry => entry.isFile() && !entry.name.startsWith('.'))
      .map(({ name }) => join(path, name))
      .sort()
  } catch (error) {
    throw unreadable(path, error)
  }
}

async function readTexts(files: readonly string[]): Promise<Uint8Array> {
  const texts: Uint8Array[] = []
  for (const file of files) texts.push(await readUnpacked(file))
  return Buffer.concat(texts)
}

async function readUnpacked(path: string): Promise<Uint8Array> {
  const bytes = await readInputFile(path)
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  try {
    return gunzipSync(bytes, { maxOutputLength: UNPACKED_BYTES_MAX })
  } catch (error) {
    throw new GainnetError(
      'DATA_INVALID',
      `${path} cannot be unpacked: ${messageOf(error)}`,
      { path },
      { cause: error },
    )
  }
}

function parseArray(bytes: Uint8Array, path: string): DataArray | undefined {
  if (isNpy(bytes)) return parseNpy(bytes, path)
  return isIdx(bytes) ? parseIdx(bytes, path) : undefined
}

async function readLabelFile(path: string): Promise<DataArray> {
  const labels = parseArray(await readUnpacked(path), path)
  if (labels) return labels
  throw new GainnetError('DATA_INVALID', `${path} is neither an IDX nor an npy file`, { path })
}

function textData(bytes: Uint8Array, contextBytes: number, samples: number): LabelledData {
  const samplesMax = Math.min(samples, TEXT_SAMPLES_MAX)
  const { inputs, labels } = nextByteSamples(bytes, { contextBytes, samplesMax })
  return {
    inputs: { shape: [labels.length, contextBytes], values: inputs },
    labels: { shape: [labels.length], values: labels },
  }
}

function firstSamples(data: LabelledData, samples: number): LabelledData {
  const cut = ({ shape, values }: DataArray): DataArray => {
    const [count = 0, ...rest] = shape
    const taken = Math.min(count, samples)
    return {
      shape: [taken, ...rest],
      values: values.subarray(0, taken * checkedCount(rest, 'the data set')),
    }
  }
  return { ...data, inputs: cut(data.inputs), ...(data.labels ? { labels: cut(data.labels) } : {}) }
}
