import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Confinement } from '../../protocol/life.ts'
import { messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Stoppable } from '../../runtime/shutdown.ts'
import { readKernelTextNow } from '../measure/kernel-file.ts'
import type { BoardRoots } from '../measure/probe.ts'
import { type GroupPlace, type NoPlace, placeTrainer, type TrainerPlaces } from './group-place.ts'

/** CFS bandwidth control (kernel, scheduler/sched-bwc): the usual period and the least quota. */
const PERIOD_US = 100_000
const QUOTA_US_MIN = 1000
/** Weight of a process of niceness 0; each step of niceness is a factor of 1.25 (sched/core.c). */
const SHARES_USUAL = 1024
const SHARES_STEP = 1.25

export interface TrainerGroupOptions {
  readonly roots: BoardRoots
  /** Between groups that of the processes in them does not count: the group has its own. */
  readonly niceness: number
  readonly memoryBytesMax: number
  readonly log: Logger
}

/**
 * The control group that the agent puts its trainer in: a ceiling that the kernel holds for CPU time
 * and memory, in cgroup v2 or v1, each controller where it can be had.
 */
export class TrainerGroup implements Stoppable {
  readonly #places: TrainerPlaces
  readonly #log: Logger
  #cpu: GroupPlace | NoPlace
  #memory: GroupPlace | NoPlace

  constructor({ roots, niceness, memoryBytesMax, log }: TrainerGroupOptions) {
    this.#log = log
    this.#places = placeTrainer(roots)
    this.#cpu = this.#tried(this.#places.cpu, ({ kind, folder }) => {
      if (kind === 'cgroup-v2') write(folder, 'cpu.weight.nice', niceness)
      else write(folder, 'cpu.shares', Math.max(2, SHARES_USUAL / SHARES_STEP ** niceness))
      writeQuota({ kind, folder }, null)
    })
    this.#memory = this.#tried(this.#places.memory, ({ kind, folder }) => {
      const file = kind === 'cgroup-v2' ? 'memory.max' : 'memory.limit_in_bytes'
      write(folder, file, memoryBytesMax)
    })
    log.info({ computing: said(this.#cpu), memory: said(this.#memory) }, 'trainer is confined by')
  }

  /** How the trainer is kept to its limits on this board. */
  get confinement(): Confinement {
    return {
      computing: this.#cpu.kind === 'none' ? 'duty-cycle' : this.#cpu.kind,
      memory: this.#memory.kind === 'none' ? 'rss-watch' : this.#memory.kind,
    }
  }

  /** At once after the fork: what it has taken by then is counted elsewhere. */
  add(pid: number): void {
    const put = ({ folder }: GroupPlace): void => write(folder, 'cgroup.procs', pid)
    this.#cpu = this.#tried(this.#cpu, put)
    // The same folder in v2.
    this.#memory = this.#tried(this.#memory, put)
  }

  /** The most that the kernel lets the trainer have, in cores; null takes the limit off. */
  limitCores(cores: number | null): void {
    this.#cpu = this.#tried(this.#cpu, place => writeQuota(place, cores))
  }

  /** How often the kernel has ended a process of the group at its limit of memory. */
  get memoryKills(): number {
    const place = this.#memory
    if (place.kind === 'none') return 0
    const file = place.kind === 'cgroup-v2' ? 'memory.events' : 'memory.oom_control'
    const text = readKernelTextNow(join(place.folder, file)) ?? ''
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0)
  }

  /** The trainer has ended. */
  async stop(): Promise<void> {
    this.#places.remove()
  }

  /** What the kernel refuses once is not tried again: the other means hold alone then. */
  #tried(place: GroupPlace | NoPlace, work: (place: GroupPlace) => void): GroupPlace | NoPlace {
    if (place.kind === 'none') return place
    try {
      work(place)
      return place
    } catch (error) {
      this.#log.warn({ folder: place.folder, reason: messageOf(error) }, 'control group not usable')
      return { kind: 'none', reason: messageOf(error) }
    }
  }
}

function writeQuota({ kind, folder }: GroupPlace, cores: number | null): void {
  const quota = cores === null ? null : Math.max(QUOTA_US_MIN, Math.round(cores * PERIOD_US))
  if (kind === 'cgroup-v2') write(folder, 'cpu.max', `${quota ?? 'max'} ${PERIOD_US}`)
  else {
    write(folder, 'cpu.cfs_period_us', PERIOD_US)
    write(folder, 'cpu.cfs_quota_us', quota ?? -1)
  }
}

function write(folder: string, file: string, value: string | number): void {
  writeFileSync(join(folder, file), typeof value === 'number' ? String(Math.round(value)) : value)
}

function said(place: GroupPlace | NoPlace): string {
  return place.kind === 'none' ? `no group: ${place.reason}` : `${place.kind} ${place.folder}`
}
