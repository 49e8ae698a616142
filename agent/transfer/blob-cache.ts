import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { hashOf } from '../../protocol/blocks.ts'
import { readFileIfThere, writeFileAtomic } from '../../runtime/atomic-file.ts'
import type { Logger } from '../../runtime/logger.ts'

/** Blobs on disk by their SHA-256; what is read is verified, the longest unused goes first. */
export class BlobCache {
  readonly #directory: string
  readonly #bytesMax: number
  readonly #log: Logger

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
    const path = join(this.#directory, sha256)
    try {
      const bytes = await readFileIfThere(path)
      if (!bytes) return null
      if (hashOf(bytes) === sha256) {
        const now = new Date()
        await utimes(path, now, now)
        return bytes
      }
      this.#log.warn({ sha256 }, 'cached blob was damaged')
      await rm(path, { force: true })
    } catch (err) {
      this.#log.warn({ err, sha256 }, 'cached blob cannot be read')
    }
    return null
  }

  /** Keeps the blob where there is room; a full disk costs the cache, nothing else. */
  async put(sha256: string, bytes: Uint8Array): Promise<void> {
    if (bytes.length > this.#bytesMax) return
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 })
      await this.#evict(bytes.length)
      await writeFileAtomic(join(this.#directory, sha256), bytes)
    } catch (err) {
      this.#log.warn({ err, sha256 }, 'blob cannot be cached')
    }
  }

  async #evict(bytesNeeded: number): Promise<void> {
    const names = await readdir(this.#directory)
    const files = await Promise.all(
      names.map(async name => {
        const path = join(this.#directory, name)
        const { size, mtimeMs } = await stat(path)
        return { path, size, mtimeMs }
      }),
    )
    let bytes = files.reduce((sum, { size }) => sum + size, 0)
    for (const { path, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (bytes + bytesNeeded <= this.#bytesMax) return
      await rm(path, { force: true })
      bytes -= size
    }
  }
}
