import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readFileIfThere, writeFileAtomic } from '../../runtime/atomic-file.ts'
import type { Logger } from '../../runtime/logger.ts'

/**
 * Messages of one agent that are remembered one by one. Older ones count as seen, so this bounds by
 * how much messages may overtake each other; an outbox has at most 16 on their way.
 */
const REMEMBERED_MAX = 64
/** Lines that may be added before the journal is written anew with what is still remembered. */
const ADDED_LINES_MAX = 20_000

interface Seen {
  readonly session: number
  readonly sequence: number
}

/**
 * Makes at-least-once into exactly-once for messages that come from an outbox: which (session,
 * sequence) of each agent has been taken. Kept in a journal on disk; the outbox sends again what
 * was not acknowledged, however often either side was restarted.
 */
export class DeliveryLedger {
  readonly #path: string
  readonly #log: Logger
  readonly #agents = new Map<string, Seen[]>()
  #file: FileHandle | undefined
  #addedLines = 0
  #isTorn = false
  #unwritten: string[] = []
  #writing: Promise<void> | undefined

  private constructor(path: string, log: Logger) {
    this.#path = path
    this.#log = log
  }

  static async open(options: {
    readonly path: string
    readonly log: Logger
  }): Promise<DeliveryLedger> {
    const ledger = new DeliveryLedger(options.path, options.log)
    await mkdir(dirname(options.path), { recursive: true, mode: 0o700 })
    const journal = (await readFileIfThere(options.path))?.toString() ?? ''
    // What follows the last line break is torn: a shorter number would pass for a whole one.
    for (const line of journal.split('\n').slice(0, -1)) ledger.#replay(line)
    await ledger.#compact()
    return ledger
  }

  /**
   * Whether this message comes for the first time; it counts as taken from now on. On disk after
   * settled().
   */
  isNew(agentId: string, session: number, sequence: number): boolean {
    if (!this.#take(agentId, { session, sequence })) return false
    this.#unwritten.push(`${agentId} ${session} ${sequence}\n`)
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
    return true
  }

  /** Forgets an agent whose state directory was lost, so that its numbers may begin anew. */
  async forget(agentId: string): Promise<void> {
    await this.settled()
    this.#agents.delete(agentId)
    await this.#compact()
  }

  /** Resolves when all that was taken is on disk, or could not be written. */
  async settled(): Promise<void> {
    while (this.#writing) await this.#writing
  }

  async close(): Promise<void> {
    await this.settled()
    await this.#file?.close()
    this.#file = undefined
  }

  #take(agentId: string, seen: Seen): boolean {
    const known = this.#agents.get(agentId) ?? []
    this.#agents.set(agentId, known)
    const place = known.findLastIndex(other => compare(other, seen) <= 0)
    const before = known[place]
    if (before && compare(before, seen) === 0) return false
    // The oldest one that is remembered stands for all before it.
    if (place < 0 && known.length === REMEMBERED_MAX) return false
    known.splice(place + 1, 0, seen)
    if (known.length > REMEMBERED_MAX) known.shift()
    return true
  }

  #replay(line: string): void {
    const match = /^([a-z0-9-]{1,64}) (\d{1,15}) (\d{1,15})$/.exec(line)
    if (!match?.[1]) return
    this.#take(match[1], { session: Number(match[2]), sequence: Number(match[3]) })
  }

  async #write(): Promise<void> {
    while (this.#unwritten.length > 0) {
      const lines = this.#unwritten.splice(0)
      try {
        this.#addedLines += lines.length
        if (this.#isTorn || this.#addedLines > ADDED_LINES_MAX) await this.#compact()
        else {
          this.#file ??= await open(this.#path, 'a', 0o600)
          await this.#file.appendFile(lines.join(''))
          await this.#file.datasync()
        }
      } catch (err) {
        this.#isTorn = true
        this.#log.error({ err }, 'deliveries cannot be written down')
      }
    }
  }

  async #compact(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
    const lines: string[] = []
    for (const [agentId, known] of this.#agents) {
      for (const { session, sequence } of known) lines.push(`${agentId} ${session} ${sequence}\n`)
    }
    await writeFileAtomic(this.#path, lines.join(''))
    this.#addedLines = 0
    this.#isTorn = false
  }
}

function compare(a: Seen, b: Seen): number {
  return a.session - b.session || a.sequence - b.sequence
}
