import { statfsSync } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { hashOf } from '../../protocol/blocks.ts'
import { UpdateManifest } from '../../protocol/update.ts'
import { allEnded } from '../../runtime/all-ended.ts'
import {
  readFileIfThere,
  replaceFile,
  syncFile,
  writeFileAtomic,
} from '../../runtime/atomic-file.ts'
import type { Clock } from '../../runtime/clock.ts'
import { errnoOf, GainnetError, messageOf } from '../../runtime/errors.ts'
import { readHeadedFile, readHeader, writeHeadedFile } from '../../runtime/headed-file.ts'
import type { Logger } from '../../runtime/logger.ts'

/** The manifest without its envelope, which is new each time it is sent. */
export const UpdateContent = UpdateManifest.omit({ session: true, sequence: true, sentAt: true })
export type UpdateContent = z.infer<typeof UpdateContent>

const StoredManifest = z.strictObject({ storedAt: z.number(), content: UpdateContent })

/** An update that the controller has not yet answered. */
export interface StoredUpdate {
  readonly key: string
  readonly content: UpdateContent
  /** Wall time in ms. */
  readonly storedAt: number
}

const Counts = z.strictObject({
  produced: z.int().min(0),
  stored: z.int().min(0).describe('By the controller.'),
  refused: z.int().min(0),
  dropped: z.int().min(0).describe('Too old, pushed out, or damaged on disk.'),
})
export type UpdateCounts = z.infer<typeof Counts>

export type UpdateEnd = 'stored' | 'refused' | 'dropped'

export interface UpdateStoreOptions {
  readonly directory: string
  readonly bytesMax: number
  /** An update older than this is of no use to any round. */
  readonly ageMsMax: number
  readonly countMax: number
  readonly clock: Clock
  readonly log: Logger
}

/** Space that must stay free for the rest of the daemon. */
const FREE_BYTES_MIN = 1024 * 1024

/** Counts lie behind by this long after a crash. */
const COUNTS_DELAY_MS = 500
/** The controller's answer comes sooner on a good link. */
const SYNC_DELAY_MS = 100
const SUFFIX = '.update'

/** What was learned, on disk until the controller says what became of it: a file for each update. */
export class UpdateStore {
  readonly #options: UpdateStoreOptions
  readonly #updates = new Map<string, StoredUpdate>()
  #counts: UpdateCounts
  #saving: Promise<void> = Promise.resolve()
  /** Files on their way, by key. */
  readonly #writing = new Map<string, Promise<void>>()
  readonly #kept = new WeakMap<StoredUpdate, Promise<void>>()
  #keeping: Promise<unknown> = Promise.resolve()
  /** Ends the wait before the sync of an update, by its key. */
  readonly #removals = new Map<string, () => void>()
  #countsTimer: NodeJS.Timeout | undefined

  private constructor(options: UpdateStoreOptions, counts: UpdateCounts) {
    this.#options = options
    this.#counts = counts
  }

  static async open(options: UpdateStoreOptions): Promise<UpdateStore> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 })
    const saved = await readFileIfThere(join(options.directory, 'counts.json'))
    const store = new UpdateStore(options, parseCounts(saved?.toString()))
    await store.#recover()
    return store
  }

  get counts(): UpdateCounts & { readonly waiting: number } {
    return { ...this.#counts, waiting: this.#updates.size }
  }

  get bytes(): number {
    return [...this.#updates.values()].reduce((sum, { content }) => sum + content.bytes, 0)
  }

  /** Oldest first. */
  list(): readonly StoredUpdate[] {
    return [...this.#updates.values()].sort((a, b) => a.storedAt - b.storedAt)
  }

  has({ key }: StoredUpdate): boolean {
    return this.#updates.has(key)
  }

  /**
   * There when it resolves, so that it can be sent while its file is written; kept() tells the end of
   * that. OUTBOX_FULL where there is no room, then nothing is kept.
   */
  async put(content: UpdateContent, payload: Uint8Array): Promise<StoredUpdate> {
    await this.expire()
    const key = `${content.grId}-${content.sha256.slice(0, 16)}`
    const known = this.#updates.get(key)
    if (known) return known
    await this.#makeRoom(payload.length)
    const update = { key, content, storedAt: this.#options.clock.now() }
    this.#updates.set(key, update)
    this.#count('produced')
    const written = this.#write(update, payload)
    const kept = written.then(() => this.#sync(update))
    this.#writing.set(key, written)
    this.#kept.set(update, kept)
    this.#keeping = allEnded(this.#keeping, kept)
    return update
  }

  /**
   * Resolves when the update lasts through a power cut or was removed. Rejects with OUTBOX_FULL where
   * it could not be written; then it is not in the store any more.
   */
  async kept(update: StoredUpdate): Promise<void> {
    await this.#kept.get(update)
  }

  /** The bytes of the update, verified; null where the disk has lost them, which ends the update. */
  async payload(update: StoredUpdate): Promise<Uint8Array | null> {
    await this.#writing.get(update.key)?.catch(() => {})
    const file = await readHeadedFile(this.#pathOf(update.key)).catch(() => null)
    if (file && hashOf(file.bytes) === update.content.sha256) return file.bytes
    this.#options.log.error({ grId: update.content.grId }, 'stored update is damaged')
    await this.remove(update, 'dropped')
    return null
  }

  async remove(update: StoredUpdate, end: UpdateEnd): Promise<void> {
    if (!this.#updates.delete(update.key)) return
    this.#removals.get(update.key)?.()
    this.#count(end)
    await this.#writing.get(update.key)?.catch(() => {})
    await rm(this.#pathOf(update.key), { force: true })
  }

  /** Drops what is too old. */
  async expire(): Promise<void> {
    const { clock, ageMsMax, log } = this.#options
    for (const update of this.list()) {
      if (clock.now() - update.storedAt <= ageMsMax) continue
      log.warn({ grId: update.content.grId }, 'update expired before it could be delivered')
      await this.remove(update, 'dropped')
    }
  }

  /** Waits for the counts and the updates to be on disk. */
  async close(): Promise<void> {
    if (this.#countsTimer) this.#saveCounts()
    await this.#saving
    await this.#keeping
  }

  async #write(update: StoredUpdate, payload: Uint8Array): Promise<void> {
    const { key, content, storedAt } = update
    try {
      await writeHeadedFile(this.#pathOf(key), { storedAt, content }, payload, replaceFile)
    } catch (error) {
      if (this.#updates.delete(key)) this.#count('dropped')
      const message = `cannot store an update of ${payload.length} bytes: ${messageOf(error)}`
      throw new GainnetError('OUTBOX_FULL', message, { errno: errnoOf(error) }, { cause: error })
    } finally {
      this.#writing.delete(key)
    }
  }

  /** What the controller has by then costs the card of a board no write that is waited for. */
  async #sync({ key, content }: StoredUpdate): Promise<void> {
    if (!this.#updates.has(key)) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, SYNC_DELAY_MS)
      this.#removals.set(key, () => {
        clearTimeout(timer)
        resolve()
      })
    })
    this.#removals.delete(key)
    if (!this.#updates.has(key)) return
    await syncFile(this.#pathOf(key)).catch(err => {
      // Delivered and removed meanwhile.
      if (errnoOf(err) === 'ENOENT') return
      this.#options.log.error({ err, grId: content.grId }, 'update cannot be synced')
    })
  }

  #pathOf(key: string): string {
    return join(this.#options.directory, `${key}${SUFFIX}`)
  }

  async #makeRoom(bytes: number): Promise<void> {
    const { bytesMax, countMax, directory, log } = this.#options
    if (bytes > bytesMax) {
      throw new GainnetError('OUTBOX_FULL', `an update of ${bytes} bytes, at most ${bytesMax}`)
    }
    for (const oldest of this.list()) {
      if (this.bytes + bytes <= bytesMax && this.#updates.size < countMax) break
      log.warn({ grId: oldest.content.grId }, 'update dropped for newer ones')
      await this.remove(oldest, 'dropped')
    }
    // The kernel has these numbers at hand: to ask a thread for them takes longer.
    const { bavail, bsize } = statfsSync(directory)
    const freeBytes = bavail * bsize
    if (freeBytes < bytes + FREE_BYTES_MIN) {
      const message = `${freeBytes} bytes are free, ${bytes + FREE_BYTES_MIN} are needed`
      throw new GainnetError('OUTBOX_FULL', message, { freeBytes })
    }
  }

  async #recover(): Promise<void> {
    const { directory } = this.#options
    for (const name of await readdir(directory)) {
      if (name === 'counts.json') continue
      const path = join(directory, name)
      const found = name.endsWith(SUFFIX) ? await readManifest(path) : null
      const key = name.slice(0, -SUFFIX.length)
      if (found) this.#updates.set(key, { key, ...found })
      else await rm(path, { recursive: true, force: true })
    }
    // What the counts and the disk do not agree on was lost with the process.
    const { produced, stored, refused, dropped } = this.#counts
    const missing = produced - stored - refused - dropped - this.#updates.size
    if (missing > 0) this.#counts.dropped += missing
    else this.#counts.produced -= missing
  }

  #count(what: keyof UpdateCounts): void {
    this.#counts[what] += 1
    this.#countsTimer ??= setTimeout(() => this.#saveCounts(), COUNTS_DELAY_MS)
  }

  #saveCounts(): void {
    clearTimeout(this.#countsTimer)
    this.#countsTimer = undefined
    const path = join(this.#options.directory, 'counts.json')
    this.#saving = this.#saving
      .then(() => writeFileAtomic(path, JSON.stringify(this.#counts)))
      .catch(err => this.#options.log.warn({ err }, 'counts of updates cannot be saved'))
  }
}

async function readManifest(path: string): Promise<z.infer<typeof StoredManifest> | null> {
  const header = await readHeader(path).catch(() => undefined)
  return StoredManifest.safeParse(header).data ?? null
}

function parseCounts(json: string | undefined): UpdateCounts {
  const none = { produced: 0, stored: 0, refused: 0, dropped: 0 }
  try {
    return (json && Counts.safeParse(JSON.parse(json)).data) || none
  } catch {
    return none
  }
}
