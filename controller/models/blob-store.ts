import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { hashOf } from '../../protocol/blocks.ts'
import { readFileIfThere, writeFileAtomic } from '../../runtime/atomic-file.ts'
import { GainnetError } from '../../runtime/errors.ts'

/** Bytes on disk, named by their SHA-256: written once, verified at each read. */
export class BlobStore {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  pathOf(sha256: string): string {
    return join(this.#folder, sha256)
  }

  async put(bytes: Uint8Array): Promise<string> {
    const sha256 = hashOf(bytes)
    const path = this.pathOf(sha256)
    const known = await readFileIfThere(path)
    if (!known || hashOf(known) !== sha256) await writeFileAtomic(path, bytes)
    return sha256
  }

  /** The bytes; MODEL_CORRUPT when they are missing or are no longer what was stored. */
  async get(sha256: string): Promise<Uint8Array> {
    const path = this.pathOf(sha256)
    const bytes = await readFileIfThere(path)
    if (!bytes) throw new GainnetError('MODEL_CORRUPT', `no blob ${sha256} in ${this.#folder}`)
    const found = hashOf(bytes)
    if (found !== sha256) {
      throw new GainnetError('MODEL_CORRUPT', `${path} hashes to ${found}: the disk changed it`)
    }
    return bytes
  }

  /** Removes what is not named; returns how many blobs went. */
  async keepOnly(wanted: ReadonlySet<string>): Promise<number> {
    const names = await readdir(this.#folder)
    const unwanted = names.filter(name => !wanted.has(name))
    await Promise.all(unwanted.map(name => rm(join(this.#folder, name), { force: true })))
    return unwanted.length
  }
}
