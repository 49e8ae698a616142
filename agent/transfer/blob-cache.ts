import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { hashOf } from '../../protocol/blocks.ts'
import { readFileIfThere, replaceFile } from '../../runtime/atomic-file.ts'
import type { Logger } from '../../runtime/logger.ts'

/** Of tiny models too only the latest versions are of use. */
const BLOBS_MAX = 64

/** Blobs on disk by their SHA-256; what is read is verified, the longest unused goes first. */
export class BlobCache {
  readonly #directory: string
  readonly #bytesMax: number
  readonly #log: Logger
  /** Sizes of the files, the longest unused first; read from the directory once. */
  #sizes: Promise<Map<string, number>> | null = null
  readonly #writing = new Map<string, Promise<void>>()

  constructor(options: {
    readonly directory: string
    readonly bytesMax: number
    readonly log: Logger
  }) {
    this.#directory = options.directory
    this.#bytesMax = options.bytesMax
    this.#log = options.log
  }

  async get(sha256: string): Promise<Uint8Array | null> {
    await this.#writing.get(sha256)
    try {
      const sizes = await this.#knownSizes()
      if (!sizes.has(sha256)) return null
      const bytes = await readFileIfThere(join(this.#directory, sha256))
      if (bytes && hashOf(bytes) === sha256) {
        this.#noteUse(sizes, sha256)
        return bytes
      }
      this.#log.warn({ sha256 }, 'cached blob was damaged')
      await this.#remove(sizes, sha256)
    } catch (err) {
      this.#log.warn({ err, sha256 }, 'cached blob cannot be read')
    }
    return null
  }

  /**
   * Keeps the blob where there is room; a full disk costs the cache, nothing else. Who has fetched
   * it need not wait. Never rejects.
   */
  put(sha256: string, bytes: Uint8Array): Promise<void> {
    const writing = this.#writing.get(sha256)
    if (writing || bytes.length > this.#bytesMax) return writing ?? Promise.resolve()
    // One after the other, so that together they stay below the bound.
    const written = Promise.all(this.#writing.values())
      .then(() => this.#write(sha256, bytes))
      .catch(err => this.#log.warn({ err, sha256 }, 'blob cannot be cached'))
      .finally(() => this.#writing.delete(sha256))
    this.#writing.set(sha256, written)
    return written
  }

  async #write(sha256: string, bytes: Uint8Array): Promise<void> {
    const sizes = await this.#knownSizes()
    await this.#evict(sizes, bytes.length)
    // What a power cut damages does not match its hash.
    await replaceFile(join(this.#directory, sha256), bytes)
    sizes.set(sha256, bytes.length)
  }

  async #evict(sizes: Map<string, number>, bytesNeeded: number): Promise<void> {
    let bytes = bytesNeeded
    for (const size of sizes.values()) bytes += size
    for (const [name, size] of sizes) {
      if (bytes <= this.#bytesMax && sizes.size < BLOBS_MAX) return
      await this.#remove(sizes, name)
      bytes -= size
    }
  }

  async #remove(sizes: Map<string, number>, name: string): Promise<void> {
    await rm(join(this.#directory, name), { force: true })
    sizes.delete(name)
  }

  /** The time of the file tells the next life of the agent. */
  #noteUse(sizes: Map<string, number>, sha256: string): void {
    const size = sizes.get(sha256) ?? 0
    sizes.delete(sha256)
    sizes.set(sha256, size)
    const now = new Date()
    utimes(join(this.#directory, sha256), now, now).catch(err => {
      this.#log.debug({ err, sha256 }, 'use of a cached blob not noted')
    })
  }

  #knownSizes(): Promise<Map<string, number>> {
    this.#sizes ??= this.#readSizes().catch(error => {
      this.#sizes = null
      throw error
    })
    return this.#sizes
  }

  async #readSizes(): Promise<Map<string, number>> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    const names = await readdir(this.#directory)
    const files = await Promise.all(
      names.map(async name => ({ name, ...(await stat(join(this.#directory, name))) })),
    )
    files.sort((a, b) => a.mtimeMs - b.mtimeMs)
    return new Map(files.map(({ name, size }) => [name, size]))
  }
}
