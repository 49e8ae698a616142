import { GainnetError } from '../../../runtime/errors.ts'
import type { WorkCounts } from '../../cost/work-counts.ts'
import type { Ort } from '../ort-session.ts'
import type { OpenKernel } from './open-kernel.ts'
import { type KernelAsk, type KernelName, openKernel } from './registry.ts'

export interface KernelRun {
  readonly work: WorkCounts
  readonly wallSeconds: number
  /** User and system time of all threads of the process. */
  readonly cpuSeconds: number
}

/** The kernels that are open in a trainer process. */
export class KernelBench {
  readonly #ort: Ort
  readonly #open = new Map<KernelName, OpenKernel>()

  constructor(ort: Ort) {
    this.#ort = ort
  }

  async open(ask: KernelAsk): Promise<void> {
    if (this.#open.has(ask.kernel)) return
    this.#open.set(ask.kernel, await openKernel(this.#ort, ask))
  }

  async run({ kernel, turns }: { readonly kernel: KernelName; readonly turns: number }) {
    const open = this.#open.get(kernel)
    if (!open) throw new GainnetError('TRAINING_FAILED', `the kernel ${kernel} is not open`)
    const work = open.work(turns)
    const [startedAt, cpuBefore] = [performance.now(), process.cpuUsage()]
    await open.run(turns)
    const { user, system } = process.cpuUsage(cpuBefore)
    const wallSeconds = (performance.now() - startedAt) / 1e3
    return { work, wallSeconds, cpuSeconds: (user + system) / 1e6 } satisfies KernelRun
  }

  async release(): Promise<void> {
    const open = [...this.#open.values()]
    this.#open.clear()
    for (const kernel of open) await kernel.release()
  }
}
