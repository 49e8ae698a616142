import { join } from 'node:path'
import { z } from 'zod'
import { readFileIfThere, writeFileAtomic } from '../../runtime/atomic-file.ts'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'

/** Ids that are reserved with one write to the disk: a restart skips the rest of them. */
const RESERVED = 100

const CounterFile = z.strictObject({ firstUnusedCrId: z.int().min(1) })

/** Ids of communication rounds, counted from 1, that never come twice, also after a crash. */
export class CrCounter {
  readonly #path: string
  readonly #log: Logger
  #next = 1
  #reservedTo = 1

  constructor(options: { readonly stateDirectory: string; readonly log: Logger }) {
    this.#path = join(options.stateDirectory, 'cr-counter.json')
    this.#log = options.log
  }

  async open(): Promise<void> {
    const text = (await readFileIfThere(this.#path))?.toString('utf8')
    if (text) this.#next = parseCounter(text, this.#path)
    this.#reservedTo = this.#next
  }

  /** Where the disk takes nothing the rounds go on, and it is tried again with the next one. */
  async next(): Promise<number> {
    const crId = this.#next++
    if (crId < this.#reservedTo) return crId
    try {
      const firstUnusedCrId = crId + RESERVED
      await writeFileAtomic(this.#path, `${JSON.stringify({ firstUnusedCrId })}\n`)
      this.#reservedTo = firstUnusedCrId
    } catch (err) {
      this.#log.error({ err, crId }, 'ids of rounds cannot be reserved')
    }
    return crId
  }
}

function parseCounter(text: string, path: string): number {
  try {
    return CounterFile.parse(JSON.parse(text)).firstUnusedCrId
  } catch (cause) {
    const message = `${path} does not say which communication round is next: ${messageOf(cause)}`
    throw new GainnetError('STATE_DIRECTORY_UNUSABLE', message, { path }, { cause })
  }
}
