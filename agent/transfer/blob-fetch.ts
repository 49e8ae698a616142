import { BlockAssembler, blockCountOf } from '../../protocol/blocks.ts'
import type { BlobReference } from '../../protocol/model-manifest.ts'
import type { WireSession } from '../../protocol/wire-session.ts'
import { GainnetError } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { BlobCache } from './blob-cache.ts'

export interface FetchedBlob {
  readonly bytes: Uint8Array
  /** Payload bytes that came over the wire for it, retries included; 0 from the cache. */
  readonly receivedBytes: number
  /** What the link did: bytes after the first block and the time they took. */
  readonly measured: { readonly bytes: number; readonly durationMs: number } | null
}

export interface FetchOptions {
  readonly deadlineMs: number
  readonly signal?: AbortSignal
}

/** Whole downloads whose hash is wrong before the blob is given up. */
const ATTEMPTS_MAX = 3

type Download =
  | { ok: true; bytes: Uint8Array; receivedBytes: number; measured: FetchedBlob['measured'] }
  | { ok: false; sha256: string; receivedBytes: number }

/** Fetches blobs that the controller has published once for the whole fleet. */
export class BlobFetcher {
  readonly #wire: WireSession
  readonly #cache: BlobCache | null
  readonly #bytesMax: number
  readonly #log: Logger
  readonly #running = new Map<string, Promise<FetchedBlob>>()

  constructor(options: {
    readonly wire: WireSession
    readonly cache: BlobCache | null
    /** Larger blobs are refused before anything is spent. */
    readonly bytesMax: number
    readonly log: Logger
  }) {
    this.#wire = options.wire
    this.#cache = options.cache
    this.#bytesMax = options.bytesMax
    this.#log = options.log
  }

  /**
   * The verified bytes. Rejects with MODEL_CORRUPT when they stay wrong, with DEADLINE_PASSED when
   * blocks are missing at the deadline. Two who ask for one blob share the first one's download.
   */
  fetch(reference: BlobReference, options: FetchOptions): Promise<FetchedBlob> {
    const { sha256 } = reference
    const running = this.#running.get(sha256)
    if (running) return running
    const started = this.#fetch(reference, options).finally(() => this.#running.delete(sha256))
    this.#running.set(sha256, started)
    return started
  }

  async #fetch(reference: BlobReference, options: FetchOptions): Promise<FetchedBlob> {
    const { sha256, bytes, blockBytes, blocks } = reference
    if (bytes > this.#bytesMax || blocks !== blockCountOf(bytes, blockBytes)) {
      const message = `blob of ${bytes} bytes in ${blocks} blocks, at most ${this.#bytesMax} bytes`
      throw new GainnetError('MODEL_INVALID', message, { sha256 })
    }
    const cached = await this.#cache?.get(sha256)
    if (cached) return { bytes: cached, receivedBytes: 0, measured: null }
    const deadlineAt = performance.now() + options.deadlineMs
    let receivedBytes = 0
    let actual = ''
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const download = await this.#download(reference, deadlineAt, options.signal)
      receivedBytes += download.receivedBytes
      if (download.ok) {
        // The disk is not waited for: training can begin.
        void this.#cache?.put(sha256, download.bytes)
        return { bytes: download.bytes, receivedBytes, measured: download.measured }
      }
      actual = download.sha256
      this.#log.warn({ sha256, actual, attempt }, 'blob does not match its hash')
    }
    const message = `blob ${sha256} came as ${actual}, ${ATTEMPTS_MAX} times`
    throw new GainnetError('MODEL_CORRUPT', message, { sha256, actual })
  }

  /** One subscription, until all blocks are there. Retained blocks come again after a reconnect. */
  async #download(
    reference: BlobReference,
    deadlineAt: number,
    signal?: AbortSignal,
  ): Promise<Download> {
    const assembler = new BlockAssembler(reference)
    let [receivedBytes, firstBytes, firstAt, lastAt] = [0, 0, 0, 0]
    let complete: () => void = () => {}
    const completed = new Promise<void>(resolve => {
      complete = resolve
    })
    const subscription = await this.#wire.onBytes(
      'blobBlock',
      { sha256: reference.sha256 },
      (block, { index }) => {
        receivedBytes += block.length
        const outcome = assembler.add(Number(index), block)
        if (outcome.kind === 'wrong') this.#log.warn({ reason: outcome.reason }, 'block not taken')
        if (outcome.kind !== 'taken') return
        lastAt = performance.now()
        if (firstBytes === 0) [firstAt, firstBytes] = [lastAt, block.length]
        if (assembler.isComplete) complete()
      },
    )
    try {
      await endOf(completed, { deadlineAt, signal, what: () => progressOf(reference, assembler) })
    } finally {
      // Goes out at once; its answer is of no interest.
      void subscription.unsubscribe()
    }
    const finished = assembler.finish()
    if (!finished.ok) return { ...finished, receivedBytes }
    const bytes = reference.bytes - firstBytes
    const measured = bytes > 0 ? { bytes, durationMs: lastAt - firstAt } : null
    return { ...finished, receivedBytes, measured }
  }
}

function progressOf({ sha256, blocks }: BlobReference, { missingCount }: BlockAssembler): string {
  return `${missingCount} of ${blocks} blocks of blob ${sha256} did not come`
}

async function endOf(
  work: Promise<void>,
  options: { deadlineAt: number; signal?: AbortSignal | undefined; what: () => string },
): Promise<void> {
  const { deadlineAt, signal, what } = options
  signal?.throwIfAborted()
  let timer: NodeJS.Timeout | undefined
  let onAbort: () => void = () => {}
  const ended = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new GainnetError('DEADLINE_PASSED', what())),
      Math.max(0, deadlineAt - performance.now()),
    )
    onAbort = () => reject(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
  try {
    await Promise.race([work, ended])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}
