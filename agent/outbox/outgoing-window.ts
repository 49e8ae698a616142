import type { OutboxRecord } from './record-codec.ts'

export interface OutgoingEntry {
  readonly record: OutboxRecord
  phase: 'waiting' | 'parked' | 'in-flight' | 'delivered'
}

/** The oldest part of the outbox, in memory, in order: what is on its way and what goes next. */
export class OutgoingWindow {
  #entries: OutgoingEntry[] = []
  #inFlight = 0

  get inFlight(): number {
    return this.#inFlight
  }

  get size(): number {
    return this.#entries.length
  }

  get head(): OutgoingEntry | undefined {
    return this.#entries[0]
  }

  nextWaiting(): OutgoingEntry | undefined {
    return this.#entries.find(({ phase }) => phase === 'waiting')
  }

  push(records: readonly OutboxRecord[]): void {
    for (const record of records) this.#entries.push({ record, phase: 'waiting' })
  }

  move(entry: OutgoingEntry, phase: OutgoingEntry['phase']): void {
    if (entry.phase === 'in-flight') this.#inFlight -= 1
    if (phase === 'in-flight') this.#inFlight += 1
    entry.phase = phase
  }

  /** Sent; the answer may be there, but older ones are still open. */
  isOnItsWay(index: number): boolean {
    return this.#entries.some(
      ({ record, phase }) =>
        record.index === index && (phase === 'in-flight' || phase === 'delivered'),
    )
  }

  /** Not sent until unpark() or remove(). */
  park(indices: ReadonlySet<number>): void {
    for (const entry of this.#entries) {
      if (entry.phase === 'waiting' && indices.has(entry.record.index)) entry.phase = 'parked'
    }
  }

  unpark(): void {
    for (const entry of this.#entries) if (entry.phase === 'parked') entry.phase = 'waiting'
  }

  /** Takes the delivered ones off the front and returns them. */
  takeDelivered(): readonly OutboxRecord[] {
    const end = this.#entries.findIndex(({ phase }) => phase !== 'delivered')
    const count = end < 0 ? this.#entries.length : end
    return this.#entries.splice(0, count).map(({ record }) => record)
  }

  remove(indices: ReadonlySet<number>): void {
    this.#entries = this.#entries.filter(({ record }) => !indices.has(record.index))
  }
}
