import { BlockAssembler, blockCountOf } from '../../protocol/blocks.ts'
import type { BlobReference } from '../../protocol/model-manifest.ts'
import type { WireSession } from '../../protocol/wire-session.ts'
import { GainnetError } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { TransferPace } from '../limits/transfer-pace.ts'
import type { TransferMeter } from '../measure/link/transfer-meter.ts'
import type { BlobCache } from './blob-cache.ts'
import { BlockSubscription } from './block-subscription.ts'

export interface FetchedBlob {
  readonly bytes: Uint8Array
  /** Payload bytes that came over the wire for it, retries included; 0 from the cache. */
  readonly receivedBytes: number
  /**
   * What the link did: bytes after the first block and the time they took. Null where a pace held the
   * blocks back, which says nothing of the link.
   */
  readonly measured: { readonly bytes: number; readonly durationMs: number } | null
}

export interface FetchOptions {
  readonly deadlineMs: number
  readonly signal?: AbortSignal
  /** What was granted to the download; as fast as the link gives it where left out. */
  readonly pace?: TransferPace | undefined
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
  readonly #meter: TransferMeter | undefined
  readonly #running = new Map<string, Promise<FetchedBlob>>()

  constructor(options: {
    readonly wire: WireSession
    readonly cache: BlobCache | null
    /** Larger blobs are refused before anything is spent. */
    readonly bytesMax: number
    /** Takes each download as a measurement of the link. */
    readonly meter?: TransferMeter
    readonly log: Logger
  }) {
    this.#wire = options.wire
    this.#cache = options.cache
    this.#bytesMax = options.bytesMax
    this.#log = options.log
    this.#meter = options.meter
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
      const download = await this.#download(reference, deadlineAt, options)
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

  /** Subscribed until all blocks are there. Retained blocks come again after a reconnect. */
  async #download(
    reference: BlobReference,
    deadlineAt: number,
    { signal, pace }: Pick<FetchOptions, 'signal' | 'pace'>,
  ): Promise<Download> {
    const assembler = new BlockAssembler(reference)
    let [receivedBytes, firstBytes, firstAt, lastAt] = [0, 0, 0, 0]
    let complete: () => void = () => {}
    const completed = new Promise<void>(resolve => {
      complete = resolve
    })
    const take = (block: Uint8Array, index: number): boolean => {
      receivedBytes += block.length
      const outcome = assembler.add(index, block)
      if (outcome.kind === 'wrong') this.#log.warn({ reason: outcome.reason }, 'block not taken')
      if (outcome.kind !== 'taken') return false
      lastAt = performance.now()
      if (firstBytes === 0) [firstAt, firstBytes] = [lastAt, block.length]
      if (assembler.isComplete) complete()
      return true
    }
    const { connection } = this.#wire
    const watched = this.#meter?.watch('down', () => connection.bytesReceived)
    const subscription = new BlockSubscription({ wire: this.#wire, reference, take })
    try {
      await endOf(Promise.all([subscription.ask(pace), completed]), {
        ...{ deadlineAt, signal },
        what: () => progressOf(reference, assembler),
      })
    } finally {
      watched?.end({ paceBitsPerSecond: pace?.bitsPerSecond })
      subscription.end()
    }
    const finished = assembler.finish()
    if (!finished.ok) return { ...finished, receivedBytes }
    const bytes = reference.bytes - firstBytes
    const isMeasured = bytes > 0 && !pace?.hasWaited
    const measured = isMeasured ? { bytes, durationMs: lastAt - firstAt } : null
    return { ...finished, receivedBytes, measured }
  }
}

function progressOf({ sha256, blocks }: BlobReference, { missingCount }: BlockAssembler): string {
  return `${missingCount} of ${blocks} blocks of blob ${sha256} did not come`
}

async function endOf(
  work: Promise<unknown>,
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
