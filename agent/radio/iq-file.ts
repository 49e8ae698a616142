import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { formatOfName, type SampleFormatName } from './sample-formats.ts'
import { parseSigmfMeta } from './sigmf.ts'

/** A recording of samples: SigMF, or raw samples whose format is told or in the name of the file. */
export interface IqFile {
  readonly format: SampleFormatName
  /** Undefined where nobody knows: then times are in samples only. */
  readonly rateHz: number | undefined
  readonly frequencyHz: number | undefined
  readonly bytes: () => AsyncIterable<Uint8Array>
}

/** More metadata than that is no metadata. */
const META_BYTES_MAX = 16 * 2 ** 20

/** What the caller says goes over what the file says. `-` is standard input. */
export async function openIqFile(
  path: string,
  told: { readonly format?: SampleFormatName | undefined; readonly rateHz?: number | undefined },
): Promise<IqFile> {
  const meta = /\.sigmf-(?:meta|data)(?:\.gz)?$/.test(path) ? await metaOf(path) : undefined
  const format = told.format ?? meta?.format ?? formatOfName(path)
  if (!format) {
    throw new GainnetError('USAGE', `${path}: its name does not tell the format: say --format`)
  }
  const dataPath = path.replace(/\.sigmf-meta$/, '.sigmf-data')
  return {
    format,
    rateHz: told.rateHz ?? meta?.rateHz,
    frequencyHz: meta?.frequencyHz,
    bytes: () => bytesOf(dataPath),
  }
}

async function metaOf(path: string) {
  const metaPath = path.replace(/\.sigmf-(?:meta|data)(?:\.gz)?$/, '.sigmf-meta')
  try {
    const text = await readFile(metaPath, 'utf8')
    if (text.length > META_BYTES_MAX) throw new RangeError('it is too long')
    return parseSigmfMeta(text, metaPath)
  } catch (cause) {
    throw cause instanceof GainnetError ? cause : unreadable(metaPath, cause)
  }
}

async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  const source: Readable = path === '-' ? process.stdin : createReadStream(path)
  // The failure of either comes out of the last one, which is read.
  const unpacked = path.endsWith('.gz') ? pipeline(source, createGunzip(), () => undefined) : source
  try {
    yield* unpacked
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function unreadable(path: string, cause: unknown): GainnetError {
  return new GainnetError(
    'FILE_UNREADABLE',
    `${path} cannot be read: ${messageOf(cause)}`,
    { path },
    { cause },
  )
}
