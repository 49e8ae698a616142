import type { Subscription } from '../../protocol/broker-connection.ts'
import type { BlobReference } from '../../protocol/model-manifest.ts'
import { packetBytes } from '../../protocol/packet-bytes.ts'
import { topicFor } from '../../protocol/topics.ts'
import type { WireSession } from '../../protocol/wire-session.ts'
import type { TransferPace } from '../limits/transfer-pace.ts'

/** Tells whether the block is one that was missing. */
export type TakeBlock = (block: Uint8Array, index: number) => boolean

/** Blocks that may be on their way at least, so that one that is slow does not stop the others. */
const WINDOW_BLOCKS_MIN = 2

/**
 * Asks the broker for the blocks of one blob. They lie there retained and come as fast as the link
 * gives them from the moment that they are subscribed: who must not be faster than a pace subscribes
 * one after the other, each when it is paid for.
 */
export class BlockSubscription {
  readonly #wire: WireSession
  readonly #reference: BlobReference
  readonly #take: TakeBlock
  readonly #ended = new AbortController()
  readonly #subscriptions = new Map<number, Promise<Subscription>>()
  #onArrival: () => void = () => {}

  constructor(options: {
    readonly wire: WireSession
    readonly reference: BlobReference
    readonly take: TakeBlock
  }) {
    this.#wire = options.wire
    this.#reference = options.reference
    this.#take = options.take
  }

  /** Resolves when everything is asked for; rejects where the broker refuses it. */
  async ask(pace: TransferPace | undefined): Promise<void> {
    const { bytes, blocks } = this.#reference
    if (pace && blocks > 1 && !pace.isBurst(bytes)) await this.#askInPace(pace)
    else {
      await pace?.take(bytes, this.#ended.signal)
      await this.#askForAll()
    }
  }

  /** Goes out at once; the answers are of no interest. */
  end(): void {
    this.#ended.abort(new Error('the download is over'))
    for (const index of [...this.#subscriptions.keys()]) this.#leave(index)
    this.#onArrival()
  }

  async #askForAll(): Promise<void> {
    const { sha256 } = this.#reference
    const subscribing = this.#wire.onBytes('blobBlock', { sha256 }, (block, { index }) => {
      this.#take(block, Number(index))
    })
    await this.#keep(-1, subscribing)
  }

  async #askInPace(pace: TransferPace): Promise<void> {
    const { sha256, bytes, blockBytes, blocks } = this.#reference
    const windowBlocks = Math.max(WINDOW_BLOCKS_MIN, Math.ceil(pace.windowBytes / blockBytes))
    for (let index = 0; index < blocks; index++) {
      while (this.#subscriptions.size >= windowBlocks) await this.#arrival()
      const size = Math.min(blockBytes, bytes - index * blockBytes)
      const topic = topicFor(this.#wire.site, 'blobBlock', { sha256, index })
      await pace.take(packetBytes(topic, size), this.#ended.signal)
      const subscribing = this.#wire.onBytes('blobBlock', { sha256, index }, block => {
        if (!this.#take(block, index)) return
        this.#leave(index)
        this.#onArrival()
      })
      // The answer is not waited for: the block is on its way.
      this.#keep(index, subscribing).catch(() => {})
    }
    await Promise.all(this.#subscriptions.values())
  }

  async #keep(index: number, subscribing: Promise<Subscription>): Promise<void> {
    this.#subscriptions.set(index, subscribing)
    await subscribing
    if (this.#ended.signal.aborted) this.#leave(index)
  }

  /** It would come again after a reconnect. */
  #leave(index: number): void {
    const subscribing = this.#subscriptions.get(index)
    this.#subscriptions.delete(index)
    subscribing?.then(subscription => subscription.unsubscribe()).catch(() => {})
  }

  #arrival(): Promise<void> {
    this.#ended.signal.throwIfAborted()
    return new Promise(resolve => {
      this.#onArrival = resolve
    })
  }
}
