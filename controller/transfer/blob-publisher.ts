import { z } from 'zod'
import { cutBlocks, hashOf } from '../../protocol/blocks.ts'
import { Hash } from '../../protocol/envelope.ts'
import type { BlobReference } from '../../protocol/model-manifest.ts'
import { BLOCK_BYTES_MAX } from '../../protocol/update.ts'
import { sendInWindow } from '../../protocol/window.ts'
import type { WireSession } from '../../protocol/wire-session.ts'
import { readFileIfThere, replaceFile } from '../../runtime/atomic-file.ts'
import { hasCode } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'

/** Un-acknowledged blocks at once. */
const WINDOW_BLOCKS = 8

/** Blocks of a blob, where that makes them neither too small nor too large. */
const BLOCKS_WANTED = 32
const BLOCK_BYTES_MIN = 32 * 1024

/** What this controller has left on the broker, by number of blocks. */
const Ledger = z.record(Hash, z.int().min(1))

export interface BlobPublisherOptions {
  readonly wire: WireSession
  /** Where it is noted which blobs lie on the broker, so that a later life can take them off. */
  readonly ledgerPath: string
  readonly blockBytes?: number
  readonly log: Logger
}

interface LiveBlob {
  readonly blocks: readonly Uint8Array[]
  /** When its first sending has ended. */
  readonly sent: Promise<void>
}

/**
 * Puts blobs on the broker as retained blocks, once for the whole fleet, and takes them off again.
 * A broker that was restarted may have lost them: at each new connection they are published anew.
 */
export class BlobPublisher {
  readonly #options: BlobPublisherOptions
  readonly #live = new Map<string, LiveBlob>()
  /** Blobs that may lie on the broker, live ones included. */
  readonly #onBroker: Map<string, number>
  readonly #removeListener: () => void
  #work: Promise<void> = Promise.resolve()
  #saving: Promise<void> = Promise.resolve()

  private constructor(options: BlobPublisherOptions, onBroker: Map<string, number>) {
    this.#options = options
    this.#onBroker = onBroker
    this.#removeListener = options.wire.connection.onConnected(() => this.#restore())
  }

  static async open(options: BlobPublisherOptions): Promise<BlobPublisher> {
    const saved = await readFileIfThere(options.ledgerPath)
    return new BlobPublisher(options, parseLedger(saved?.toString()))
  }

  /** How to fetch a blob of this size that is or will be published. */
  referenceOf(sha256: string, bytes: number): BlobReference {
    const blockBytes = this.#options.blockBytes ?? blockBytesOf(bytes)
    return { sha256, bytes, blockBytes, blocks: Math.ceil(bytes / blockBytes) }
  }

  /**
   * Publishes the blob where it is not yet, and resolves when the broker has all of it. Without a
   * broker it is kept and published at the next connection, and the promise resolves at once.
   */
  async publish(bytes: Uint8Array, sha256 = hashOf(bytes)): Promise<BlobReference> {
    const reference = this.referenceOf(sha256, bytes.length)
    const live = this.#live.get(sha256)
    await (live?.sent ?? this.#begin(sha256, cutBlocks(bytes, reference.blockBytes)))
    return reference
  }

  /** Whether it was published and not retired since. */
  has(sha256: string): boolean {
    return this.#live.has(sha256)
  }

  /** Publishes a live blob again, e.g. because an agent says that its blocks are damaged. */
  republish(sha256: string): Promise<void> {
    return this.#inOrder(() => this.#send(sha256))
  }

  /** Takes the blob off the broker; at the next connection where there is none now. */
  retire(sha256: string): Promise<void> {
    this.#live.delete(sha256)
    return this.#inOrder(() => this.#clear(sha256))
  }

  /** Takes off what earlier lives have left and this one does not publish. */
  async retireOthers(): Promise<void> {
    const others = [...this.#onBroker.keys()].filter(sha256 => !this.#live.has(sha256))
    for (const sha256 of others) await this.retire(sha256)
  }

  async stop(): Promise<void> {
    this.#removeListener()
    await this.#work
    await this.#saving
  }

  #begin(sha256: string, blocks: readonly Uint8Array[]): Promise<void> {
    const sent = this.#inOrder(() => this.#send(sha256))
    this.#live.set(sha256, { blocks, sent })
    this.#onBroker.set(sha256, blocks.length)
    this.#saveLedger()
    return sent
  }

  #restore(): Promise<void> {
    return this.#inOrder(async () => {
      for (const sha256 of [...this.#onBroker.keys()]) {
        if (this.#live.has(sha256)) await this.#send(sha256)
      }
    })
  }

  async #send(sha256: string): Promise<void> {
    const blocks = this.#live.get(sha256)?.blocks ?? []
    await sendInWindow([...blocks.entries()], { size: WINDOW_BLOCKS }, ([index, block]) =>
      this.#options.wire.publishBytes('blobBlock', { sha256, index }, block),
    )
  }

  async #clear(sha256: string): Promise<void> {
    const count = this.#onBroker.get(sha256)
    // Published again since it was retired.
    if (count === undefined || this.#live.has(sha256)) return
    const indices = Array.from({ length: count }, (_, index) => index)
    await sendInWindow(indices, { size: WINDOW_BLOCKS }, index =>
      this.#options.wire.clearRetained('blobBlock', { sha256, index }),
    )
    this.#onBroker.delete(sha256)
    this.#saveLedger()
  }

  /**
   * Nobody waits for it: after a crash at a bad moment a blob stays on the broker, which costs
   * memory there and nothing else.
   */
  #saveLedger(): void {
    this.#saving = this.#saving.then(async () => {
      const json = JSON.stringify(Object.fromEntries(this.#onBroker))
      await replaceFile(this.#options.ledgerPath, json).catch(err => {
        this.#options.log.warn({ err }, 'list of published blobs cannot be saved')
      })
    })
  }

  /** One after the other, so that a blob is never cleared while it is sent. */
  #inOrder(work: () => Promise<void>): Promise<void> {
    const result = this.#work.then(work).catch((error: unknown) => {
      // The next connection does it again.
      if (!hasCode(error, 'BROKER_UNREACHABLE')) throw error
      this.#options.log.warn({ err: error }, 'blob waits for the broker')
    })
    this.#work = result.catch(() => {})
    return result
  }
}

/** Who may only have so much of the link fetches a blob block by block, which must be part of it. */
function blockBytesOf(bytes: number): number {
  const part = Math.ceil(bytes / BLOCKS_WANTED)
  return Math.min(BLOCK_BYTES_MAX, Math.max(BLOCK_BYTES_MIN, part))
}

function parseLedger(json: string | undefined): Map<string, number> {
  try {
    const parsed = Ledger.safeParse(JSON.parse(json ?? '{}'))
    return new Map(Object.entries(parsed.data ?? {}))
  } catch {
    return new Map()
  }
}
