import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf } from './errors.ts'

export interface LogFileOptions {
  readonly path: string
  /** A file that has grown to this becomes `<path>.1`, and a new one is begun. */
  readonly bytesMax: number
  /** `<path>.1`, the newest, to `<path>.<n>`. */
  readonly filesKept: number
}

/**
 * Lines in a file that takes no more than `bytesMax` bytes, and as much for each older one that is
 * kept. Written at once: a daemon that dies has said everything. A line that finds no room is lost.
 */
export class LogFile {
  readonly #options: LogFileOptions
  #descriptor: number
  #bytes: number
  /** /dev/null and pipes do not grow. */
  readonly #grows: boolean

  constructor(options: LogFileOptions) {
    this.#options = options
    mkdirSync(dirname(options.path), { recursive: true })
    this.#descriptor = openSync(options.path, 'a')
    const status = fstatSync(this.#descriptor)
    this.#bytes = status.size
    this.#grows = status.isFile()
  }

  write(line: string): void {
    try {
      const bytes = Buffer.byteLength(line)
      const isFull = this.#bytes > 0 && this.#bytes + bytes > this.#options.bytesMax
      if (isFull && this.#grows) this.#beginAnew()
      this.#bytes += writeSync(this.#descriptor, line)
    } catch {
      // A full disk is no reason to end.
    }
  }

  #beginAnew(): void {
    try {
      this.#moveAside()
      const next = openSync(this.#options.path, 'a')
      closeSync(this.#descriptor)
      this.#descriptor = next
    } catch {
      // Where files cannot be moved the old lines give way: the bound holds all the same.
      ftruncateSync(this.#descriptor)
    }
    this.#bytes = fstatSync(this.#descriptor).size
  }

  #moveAside(): void {
    const { path, filesKept } = this.#options
    const names = [path, ...Array.from({ length: filesKept }, (_, index) => `${path}.${index + 1}`)]
    rmSync(names.at(-1) ?? path, { force: true })
    for (let place = names.length - 1; place > 0; place--) {
      const [from, to] = [names[place - 1], names[place]]
      if (from && to) renameIfThere(from, to)
    }
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}
