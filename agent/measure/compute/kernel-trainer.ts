import { max, mean } from 'simple-statistics'
import { addWork, NO_WORK } from '../../../training/cost/work-counts.ts'
import type { TrainerProcess } from '../../../training/trainer/trainer-process.ts'

/** What measuring needs of a trainer in a child process. */
export type KernelTrainer = Pick<
  TrainerProcess,
  'openKernel' | 'runKernel' | 'cpuSeconds' | 'runtime' | 'stop' | 'kill'
>

export type KernelRunner = Pick<KernelTrainer, 'openKernel' | 'runKernel'>

/** Several trainers as one: a run begins in all of them at once and is over when all are done. */
export function together(trainers: readonly KernelRunner[]): KernelRunner {
  return {
    openKernel: async ask => {
      await Promise.all(trainers.map(trainer => trainer.openKernel(ask)))
    },
    runKernel: async ask => {
      const runs = await Promise.all(trainers.map(trainer => trainer.runKernel(ask)))
      return {
        work: runs.reduce((sum, { work }) => addWork(sum, work), NO_WORK),
        // Of one of them, so that work per CPU second is what all of them give at once.
        cpuSeconds: mean(runs.map(({ cpuSeconds }) => cpuSeconds)),
        wallSeconds: max(runs.map(({ wallSeconds }) => wallSeconds)),
      }
    },
  }
}
