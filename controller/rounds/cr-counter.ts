import { join } from 'node:path'
import { z } from 'zod'
import { readFileIfThere, writeFileAtomic } from '../../runtime/atomic-file.ts'

/** Ids that are reserved with one write to the disk: a restart skips the rest of them. */
const RESERVED = 100

const CounterFile = z.strictObject({ firstUnusedCrId: z.int().min(1) })

/** Ids of communication rounds, counted from 1, that never come twice, also after a crash. */
export class CrCounter {
  readonly #path: string
  #next = 1
  #reservedTo = 1

  constructor(stateDirectory: string) {
    this.#path = join(stateDirectory, 'cr-counter.json')
  }

  async open(): Promise<void> {
    const text = (await readFileIfThere(this.#path))?.toString('utf8')
    if (text) this.#next = CounterFile.parse(JSON.parse(text)).firstUnusedCrId
    this.#reservedTo = this.#next
  }

  async next(): Promise<number> {
    const crId = this.#next++
    if (crId >= this.#reservedTo) {
      this.#reservedTo = crId + RESERVED
      await writeFileAtomic(
        this.#path,
        `${JSON.stringify({ firstUnusedCrId: this.#reservedTo })}\n`,
      )
    }
    return crId
  }
}
