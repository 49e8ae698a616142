import { join } from 'node:path'
import { writeFileAtomic } from '../../runtime/atomic-file.ts'
import { Backoff } from '../../runtime/backoff.ts'
import { GainnetError, hasCode, messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/seeded-random.ts'
import { CounterFile, type OutboxCounts } from './counter-file.ts'
import { MessageLog, type OpenFile } from './message-log.ts'
import { type OutgoingEntry, OutgoingWindow } from './outgoing-window.ts'
import { type OutboxOutcome, PendingQueue } from './pending-queue.ts'
import {
  encodeRecord,
  type MessageClass,
  type OutboxRecord,
  RECORD_BYTES_MAX,
  recordBytes,
} from './record-codec.ts'
import { droppedSum, recoverCounts } from './recover-counts.ts'

export interface OutboxMessage {
  readonly class: MessageClass
  readonly topic: string
  /** The final bytes: what is sent again carries the same session and sequence. */
  readonly payload: Uint8Array
}

export interface OutboxStatus {
  readonly produced: number
  readonly delivered: number
  readonly storedMessages: number
  readonly storedBytes: number
  readonly dropped: number
  readonly droppedFor: OutboxCounts['dropped']
  /** Why messages are not stored on disk now, null where they are. */
  readonly degraded: string | null
}

export interface MessageOutboxOptions {
  readonly directory: string
  readonly bytesMax: number
  /** Resolves on PUBACK; rejects as BrokerConnection.publish does. */
  readonly send: (topic: string, payload: Uint8Array) => Promise<void>
  readonly log: Logger
  readonly random: Random
  readonly onDegraded?: (reason: string | null) => void
  readonly onQuarantined?: (topic: string, file: string) => void
  readonly openFile?: OpenFile
}

/** Un-acknowledged at once: enough for a round trip of 100 ms at 160 messages a second. */
const IN_FLIGHT_MAX = 16
/** Messages kept in memory while the disk takes nothing. */
const MEMORY_BYTES_MAX = 256 * 1024
const SEGMENT_BYTES_MAX = 256 * 1024
const BATCH_MAX = 256
/** Counts lie behind by this long after a crash: then as many are sent twice, none is lost. */
const COUNTS_DELAY_MS = 200
/** Disconnects by the broker on one message that was alone on its way. */
const QUARANTINE_STRIKES = 2
const QUARANTINE_FILES_MAX = 16

/**
 * Durable store-and-forward: what is taken is delivered once the gate is open, in order, and leaves
 * the disk on PUBACK only. For any schedule of crashes, outages and full disks
 * produced = delivered + stored + dropped.
 */
export class MessageOutbox {
  readonly #options: MessageOutboxOptions
  readonly #messages: MessageLog
  readonly #counterFile: CounterFile
  readonly #counts: OutboxCounts
  readonly #window = new OutgoingWindow()
  readonly #retry: Backoff
  readonly #pending = new PendingQueue()
  /** The next record to load into the window. */
  #readFrom: number
  #disk: Promise<unknown> = Promise.resolve()
  #isOpen = false
  #isClosed = false
  #isFlushing = false
  #isPumping = false
  #isPumpedAgain = false
  #isSuspicious = false
  #strikes = 0
  #degraded: string | null = null
  #countsTimer: NodeJS.Timeout | undefined
  #diskTimer: NodeJS.Timeout | undefined
  #sendTimer: NodeJS.Timeout | undefined

  private constructor(
    options: MessageOutboxOptions,
    parts: { messages: MessageLog; counterFile: CounterFile; counts: OutboxCounts },
  ) {
    this.#options = options
    this.#messages = parts.messages
    this.#counterFile = parts.counterFile
    this.#counts = parts.counts
    this.#readFrom = parts.counts.deliveredBelow
    this.#retry = new Backoff({ firstMs: 1000, limitMs: 30_000, random: options.random })
  }

  /** Opens closed: nothing is sent before open(). */
  static async open(options: MessageOutboxOptions): Promise<MessageOutbox> {
    const { directory, bytesMax, log, openFile } = options
    const messages = await MessageLog.open({
      directory: join(directory, 'messages'),
      segmentBytes: Math.max(4096, Math.min(SEGMENT_BYTES_MAX, Math.floor(bytesMax / 16))),
      log,
      openFile,
    })
    const found = await CounterFile.open(join(directory, 'counts'))
    const counts = await recoverCounts(messages, found.counts)
    await found.file.write(counts).catch(err => log.warn({ err }, 'outbox cannot save its counts'))
    return new MessageOutbox(options, { messages, counterFile: found.file, counts })
  }

  get status(): OutboxStatus {
    const { delivered, nextIndex, dropped } = this.#counts
    const produced = nextIndex - 1
    const sum = droppedSum(this.#counts)
    return {
      produced,
      delivered,
      storedMessages: produced - delivered - sum,
      storedBytes: this.#messages.bytes + this.#pending.bytes,
      dropped: sum,
      droppedFor: { ...dropped },
      degraded: this.#degraded,
    }
  }

  /** Resolves when the message is on disk, or with what became of it instead. */
  append(message: OutboxMessage): Promise<OutboxOutcome> {
    if (this.#isClosed) {
      return Promise.reject(new GainnetError('OUTBOX_FULL', 'the outbox is closed'))
    }
    if (recordBytes(message) > RECORD_BYTES_MAX) {
      const reason = `${message.payload.length} bytes are no message of an outbox`
      return Promise.reject(new RangeError(reason))
    }
    const record = { ...message, index: this.#counts.nextIndex }
    this.#counts.nextIndex += 1
    const outcome = this.#pending.push(record)
    if (this.#degraded === null) this.#flush()
    else this.#holdInMemory()
    return outcome
  }

  /** Sends from now on: the broker is connected and somebody is there to take it. */
  open(): void {
    this.#isOpen = true
    this.#pump()
  }

  /** Keeps everything until open(). What is on its way may still be acknowledged. */
  hold(): void {
    this.#isOpen = false
    clearTimeout(this.#sendTimer)
  }

  /** Resolves when all that was taken is on disk, or cannot be. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.hold()
    this.#isClosed = true
    clearTimeout(this.#diskTimer)
    clearTimeout(this.#countsTimer)
    await this.#exclusively(() => this.#storePending()).catch(() => {})
    await this.#exclusively(() => this.#saveCounts()).catch(() => {})
    this.#pending.settleAll()
    await this.#exclusively(() => this.#messages.close()).catch(() => {})
    await this.#counterFile.close()
  }

  #flush(): void {
    if (this.#isFlushing) return
    this.#isFlushing = true
    void this.#exclusively(() => this.#storePending())
      .then(
        () => this.#recovered(),
        (error: unknown) => this.#degrade(error),
      )
      .finally(() => {
        this.#isFlushing = false
        if (this.#pending.size > 0 && this.#degraded === null && !this.#isClosed) this.#flush()
        this.#pump()
      })
  }

  async #storePending(): Promise<void> {
    while (this.#pending.size > 0) {
      const records = this.#pending.startBatch({ countMax: BATCH_MAX, bytesMax: SEGMENT_BYTES_MAX })
      try {
        await this.#makeRoom(records.reduce((sum, record) => sum + recordBytes(record), 0))
        await this.#messages.append(records)
      } catch (error) {
        this.#window.unpark()
        this.#pending.finishBatch(false)
        throw error
      }
      this.#pending.finishBatch(true)
      // The reader has come to the end: no need to read from disk what is at hand.
      if (this.#readFrom === records[0]?.index && this.#window.size < BATCH_MAX) {
        this.#window.push(records)
        this.#readFrom = (records.at(-1)?.index ?? 0) + 1
      }
    }
  }

  async #makeRoom(bytes: number): Promise<void> {
    if (this.#messages.bytes + bytes <= this.#options.bytesMax) return
    const { deliveredBelow } = this.#counts
    // Counts first: what is taken out while they lag behind would look lost.
    await this.#counterFile.write(this.#counts)
    while (this.#messages.bytes + bytes > this.#options.bytesMax) {
      const dropped = await this.#messages.clearOldest({
        isDead: index => index < deliveredBelow,
        isOnItsWay: index => this.#window.isOnItsWay(index),
        onLeaving: indices => this.#window.park(indices),
      })
      if (!dropped) return
      this.#counts.dropped.overflow += dropped.size
      this.#takeOut(dropped)
      if (dropped.size > 0) {
        this.#options.log.warn({ count: dropped.size }, 'outbox is full, oldest messages dropped')
      }
    }
    this.#scheduleCounts()
  }

  #degrade(error: unknown): void {
    const reason = messageOf(error)
    if (this.#degraded === null) {
      this.#options.log.error({ err: error }, 'outbox cannot write to disk')
      this.#degraded = reason
      this.#options.onDegraded?.(reason)
    }
    this.#holdInMemory()
    if (this.#isClosed) return
    clearTimeout(this.#diskTimer)
    this.#diskTimer = setTimeout(() => this.#flush(), this.#retry.nextMs())
  }

  #recovered(): void {
    this.#retry.reset()
    if (this.#degraded === null) return
    this.#degraded = null
    this.#options.log.info({}, 'outbox writes to disk again')
    this.#options.onDegraded?.(null)
  }

  /** Keeps the bound of what is in memory: the oldest event goes first, else the newest message. */
  #holdInMemory(): void {
    while (this.#pending.bytes > MEMORY_BYTES_MAX) {
      const victim = this.#pending.victim(index => this.#window.isOnItsWay(index))
      if (!victim) break
      const gone = new Set([victim.index])
      this.#pending.remove(gone, 'dropped')
      this.#counts.dropped.disk += 1
      this.#takeOut(gone)
    }
    this.#pending.settleAll()
    this.#scheduleCounts()
    this.#pump()
  }

  #pump(): void {
    this.#isPumpedAgain = true
    if (this.#isPumping) return
    this.#isPumping = true
    this.#isPumpedAgain = false
    void this.#sendAll()
      .catch(err => this.#options.log.error({ err }, 'outbox cannot read its messages'))
      .finally(() => {
        this.#isPumping = false
        if (this.#isPumpedAgain) this.#pump()
      })
  }

  async #sendAll(): Promise<void> {
    while (this.#isOpen && this.#window.inFlight < (this.#isSuspicious ? 1 : IN_FLIGHT_MAX)) {
      const entry = this.#window.nextWaiting()
      if (entry) this.#send(entry)
      else if (!(await this.#exclusively(() => this.#refill()))) return
    }
  }

  /** Loads what comes next into the window; false where there is nothing. */
  async #refill(): Promise<boolean> {
    if (this.#window.nextWaiting()) return true
    let records = await this.#messages.readFrom(this.#readFrom)
    if (records.length === 0 && this.#degraded !== null) {
      records = this.#pending.from(this.#readFrom)
    }
    const last = records.at(-1)
    if (!last) return false
    this.#window.push(records)
    this.#readFrom = last.index + 1
    return true
  }

  #send(entry: OutgoingEntry): void {
    this.#window.move(entry, 'in-flight')
    this.#options.send(entry.record.topic, entry.record.payload).then(
      () => {
        this.#window.move(entry, 'delivered')
        this.#delivered()
        this.#pump()
      },
      (error: unknown) => this.#failed(entry, error),
    )
  }

  #delivered(): void {
    const done = this.#window.takeDelivered()
    const last = done.at(-1)
    if (!last) return
    this.#isSuspicious = false
    this.#strikes = 0
    this.#counts.delivered += done.length
    this.#counts.deliveredBelow = last.index + 1
    const indices = new Set(done.map(({ index }) => index))
    this.#pending.remove(indices, 'memory')
    this.#scheduleCounts()
  }

  /** What stood behind these may now be the oldest, and delivered already. */
  #takeOut(indices: ReadonlySet<number>): void {
    this.#window.remove(indices)
    this.#delivered()
  }

  /**
   * A message on which the broker closes the connection would do so for ever: after the first time
   * the oldest goes alone, and if it goes twice alone before a disconnect it is set aside.
   */
  #failed(entry: OutgoingEntry, error: unknown): void {
    const wasAlone = this.#isSuspicious && this.#window.inFlight === 1
    this.#window.move(entry, 'waiting')
    const isBrokersDoing =
      hasCode(error, 'BROKER_UNREACHABLE') && error.details.ending === 'closed-by-peer'
    if (isBrokersDoing && entry === this.#window.head) {
      this.#isSuspicious = true
      if (wasAlone) this.#strikes += 1
      if (this.#strikes >= QUARANTINE_STRIKES) void this.#quarantine(entry.record)
    }
    clearTimeout(this.#sendTimer)
    if (this.#isOpen) this.#sendTimer = setTimeout(() => this.#pump(), 1000)
  }

  async #quarantine(record: OutboxRecord): Promise<void> {
    this.#strikes = 0
    const gone = new Set([record.index])
    this.#pending.remove(gone, 'dropped')
    this.#counts.dropped.quarantined += 1
    this.#counts.deliveredBelow = record.index + 1
    this.#takeOut(gone)
    this.#scheduleCounts()
    const slot = this.#counts.dropped.quarantined % QUARANTINE_FILES_MAX
    const file = join(this.#options.directory, 'quarantine', `${slot}.record`)
    const { topic } = record
    this.#options.log.error({ topic, file }, 'message set aside: the broker disconnects on it')
    await this.#exclusively(() => writeFileAtomic(file, encodeRecord(record))).catch(err => {
      this.#options.log.warn({ err, topic }, 'message could not be kept')
    })
    this.#options.onQuarantined?.(topic, file)
  }

  #scheduleCounts(): void {
    if (this.#countsTimer || this.#isClosed) return
    this.#countsTimer = setTimeout(() => {
      this.#countsTimer = undefined
      void this.#exclusively(() => this.#saveCounts()).catch(err => {
        this.#options.log.warn({ err }, 'outbox cannot save its counts')
        this.#scheduleCounts()
      })
    }, COUNTS_DELAY_MS)
  }

  /** Counts first: a segment that is gone while they lag behind would look lost. */
  async #saveCounts(): Promise<void> {
    const { deliveredBelow } = this.#counts
    await this.#counterFile.write(this.#counts)
    await this.#messages.removeBelow(deliveredBelow)
  }

  /** One piece of work on the disk after the other. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#disk.then(work, work)
    this.#disk = result.catch(() => {})
    return result
  }
}
