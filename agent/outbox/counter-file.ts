import { type FileHandle, open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { readFileIfThere, writeFileAtomic } from '../../runtime/atomic-file.ts'

const Count = z.int().min(0)

export const OutboxCounts = z.strictObject({
  /** Messages with a smaller index are delivered or dropped. Indices count from 1. */
  deliveredBelow: z.int().min(1),
  /** The index of the next message: one more than were ever produced. */
  nextIndex: z.int().min(1),
  delivered: Count,
  dropped: z.strictObject({
    /** Pushed out by newer ones at the bound of the outbox. */
    overflow: Count,
    /** The disk took nothing and the memory bound was reached. */
    disk: Count,
    /** Set aside because the broker twice closed the connection on them. */
    quarantined: Count,
    /** Lost with the process or damaged on disk. */
    crash: Count,
  }),
})
export type OutboxCounts = z.infer<typeof OutboxCounts>

/** Each in a block of its own, so that no torn write can reach both. */
const SLOT_BYTES = 4096

/**
 * The counts of the outbox, in a file that has its full size from the start: a full disk still takes
 * them, since only bytes that exist are overwritten. Two slots are written in turns, each with a
 * CRC; after a power cut one of them is whole.
 */
export class CounterFile {
  readonly #file: FileHandle
  #generation: number

  private constructor(file: FileHandle, generation: number) {
    this.#file = file
    this.#generation = generation
  }

  /** The file and its counts, null where there are none (new, or both slots damaged). */
  static async open(path: string): Promise<{ file: CounterFile; counts: OutboxCounts | null }> {
    const found = await readFileIfThere(path)
    if (found?.length !== 2 * SLOT_BYTES) await writeFileAtomic(path, Buffer.alloc(2 * SLOT_BYTES))
    const slots = [0, 1].map(slot => found && decodeSlot(found.subarray(slot * SLOT_BYTES)))
    const [newest] = slots
      .filter(slot => slot !== undefined && slot !== null)
      .sort((a, b) => b.generation - a.generation)
    const file = new CounterFile(await open(path, 'r+'), newest?.generation ?? 0)
    return { file, counts: newest?.counts ?? null }
  }

  async write(counts: OutboxCounts): Promise<void> {
    const generation = this.#generation + 1
    const json = Buffer.from(JSON.stringify({ generation, counts }))
    const slot = Buffer.alloc(SLOT_BYTES)
    slot.writeUInt32LE(json.length, 0)
    slot.writeUInt32LE(crc32(json), 4)
    json.copy(slot, 8)
    await this.#file.write(slot, 0, SLOT_BYTES, (generation % 2) * SLOT_BYTES)
    await this.#file.datasync()
    this.#generation = generation
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

const Slot = z.strictObject({ generation: Count, counts: OutboxCounts })

function decodeSlot(bytes: Buffer): z.infer<typeof Slot> | null {
  // Shorter where the file was cut.
  if (bytes.length < 8) return null
  const length = bytes.readUInt32LE(0)
  if (length === 0 || length > SLOT_BYTES - 8) return null
  const json = bytes.subarray(8, 8 + length)
  if (crc32(json) !== bytes.readUInt32LE(4)) return null
  const parsed = Slot.safeParse(JSON.parse(json.toString()))
  return parsed.success ? parsed.data : null
}
