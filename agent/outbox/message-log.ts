import { type FileHandle, mkdir, open, readdir, readFile, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { syncDirectory, writeFileAtomic } from '../../runtime/atomic-file.ts'
import type { Logger } from '../../runtime/logger.ts'
import { decodeRecords, encodeRecord, type OutboxRecord } from './record-codec.ts'

interface Segment {
  readonly path: string
  bytes: number
  records: number
  /** Of the newest record, 0 where there is none. */
  lastIndex: number
}

/** Opens the file of a segment; a parameter, so that tests can fill a disk without one. */
export type OpenFile = (path: string, flags: string) => Promise<FileHandle>

/** What may be taken out of the log to make room. */
export interface Clearing {
  /** Already delivered: taken out without loss. */
  isDead(index: number): boolean
  /** On its way: kept whatever its class. */
  isOnItsWay(index: number): boolean
  /** Told before the disk is touched, so that none of these is sent meanwhile. */
  onLeaving(indices: ReadonlySet<number>): void
}

/**
 * Messages on disk in the order of their indices, in segments that are only appended to and removed
 * as a whole. A record counts as stored when it has been synced. Not safe for calls that overlap:
 * the outbox makes them one after the other.
 */
export class MessageLog {
  readonly #directory: string
  readonly #segmentBytes: number
  readonly #openFile: OpenFile
  readonly #segments: Segment[] = []
  #active: { file: FileHandle; segment: Segment } | undefined

  private constructor(directory: string, segmentBytes: number, openFile: OpenFile) {
    this.#directory = directory
    this.#segmentBytes = segmentBytes
    this.#openFile = openFile
  }

  /** Reads what is there; a torn or damaged end of a segment is cut off. */
  static async open(options: {
    readonly directory: string
    readonly segmentBytes: number
    readonly log: Logger
    readonly openFile?: OpenFile | undefined
  }): Promise<MessageLog> {
    const log = new MessageLog(options.directory, options.segmentBytes, options.openFile ?? open)
    await mkdir(options.directory, { recursive: true, mode: 0o700 })
    const names = (await readdir(options.directory)).sort()
    for (const name of names) {
      if (name.endsWith('.log')) await log.#recover(join(options.directory, name), options.log)
      else if (name.endsWith('.tmp')) await rm(join(options.directory, name), { force: true })
    }
    return log
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Index of the newest record, 0 where there is none. */
  get lastIndex(): number {
    return this.#segments.at(-1)?.lastIndex ?? 0
  }

  /** Records with this index or a larger one. */
  async countFrom(index: number): Promise<number> {
    let count = 0
    for (const segment of this.#segments.filter(({ lastIndex }) => lastIndex >= index)) {
      count += (await this.#read(segment)).filter(record => record.index >= index).length
    }
    return count
  }

  /** Index of the oldest record, 0 where there is none. */
  async firstIndex(): Promise<number> {
    const [segment] = this.#segments
    return segment ? ((await this.#read(segment))[0]?.index ?? 0) : 0
  }

  /** Synced when it resolves; when it rejects, none of the records is in the log. */
  async append(records: readonly OutboxRecord[]): Promise<void> {
    const last = records.at(-1)
    if (!last) return
    const { file, segment } = await this.#activeSegment(records[0] as OutboxRecord)
    const bytes = Buffer.concat(records.map(encodeRecord))
    try {
      await writeAll(file, bytes, segment.bytes)
      await file.datasync()
    } catch (error) {
      await this.#giveUpActive()
      throw error
    }
    segment.bytes += bytes.length
    segment.records += records.length
    segment.lastIndex = last.index
    if (segment.bytes >= this.#segmentBytes) await this.#roll()
  }

  /** The records of one segment from this index on: the oldest segment that has any. */
  async readFrom(index: number): Promise<readonly OutboxRecord[]> {
    const segment = this.#segments.find(({ lastIndex }) => lastIndex >= index)
    if (!segment) return []
    return (await this.#read(segment)).filter(record => record.index >= index)
  }

  /** Removes the segments in which nothing has this index or a larger one. */
  async removeBelow(index: number): Promise<void> {
    for (const segment of [...this.#segments]) {
      if (segment.lastIndex >= index) return
      if (segment !== this.#active?.segment) await this.#remove(segment)
    }
  }

  /**
   * Frees space in one segment and returns the indices that were dropped; null where nothing can be
   * freed. First the oldest segment that holds events or dead records gives those up, then the
   * oldest segment everything.
   */
  async clearOldest(clearing: Clearing): Promise<ReadonlySet<number> | null> {
    for (const mayDropStatus of [false, true]) {
      for (const segment of [...this.#segments]) {
        const alive = (await this.#read(segment)).filter(({ index }) => !clearing.isDead(index))
        const kept = alive.filter(
          record =>
            clearing.isOnItsWay(record.index) || (record.class === 'status' && !mayDropStatus),
        )
        if (kept.length === segment.records) continue
        const keptIndices = new Set(kept.map(({ index }) => index))
        const leaving = alive.map(({ index }) => index).filter(index => !keptIndices.has(index))
        const dropped = new Set(leaving)
        clearing.onLeaving(dropped)
        await this.#rewrite(segment, kept)
        return dropped
      }
    }
    return null
  }

  async close(): Promise<void> {
    await this.#roll()
  }

  async #recover(path: string, log: Logger): Promise<void> {
    const bytes = await readFile(path)
    const { records, goodBytes } = decodeRecords(bytes)
    if (goodBytes < bytes.length) {
      log.warn({ path, bytesCut: bytes.length - goodBytes }, 'end of an outbox segment was damaged')
      await truncate(path, goodBytes)
    }
    const segment: Segment = { path, bytes: goodBytes, records: 0, lastIndex: 0 }
    this.#segments.push(segment)
    for (const record of this.#inOrder(records)) {
      segment.records += 1
      segment.lastIndex = record.index
    }
    if (segment.records === 0) await this.#remove(segment)
  }

  /** Without what a failed sync may have left behind a second time. */
  #inOrder(records: readonly OutboxRecord[]): OutboxRecord[] {
    let last = this.#segments.at(-2)?.lastIndex ?? 0
    return records.filter(({ index }) => {
      if (index <= last) return false
      last = index
      return true
    })
  }

  async #read(segment: Segment): Promise<readonly OutboxRecord[]> {
    const bytes = (await readFile(segment.path)).subarray(0, segment.bytes)
    const place = this.#segments.indexOf(segment)
    const before = place > 0 ? (this.#segments[place - 1]?.lastIndex ?? 0) : 0
    return decodeRecords(bytes).records.filter(({ index }) => index > before)
  }

  async #activeSegment(first: OutboxRecord): Promise<{ file: FileHandle; segment: Segment }> {
    if (this.#active) return this.#active
    const path = join(this.#directory, `${String(first.index).padStart(16, '0')}.log`)
    const file = await this.#openFile(path, 'w')
    try {
      await syncDirectory(this.#directory)
    } catch (error) {
      await file.close()
      throw error
    }
    const segment: Segment = { path, bytes: 0, records: 0, lastIndex: this.lastIndex }
    this.#segments.push(segment)
    this.#active = { file, segment }
    return this.#active
  }

  /**
   * After a failed write or sync nobody knows what of it is on disk (a second sync may say yes to
   * pages that were thrown away): the segment ends at its last good record, a new one begins.
   */
  async #giveUpActive(): Promise<void> {
    if (!this.#active) return
    const { file, segment } = this.#active
    this.#active = undefined
    await file.truncate(segment.bytes).catch(() => {})
    await file.close().catch(() => {})
    if (segment.records === 0) await this.#remove(segment).catch(() => {})
  }

  async #roll(): Promise<void> {
    const active = this.#active
    this.#active = undefined
    await active?.file.close()
    if (active && active.segment.records === 0) await this.#remove(active.segment)
  }

  async #rewrite(segment: Segment, kept: readonly OutboxRecord[]): Promise<void> {
    if (segment === this.#active?.segment) await this.#roll()
    const last = kept.at(-1)
    if (!last) return this.#remove(segment)
    const bytes = Buffer.concat(kept.map(encodeRecord))
    await writeFileAtomic(segment.path, bytes)
    segment.bytes = bytes.length
    segment.records = kept.length
    segment.lastIndex = last.index
  }

  async #remove(segment: Segment): Promise<void> {
    await rm(segment.path, { force: true })
    const place = this.#segments.indexOf(segment)
    if (place >= 0) this.#segments.splice(place, 1)
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    const rest = bytes.length - written
    written += (await file.write(bytes, written, rest, position + written)).bytesWritten
  }
}
