import { join } from 'node:path'
import { z } from 'zod'
import { readFileIfThere, writeFileAtomic } from '../../../runtime/atomic-file.ts'
import { GainnetError } from '../../../runtime/errors.ts'
import { BlobStore } from '../../models/blob-store.ts'

const versionSchema = z.strictObject({
  version: z.string().describe('SHA-256 of the ONNX file.'),
  parent: z.string().nullable().describe('Version that it was trained on from.'),
  crId: z.int().describe('Round in which it was finished.'),
  reason: z.string(),
  rows: z.int().nonnegative().describe('States of channels that it learned from.'),
  sketch: z.array(z.number().nonnegative()).describe('Of their gains.'),
  state: z.enum(['serving', 'superseded', 'refused', 'taken-back']),
})
export type PowerVersion = z.output<typeof versionSchema>

const LINEAGE = 'lineage.json'
/** Enough to see where a model comes from; older ones go, and their files. */
const VERSIONS_MAX = 32

/** Versions of a power model with where they come from, on disk: files by their hash, and the lineage. */
export class VersionStore {
  readonly #folder: string
  readonly #blobs: BlobStore
  #versions: readonly PowerVersion[] = []

  private constructor(folder: string) {
    this.#folder = folder
    this.#blobs = new BlobStore(join(folder, 'blobs'))
  }

  static async open(folder: string): Promise<VersionStore> {
    const store = new VersionStore(folder)
    const bytes = await readFileIfThere(join(folder, LINEAGE))
    if (bytes) store.#versions = parsed(bytes, join(folder, LINEAGE))
    return store
  }

  /** From the oldest to the newest. */
  get versions(): readonly PowerVersion[] {
    return this.#versions
  }

  get serving(): PowerVersion | undefined {
    return this.#versions.find(({ state }) => state === 'serving')
  }

  file(version: string): Promise<Uint8Array> {
    return this.#blobs.get(version)
  }

  /** Keeps a model; where it is to serve, the one that served is superseded. */
  async add(file: Uint8Array, of: Omit<PowerVersion, 'version'>): Promise<PowerVersion> {
    const added = { ...of, version: await this.#blobs.put(file) }
    const others = this.#versions.filter(({ version }) => version !== added.version)
    await this.#keep([
      ...others.map(one => (of.state === 'serving' ? superseded(one) : one)),
      added,
    ])
    return added
  }

  /** The version before serves again. */
  async takeBack(version: string): Promise<PowerVersion> {
    const bad = this.#versions.find(one => one.version === version)
    const parent = this.#versions.find(one => one.version === bad?.parent)
    if (!bad || !parent) throw new RangeError(`there is nothing before ${version}`)
    const serving: PowerVersion = { ...parent, state: 'serving' }
    await this.#keep(
      this.#versions.map(one => {
        if (one.version === version) return { ...bad, state: 'taken-back' }
        return one.version === parent.version ? serving : one
      }),
    )
    return serving
  }

  async #keep(versions: readonly PowerVersion[]): Promise<void> {
    this.#versions = versions.filter(
      ({ state }, place) => state === 'serving' || versions.length - place <= VERSIONS_MAX,
    )
    await writeFileAtomic(join(this.#folder, LINEAGE), JSON.stringify(this.#versions))
    await this.#blobs.keepOnly(new Set(this.#versions.map(({ version }) => version)))
  }
}

function superseded(one: PowerVersion): PowerVersion {
  return one.state === 'serving' ? { ...one, state: 'superseded' } : one
}

function parsed(bytes: Buffer, path: string): readonly PowerVersion[] {
  try {
    return z.array(versionSchema).parse(JSON.parse(String(bytes)))
  } catch (cause) {
    throw new GainnetError('MODEL_CORRUPT', `${path} is no lineage of power models`, {}, { cause })
  }
}
