import type { Confinement } from '../../protocol/life.ts'
import type { GainnetError } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Stoppable } from '../../runtime/shutdown.ts'
import type { BoardRoots } from '../measure/probe.ts'
import { MemoryWatch, overMemory } from './memory-watch.ts'
import { readProcessMemory, resetPeak } from './process-memory.ts'
import { TrainerGroup } from './trainer-group.ts'

/**
 * How far the ceiling of the kernel lies above the share: the duty cycle keeps the share, and may make
 * up for what others took; the ceiling holds a step that is longer than a chunk.
 */
const CEILING = 1.25
const MIB = 2 ** 20

/** What one trainer process may take: memory, and cores while it trains. One process at a time. */
export class TrainerLimits implements Stoppable {
  readonly #memoryBytesMax: number
  readonly #procRoot: string
  readonly #group: TrainerGroup
  #pid: number | undefined
  #killsBefore = 0
  #watch: MemoryWatch | undefined

  constructor(options: {
    readonly roots: BoardRoots
    readonly niceness: number
    readonly memoryBytesMax: number
    readonly log: Logger
  }) {
    this.#memoryBytesMax = options.memoryBytesMax
    this.#procRoot = options.roots.procRoot
    this.#group = new TrainerGroup(options)
  }

  get confinement(): Confinement {
    return this.#group.confinement
  }

  /** Of the JavaScript heap: tensors lie beside it, so that this alone bounds little. */
  get heapMegabytesMax(): number {
    return Math.ceil(this.#memoryBytesMax / MIB)
  }

  /** A new process, just forked. */
  add(pid: number): void {
    this.#watch?.stop()
    this.#watch = undefined
    this.#pid = pid
    this.#killsBefore = this.#group.memoryKills
    this.#group.limitCores(null)
    this.#group.add(pid)
  }

  /** Its work begins: from now on its memory is watched, and its greatest is that of this work. */
  begin(onOver: () => void): void {
    const pid = this.#pid
    if (pid === undefined) return
    resetPeak(this.#procRoot, pid)
    if (this.confinement.memory !== 'rss-watch') return
    const [procRoot, bytesMax] = [this.#procRoot, this.#memoryBytesMax]
    this.#watch = new MemoryWatch({ procRoot, pid, bytesMax, onOver })
  }

  end(): void {
    this.#watch?.stop()
    this.#group.limitCores(null)
  }

  /** While it trains; null takes the ceiling off. */
  limitShare(share: number | null): void {
    this.#group.limitCores(share === null ? null : share * CEILING)
  }

  /** Greatest resident set of this work, and its limit. */
  get memoryUse(): { readonly used: number; readonly granted: number } | undefined {
    const memory =
      this.#pid === undefined ? undefined : readProcessMemory(this.#procRoot, this.#pid)
    return memory && { used: memory.rssBytesMax, granted: this.#memoryBytesMax }
  }

  /** Whether the process was ended for its memory, by us or by the kernel. */
  explainEnd(): GainnetError | undefined {
    const overBytes = this.#watch?.overBytes
    if (overBytes !== undefined) return overMemory(this.#memoryBytesMax, overBytes)
    const isKilled = this.#group.memoryKills > this.#killsBefore
    return isKilled ? overMemory(this.#memoryBytesMax) : undefined
  }

  async stop(): Promise<void> {
    this.#watch?.stop()
    await this.#group.stop()
  }
}
