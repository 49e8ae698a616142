import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { hashOf } from '../../protocol/blocks.ts'
import { Id } from '../../protocol/envelope.ts'
import { UpdateManifest } from '../../protocol/update.ts'
import { replaceFile, syncFile, writeFileAtomic } from '../../runtime/atomic-file.ts'
import { readHeadedFile, writeHeadedFile } from '../../runtime/headed-file.ts'
import type { Logger } from '../../runtime/logger.ts'

const Receipt = z.strictObject({ agentId: Id, manifest: UpdateManifest, storedAt: z.number() })

/** An update that is on the controller's disk. */
export type StoredUpdate = z.infer<typeof Receipt>

/** Receipts of updates whose bytes were released; older ones are forgotten. */
const RELEASED_MAX = 4096

/**
 * Received updates: `<agent>_<gr>.update` with receipt and bytes until they are released, then
 * `<agent>_<gr>.json`, the receipt alone, so that an agent which did not hear the answer hears it
 * again.
 */
export class UpdateFiles {
  readonly #directory: string
  readonly #log: Logger
  readonly #receipts = new Map<string, StoredUpdate>()
  /** Oldest first. */
  readonly #released = new Set<string>()

  private constructor(directory: string, log: Logger) {
    this.#directory = directory
    this.#log = log
  }

  static async open(directory: string, log: Logger): Promise<UpdateFiles> {
    const files = new UpdateFiles(directory, log)
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await files.#recover()
    return files
  }

  /** The receipt for this GR of this agent, whether its bytes are still here or not. */
  receiptOf(agentId: string, grId: number): StoredUpdate | undefined {
    return this.#receipts.get(keyOf(agentId, grId))
  }

  /** Updates whose bytes wait to be used, oldest first. */
  unreleased(): readonly StoredUpdate[] {
    return [...this.#receipts]
      .filter(([key]) => !this.#released.has(key))
      .map(([, receipt]) => receipt)
      .sort((a, b) => a.storedAt - b.storedAt)
  }

  /** On disk and synced when it resolves. */
  async store(receipt: StoredUpdate, bytes: Uint8Array): Promise<void> {
    const key = keyOf(receipt.agentId, receipt.manifest.grId)
    // Nothing is there yet that a power cut could damage, and what is half there is found by hash.
    await writeHeadedFile(this.#bytesPath(key), receipt, bytes, replaceFile)
    await syncFile(this.#bytesPath(key))
    this.#receipts.set(key, receipt)
  }

  /** The verified bytes, null where the disk has lost them. */
  async read({ agentId, manifest }: StoredUpdate): Promise<Uint8Array | null> {
    try {
      const file = await readHeadedFile(this.#bytesPath(keyOf(agentId, manifest.grId)))
      if (file && hashOf(file.bytes) === manifest.sha256) return file.bytes
      this.#log.warn({ agentId, grId: manifest.grId }, 'stored update was damaged')
    } catch (err) {
      this.#log.warn({ err, agentId }, 'stored update cannot be read')
    }
    return null
  }

  /** Frees the bytes; the receipt stays. */
  async release({ agentId, manifest }: StoredUpdate): Promise<void> {
    const key = keyOf(agentId, manifest.grId)
    const receipt = this.#receipts.get(key)
    if (!receipt || this.#released.has(key)) return
    this.#released.add(key)
    await writeFileAtomic(this.#receiptPath(key), JSON.stringify(receipt))
    await rm(this.#bytesPath(key), { force: true })
    await this.#forgetOldest()
  }

  #bytesPath(key: string): string {
    return join(this.#directory, `${key}.update`)
  }

  #receiptPath(key: string): string {
    return join(this.#directory, `${key}.json`)
  }

  async #forgetOldest(): Promise<void> {
    for (const key of this.#released) {
      if (this.#released.size <= RELEASED_MAX) return
      this.#released.delete(key)
      this.#receipts.delete(key)
      await rm(this.#receiptPath(key), { force: true })
    }
  }

  async #recover(): Promise<void> {
    const found = new Map<string, { receipt: StoredUpdate; isReleased: boolean }>()
    // In this order a receipt follows its bytes: where both are there, the release was under way.
    for (const name of (await readdir(this.#directory)).sort().reverse()) {
      const path = join(this.#directory, name)
      const key = name.replace(/\.(json|update)$/, '')
      const isReleased = name.endsWith('.json')
      const receipt = name === key ? null : await readReceipt(path, isReleased)
      if (receipt) found.set(key, { receipt, isReleased })
      else await rm(path, { force: true })
    }
    const oldestFirst = [...found].sort((a, b) => a[1].receipt.storedAt - b[1].receipt.storedAt)
    for (const [key, { receipt, isReleased }] of oldestFirst) {
      this.#receipts.set(key, receipt)
      if (!isReleased) continue
      this.#released.add(key)
      await rm(this.#bytesPath(key), { force: true })
    }
    await this.#forgetOldest()
  }
}

/** Null for what a power cut has damaged: it was not answered for, and comes again. */
async function readReceipt(path: string, isReleased: boolean): Promise<StoredUpdate | null> {
  try {
    if (isReleased) return Receipt.safeParse(JSON.parse(await readFile(path, 'utf8'))).data ?? null
    const file = await readHeadedFile(path)
    const receipt = Receipt.safeParse(file?.header).data
    return file && receipt?.manifest.sha256 === hashOf(file.bytes) ? receipt : null
  } catch {
    return null
  }
}

/** No id holds an underscore. */
function keyOf(agentId: string, grId: number): string {
  return `${agentId}_${grId}`
}
