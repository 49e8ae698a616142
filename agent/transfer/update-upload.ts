import { bitmapOf, cutBlocks, indicesOf } from '../../protocol/blocks.ts'
import type { Subscription } from '../../protocol/broker-connection.ts'
import { packetBytes } from '../../protocol/packet-bytes.ts'
import { topicFor } from '../../protocol/topics.ts'
import type { UpdateAck } from '../../protocol/update.ts'
import { sendInWindow } from '../../protocol/window.ts'
import type { WireSession } from '../../protocol/wire-session.ts'
import { allEnded } from '../../runtime/all-ended.ts'
import { hasCode, messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { TransferPace } from '../limits/transfer-pace.ts'
import type { TransferMeter } from '../measure/link/transfer-meter.ts'
import type { StoredUpdate, UpdateStore } from '../outbox/update-store.ts'

export type UploadOutcome =
  | {
      readonly status: 'stored' | 'refused'
      readonly reason?: string | undefined
      /** Payload bytes sent, repeated blocks included. */
      readonly sentBytes: number
      readonly durationMs: number
    }
  /** Still in the store: it goes on by itself when the uploader is started again. */
  | { readonly status: 'unanswered'; readonly reason: string }

/** Of one upload that begins in its slots; one from an earlier life has neither. */
export interface UploadHelp {
  /** The bytes, where the caller has them at hand. */
  readonly payload?: Uint8Array | undefined
  /** What was granted to it; goes on after its slots at the same rate. */
  readonly pace?: TransferPace | undefined
}

export interface UpdateUploaderOptions {
  readonly wire: WireSession
  readonly agentId: string
  readonly store: UpdateStore
  /** Takes each upload as a measurement of the link. */
  readonly meter?: TransferMeter | undefined
  readonly log: Logger
  /** Told of every end, of uploads from earlier lives of the daemon too. */
  readonly onEnd?: (update: StoredUpdate, outcome: UploadOutcome) => void
  /** How long to wait for an answer before the manifest is sent again. */
  readonly answerMs?: number
}

/** Un-acknowledged blocks: 2 MiB, enough to keep 100 Mbit/s busy over 150 ms. */
const WINDOW_BLOCKS = 8
const ANSWER_MS = 5000
/** Of a manifest on the wire, about: without its hashes, and a hash of a block in CBOR. */
const MANIFEST_BYTES = 800
const HASH_BYTES = 66
/** Messages of the link that an upload of small blocks may have on their way: it is not alone. */
const SMALL_BLOCKS_MAX = 24
/** Manifests without any answer while connected, before the upload rests until the next connect. */
const ASKS_MAX = 60

/**
 * Brings updates from the store to the controller: manifest, all blocks, then what the controller
 * still wants, until it says stored or refused. A broken connection or a restart goes on with what
 * is wanted, not from the start.
 */
export class UpdateUploader {
  readonly #options: UpdateUploaderOptions
  readonly #log: Logger
  readonly #running = new Map<string, Promise<UploadOutcome>>()
  readonly #answers = new Map<string, (ack: UpdateAck) => void>()
  readonly #wakeUps = new Set<() => void>()
  /** Uploads whose blocks were all sent once, so that only what is wanted is sent again. */
  readonly #begun = new Set<string>()
  #subscription: Subscription | undefined
  #removeListener: (() => void) | undefined
  #removing: Promise<unknown> = Promise.resolve()
  readonly #stopped = new AbortController()

  constructor(options: UpdateUploaderOptions) {
    this.#options = options
    this.#log = options.log
  }

  /** Listens for answers, and goes on with what is in the store now and at each connect. */
  async start(): Promise<void> {
    const { wire, agentId } = this.#options
    this.#subscription = await wire.on('updateAck', { agentId }, ack => {
      this.#answers.get(keyOf(ack))?.(ack)
    })
    this.#removeListener = wire.connection.onConnected(() => this.#resume())
    for (const { key } of this.#options.store.list()) this.#begun.add(key)
    if (wire.connection.isConnected) this.#resume()
  }

  async stop(): Promise<void> {
    this.#stopped.abort(new Error('the uploader stops'))
    this.#removeListener?.()
    for (const wakeUp of this.#wakeUps) wakeUp()
    await this.#subscription?.unsubscribe()
    await Promise.all(this.#running.values())
    await this.#removing
  }

  /**
   * Resolves with the end of the update, or when it is clear that none comes now. Never rejects.
   * The payload is read from the store where the caller does not have it at hand.
   */
  upload(update: StoredUpdate, help: UploadHelp = {}): Promise<UploadOutcome> {
    const running = this.#running.get(update.key)
    if (running) return running
    const started = this.#upload(update, help)
      .catch((error: unknown): UploadOutcome => {
        this.#log.error({ err: error, grId: update.content.grId }, 'upload failed')
        return { status: 'unanswered', reason: messageOf(error) }
      })
      .then(outcome => {
        this.#running.delete(update.key)
        if (outcome.status !== 'unanswered') this.#begun.delete(update.key)
        this.#options.onEnd?.(update, outcome)
        return outcome
      })
    this.#running.set(update.key, started)
    return started
  }

  #resume(): void {
    for (const wakeUp of this.#wakeUps) wakeUp()
    void this.#options.store
      .expire()
      .then(() => {
        for (const update of this.#options.store.list()) void this.upload(update)
      })
      .catch(err => this.#log.warn({ err }, 'stored updates cannot be resumed'))
  }

  get #isStopped(): boolean {
    return this.#stopped.signal.aborted
  }

  async #upload(update: StoredUpdate, help: UploadHelp): Promise<UploadOutcome> {
    const { store } = this.#options
    const payload = help.payload ?? (await store.payload(update))
    if (!payload)
      return { status: 'refused', reason: 'damaged on disk', sentBytes: 0, durationMs: 0 }
    const startedAt = performance.now()
    const session = new UploadSession(this.#options, {
      ...{ update, payload, pace: help.pace },
      signal: this.#stopped.signal,
    })
    this.#answers.set(update.key, ack => session.take(ack))
    try {
      for (let ask = 0; ask < ASKS_MAX && !this.#isStopped; ask++) {
        const end = await this.#round(session, update)
        if (end) {
          this.#remove(update, end.status)
          const durationMs = performance.now() - startedAt
          return { ...end, sentBytes: session.sentBytes, durationMs }
        }
        await store.expire()
        if (!store.has(update)) return { status: 'unanswered', reason: 'too old, dropped' }
        if (session.hasMoved()) ask = 0
      }
    } finally {
      this.#answers.delete(update.key)
    }
    const reason = this.#isStopped ? 'stopped' : 'the controller does not answer'
    return { status: 'unanswered', reason }
  }

  /** Its caller goes on: where the file stays, the controller gives the same answer once more. */
  #remove(update: StoredUpdate, end: 'stored' | 'refused'): void {
    const removed = this.#options.store.remove(update, end).catch(err => {
      this.#log.warn({ err, grId: update.content.grId }, 'update cannot be removed')
    })
    this.#removing = allEnded(this.#removing, removed)
  }

  /** Manifest, blocks, waiting; a lost connection ends the round, not the upload. */
  async #round(
    session: UploadSession,
    update: StoredUpdate,
  ): Promise<{ status: 'stored' | 'refused'; reason?: string | undefined } | null> {
    try {
      if (this.#begun.has(update.key)) await session.sendManifest()
      else {
        // One connection keeps the order: no need to wait for the manifest's acknowledgement.
        await Promise.all([session.sendManifest(), session.sendAll()])
        this.#begun.add(update.key)
      }
      while (!this.#isStopped) {
        const ack = await this.#waitFor(session)
        if (ack?.status === 'stored' || ack?.status === 'refused') {
          return { status: ack.status, reason: ack.reason }
        }
        if (!ack) return null
        await session.sendWanted(ack)
      }
    } catch (error) {
      if (this.#isStopped) return null
      if (!hasCode(error, 'BROKER_UNREACHABLE')) throw error
      // The controller knows what it has: after a break only that is sent which it asks for.
      if (session.sentBytes > 0) this.#begun.add(update.key)
      await this.#pause(session)
    }
    return null
  }

  async #waitFor(session: UploadSession): Promise<UpdateAck | null> {
    const answer = session.takeAnswer()
    if (answer) return answer
    await this.#pause(session)
    return session.takeAnswer()
  }

  /** Until an answer, a new connection, the stop, or the time an answer may take. */
  #pause(session: UploadSession): Promise<void> {
    return new Promise(resolve => {
      const wakeUp = (): void => {
        clearTimeout(timer)
        this.#wakeUps.delete(wakeUp)
        session.onAnswer = () => {}
        resolve()
      }
      const timer = setTimeout(wakeUp, this.#options.answerMs ?? ANSWER_MS)
      this.#wakeUps.add(wakeUp)
      session.onAnswer = wakeUp
    })
  }
}

/** What is known of one upload while it runs. */
class UploadSession {
  readonly #wire: WireSession
  readonly #agentId: string
  readonly #update: StoredUpdate
  readonly #blocks: readonly Uint8Array[]
  readonly #pace: TransferPace | undefined
  readonly #meter: TransferMeter | undefined
  readonly #signal: AbortSignal
  #sentBytes = 0
  #sentBytesSeen = 0
  #isSending = false
  #answer: UpdateAck | null = null
  onAnswer: () => void = () => {}

  constructor(
    { wire, agentId, meter }: UpdateUploaderOptions,
    o: {
      readonly update: StoredUpdate
      readonly payload: Uint8Array
      readonly pace: TransferPace | undefined
      /** Ends what waits for its pace. */
      readonly signal: AbortSignal
    },
  ) {
    this.#wire = wire
    this.#agentId = agentId
    this.#update = o.update
    this.#blocks = cutBlocks(o.payload, o.update.content.blockBytes)
    this.#pace = o.pace
    this.#meter = meter
    this.#signal = o.signal
  }

  get sentBytes(): number {
    return this.#sentBytes
  }

  /** Whether blocks were sent since this was last asked. */
  hasMoved(): boolean {
    const hasMoved = this.#sentBytes > this.#sentBytesSeen
    this.#sentBytesSeen = this.#sentBytes
    return hasMoved
  }

  take(ack: UpdateAck): void {
    // What is wanted while blocks are on their way is out of date when they have arrived.
    if (this.#isSending && ack.status === 'wanted') return
    this.#answer = ack
    this.onAnswer()
  }

  takeAnswer(): UpdateAck | null {
    const answer = this.#answer
    this.#answer = null
    return answer
  }

  async sendManifest(): Promise<void> {
    const { content } = this.#update
    const { grId } = content
    this.#pace?.spend(MANIFEST_BYTES + content.blockHashes.length * HASH_BYTES)
    await this.#wire.publish('updateManifest', { agentId: this.#agentId, grId }, content)
  }

  sendAll(): Promise<void> {
    return this.#send(this.#blocks.map((_, index) => index))
  }

  sendWanted({ wanted }: UpdateAck): Promise<void> {
    const count = this.#blocks.length
    return this.#send(indicesOf(wanted ?? bitmapOf(count, () => true), count))
  }

  async #send(indices: readonly number[]): Promise<void> {
    const { grId } = this.#update.content
    this.#isSending = true
    if (this.#answer?.status === 'wanted') this.#answer = null
    const watched = this.#meter?.watch('up')
    try {
      const isWanted = (): boolean => this.#answer === null
      await sendInWindow(indices, { size: this.#windowBlocks(), isWanted }, async index => {
        const block = this.#blocks[index] ?? new Uint8Array(0)
        const parameters = { agentId: this.#agentId, grId, index }
        if (this.#pace) {
          const topic = topicFor(this.#wire.site, 'updateBlock', parameters)
          await this.#pace.take(packetBytes(topic, block.length), this.#signal)
          if (!isWanted()) return
        }
        await this.#wire.publishBytes('updateBlock', parameters, block)
        this.#sentBytes += block.length
        watched?.add(block.length)
      })
    } finally {
      watched?.end({ paceBitsPerSecond: this.#pace?.bitsPerSecond })
      this.#isSending = false
    }
  }

  /** The same time on the way, however small the blocks of a pace are. */
  #windowBlocks(): number {
    if (!this.#pace) return WINDOW_BLOCKS
    const fitting = Math.ceil(this.#pace.windowBytes / this.#update.content.blockBytes)
    return Math.min(SMALL_BLOCKS_MAX, Math.max(WINDOW_BLOCKS, fitting))
  }
}

function keyOf({ grId, sha256 }: UpdateAck): string {
  return `${grId}-${sha256.slice(0, 16)}`
}
