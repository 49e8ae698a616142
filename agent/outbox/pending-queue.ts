import { type OutboxRecord, recordBytes } from './record-codec.ts'

/** `memory`: the disk takes nothing now; it is sent all the same, and stored when the disk does. */
export type OutboxOutcome = 'stored' | 'memory' | 'dropped'

interface Pending {
  readonly record: OutboxRecord
  readonly bytes: number
  settle(outcome: OutboxOutcome): void
}

/** Messages that were taken and are not yet on disk, in order. */
export class PendingQueue {
  #entries: Pending[] = []
  #bytes = 0
  /** Indices that are being written: whether they are on disk is open. */
  #writing: ReadonlySet<number> = new Set()

  get bytes(): number {
    return this.#bytes
  }

  get size(): number {
    return this.#entries.length
  }

  /** Resolves with what became of the record. */
  push(record: OutboxRecord): Promise<OutboxOutcome> {
    return new Promise(settle => {
      const bytes = recordBytes(record)
      this.#entries.push({ record, bytes, settle })
      this.#bytes += bytes
    })
  }

  from(index: number): readonly OutboxRecord[] {
    return this.#entries.map(({ record }) => record).filter(record => record.index >= index)
  }

  /** The oldest ones, to be written together. Ends with finish(). */
  startBatch(limits: { countMax: number; bytesMax: number }): readonly OutboxRecord[] {
    const batch: OutboxRecord[] = []
    let bytes = 0
    for (const entry of this.#entries) {
      bytes += entry.bytes
      if (batch.length > 0 && (batch.length === limits.countMax || bytes > limits.bytesMax)) break
      batch.push(entry.record)
    }
    this.#writing = new Set(batch.map(({ index }) => index))
    return batch
  }

  finishBatch(isStored: boolean): void {
    const written = this.#writing
    this.#writing = new Set()
    if (isStored) this.remove(written, 'stored')
  }

  remove(indices: ReadonlySet<number>, outcome: OutboxOutcome): void {
    this.#entries = this.#entries.filter(entry => {
      if (!indices.has(entry.record.index)) return true
      this.#bytes -= entry.bytes
      entry.settle(outcome)
      return false
    })
  }

  /** The one to give up when memory is short: the oldest event, else the newest message. */
  victim(isInFlight: (index: number) => boolean): OutboxRecord | undefined {
    const isFree = ({ record: { index } }: Pending): boolean =>
      !this.#writing.has(index) && !isInFlight(index)
    const entry =
      this.#entries.find(one => one.record.class === 'event' && isFree(one)) ??
      this.#entries.findLast(isFree)
    return entry?.record
  }

  /** Tells all who wait that it stays in memory for now. */
  settleAll(): void {
    for (const { settle } of this.#entries) settle('memory')
  }
}
