import { TrainerPool } from '../../agent/assignment/trainer-pool.ts'
import { runTraining } from '../../agent/assignment/training-run.ts'
import { ComputeBudget } from '../../agent/limits/compute-budget.ts'
import { TrainerLimits } from '../../agent/limits/trainer-limits.ts'
import type { Confinement } from '../../protocol/life.ts'
import { systemClock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { PartStack } from '../../runtime/shutdown.ts'
import { buildTrainingArtifact } from '../../training/forms/training-artifact.ts'
import type { TrainingJob } from '../../training/trainer/training-run.ts'
import { readProcessUsage } from '../process-usage.ts'
import { createWorkload, type Workload } from '../training/workload.ts'
import { idleCoresSince, idleTicks } from './idle-cores.ts'

/** More than any share of any slots can train on. */
const EPOCHS = 1_000_000
const MEMORY_BYTES_MAX = 2 ** 30
const NO_GROUPS = '/no-such-folder'

export interface ComputeRun {
  /** CPU time of the trainer by the kernel's count, of what was granted. */
  readonly share: number
  /** Work after the end of the slots. */
  readonly overrunMs: number
  /** Cores on which nothing ran meanwhile: where there are none, others had what was granted. */
  readonly idleCores: number
}

/** A trainer as the agent has it, with its limits, and how much of a grant training uses. */
export class ComputeUse {
  readonly confinement: Confinement['computing']
  readonly #pool: TrainerPool
  readonly #workload: Workload
  readonly #job: TrainingJob

  constructor(o: {
    readonly withGroups: boolean
    readonly parts: PartStack
    readonly log: Logger
  }) {
    const { withGroups, parts, log } = o
    const roots = { procRoot: '/proc', sysRoot: withGroups ? '/sys' : NO_GROUPS }
    const niceness = 0
    const limits = new TrainerLimits({ roots, niceness, memoryBytesMax: MEMORY_BYTES_MAX, log })
    parts.add('limits', limits)
    this.#pool = parts.add('trainer', new TrainerPool({ niceness, limits, idleMsMax: 60_000, log }))
    this.confinement = limits.confinement.computing
    this.#workload = createWorkload('mlp')
    const { model, batch, inputs, inputWidth, labels } = this.#workload
    const loss = 'softmax-cross-entropy'
    const artifact = buildTrainingArtifact(model, { loss, optimizer: { kind: 'adam' }, batch })
    const parameters = artifact.initialParameters
    this.#job = { artifact: artifact.bytes, parameters, inputs, inputWidth, labels, seed: 1 }
  }

  async run({ cores, slotsMs }: { readonly cores: number; readonly slotsMs: number }) {
    const loan = this.#pool.lend()
    const trainer = await loan.trainer
    const { pid = 0 } = trainer
    const { labels, batch, learningRate } = this.#workload
    await trainer.load(this.#job)
    const startsAtMs = systemClock.now()
    const endsAtMs = startsAtMs + slotsMs
    const [before, idleBefore] = [readProcessUsage(pid).cpuSeconds, idleTicks()]
    loan.limits.limitShare(cores)
    await runTraining({
      trainer,
      order: { localEpochs: EPOCHS, learningRate },
      sampleCount: labels.length,
      samplesPerStep: batch,
      budget: new ComputeBudget({ clock: systemClock, share: cores, startsAtMs, endsAtMs }),
      clock: systemClock,
      endsAtMs,
      signal: new AbortController().signal,
    })
    loan.limits.limitShare(null)
    const run: ComputeRun = {
      share: ((readProcessUsage(pid).cpuSeconds - before) * 1000) / (cores * slotsMs),
      overrunMs: Math.max(0, systemClock.now() - endsAtMs),
      idleCores: idleCoresSince(idleBefore, systemClock.now() - startsAtMs),
    }
    loan.release()
    return run
  }
}
