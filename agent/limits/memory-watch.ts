import { GainnetError } from '../../runtime/errors.ts'
import { readProcessMemory } from './process-memory.ts'

/** A process takes some hundred MiB in this time at most, and one look takes some 20 µs. */
const LOOK_MS = 50
const MIB = 2 ** 20

/**
 * Looks at the resident set of a process while it works, and has it ended where it is over its limit.
 * The kernel does that better where it can be asked to (see TrainerGroup).
 */
export class MemoryWatch {
  readonly #timer: NodeJS.Timeout
  #overBytes: number | undefined

  constructor(options: {
    readonly procRoot: string
    readonly pid: number
    readonly bytesMax: number
    readonly onOver: () => void
  }) {
    const { procRoot, pid, bytesMax, onOver } = options
    this.#timer = setInterval(() => {
      const rssBytes = readProcessMemory(procRoot, pid)?.rssBytes
      if (rssBytes === undefined || rssBytes <= bytesMax) return
      this.stop()
      this.#overBytes = rssBytes
      onOver()
    }, LOOK_MS)
    this.#timer.unref()
  }

  /** What it was seen with, where it was over its limit. */
  get overBytes(): number | undefined {
    return this.#overBytes
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

export function overMemory(bytesMax: number, rssBytes?: number): GainnetError {
  const held = rssBytes === undefined ? '' : ` with ${Math.ceil(rssBytes / MIB)} MiB`
  return new GainnetError(
    'TRAINER_OVER_MEMORY',
    `the trainer was ended${held} at its limit of ${Math.ceil(bytesMax / MIB)} MiB of memory`,
    { bytesMax, rssBytes },
  )
}
