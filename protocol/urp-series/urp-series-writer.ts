import { type FileHandle, open } from 'node:fs/promises'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { entryLine, headerLine, type RecordedUrp } from './series-format.ts'
import { readHeaderIfThere } from './series-header.ts'

const NEWLINE = 0x0a
/** Of the end of a file, in which its last newline is looked for, piece by piece. */
const PIECE_BYTES = 64 * 1024

/** Appends URPs to a recorded series; a series that is there is gone on with. */
export class UrpSeriesWriter {
  readonly #file: FileHandle
  readonly #path: string
  readonly #bytesMax: number
  #bytes: number

  private constructor(
    file: FileHandle,
    o: { readonly path: string; readonly bytes: number; readonly bytesMax: number },
  ) {
    this.#file = file
    this.#path = o.path
    this.#bytes = o.bytes
    this.#bytesMax = o.bytesMax
  }

  /** Throws, and leaves the file as it is, where it is something else than a series of this site. */
  static async open(
    path: string,
    o: {
      readonly site: string
      /** ISO 8601, for the header of a new file. */
      readonly startedAt: string
      /** Of the whole file. */
      readonly bytesMax?: number | undefined
    },
  ): Promise<UrpSeriesWriter> {
    const header = await readHeaderIfThere(path)
    if (header && header.site !== o.site) {
      throw new GainnetError('USAGE', `${path} is of site ${header.site}, not ${o.site}`, { path })
    }
    const file = await open(path, 'a+').catch(error => {
      throw unwritable(path, error)
    })
    try {
      const bytes = await wholeBytesOf(file)
      // An entry that was cut off would make one line with the next.
      await file.truncate(bytes)
      const { bytesMax = Number.POSITIVE_INFINITY } = o
      const writer = new UrpSeriesWriter(file, { path, bytes, bytesMax })
      if (bytes === 0) await writer.#append(headerLine(o.site, o.startedAt))
      return writer
    } catch (error) {
      await file.close()
      throw error instanceof GainnetError ? error : unwritable(path, error)
    }
  }

  /** Of the whole file. */
  get bytes(): number {
    return this.#bytes
  }

  /** False, and nothing is written, where the file would be larger than it may be. */
  async add(entry: RecordedUrp): Promise<boolean> {
    const line = entryLine(entry)
    if (this.#bytes + Buffer.byteLength(line) > this.#bytesMax) return false
    await this.#append(line)
    return true
  }

  /** What was added is on the disk when this resolves. */
  async close(): Promise<void> {
    try {
      // Pipes and /dev/stdout have nothing to sync.
      await this.#file.datasync().catch(() => undefined)
    } finally {
      await this.#file.close()
    }
  }

  async #append(line: string): Promise<void> {
    try {
      const { bytesWritten } = await this.#file.write(line)
      this.#bytes += bytesWritten
      if (bytesWritten < Buffer.byteLength(line)) throw new Error('no space left')
    } catch (error) {
      throw unwritable(this.#path, error)
    }
  }
}

/** Bytes up to and with the last newline. */
async function wholeBytesOf(file: FileHandle): Promise<number> {
  const { size } = await file.stat()
  const piece = Buffer.alloc(PIECE_BYTES)
  for (let end = size; end > 0; ) {
    const from = Math.max(0, end - PIECE_BYTES)
    const { bytesRead } = await file.read(piece, 0, end - from, from)
    const at = piece.subarray(0, bytesRead).lastIndexOf(NEWLINE)
    if (at !== -1) return from + at + 1
    end = from
  }
  return 0
}

function unwritable(path: string, error: unknown): GainnetError {
  return new GainnetError(
    'FILE_UNWRITABLE',
    `cannot write ${path}: ${messageOf(error)}`,
    { path },
    {
      cause: error,
    },
  )
}
