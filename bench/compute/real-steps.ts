import { TrainerProcess } from '../../training/trainer/trainer-process.ts'
import type { TrainingJob } from '../../training/trainer/training-run.ts'
import type { CpuGroup } from './cpu-group.ts'

export interface RealSteps {
  /** Wall time of a step, of each stretch of steps. */
  readonly wallSeconds: readonly number[]
  /** CPU time of a step, of each stretch. */
  readonly cpuSeconds: readonly number[]
}

export interface RealStepsOptions {
  readonly job: TrainingJob
  /** Hundredths of a core; each is measured in turn. */
  readonly quotas: readonly number[]
  readonly group: CpuGroup
  readonly stretches: number
  readonly stretchSeconds: number
}

/** So small that no loss runs away, however many steps there are. */
const LEARNING_RATE = 1e-5
const WARM_UP_SECONDS = 0.3

/** Trains in a child process as an agent does, under one quota after the other. */
export async function realSteps(
  options: RealStepsOptions,
): Promise<ReadonlyMap<number, RealSteps>> {
  const { job, quotas, group, stretches, stretchSeconds } = options
  const trainer = await TrainerProcess.start()
  try {
    await trainer.load(job)
    const perStep = await warmUp(trainer)
    if (trainer.pid === undefined) throw new Error('the trainer has no process id')
    group.limit(100)
    group.hold(trainer.pid)
    const measured = new Map<number, RealSteps>()
    for (const quota of quotas) {
      group.limit(quota)
      const share = Math.min(1, quota / 100)
      const steps = Math.max(1, Math.round((stretchSeconds * share) / perStep))
      // What was left of another quota is used up first.
      await trainer.step({ steps: Math.ceil(steps / 4), learningRate: LEARNING_RATE })
      const runs: { readonly wall: number; readonly cpu: number }[] = []
      for (let stretch = 0; stretch < stretches; stretch++) {
        const run = await trainer.step({ steps, learningRate: LEARNING_RATE })
        runs.push({ wall: run.durationMs / 1e3 / steps, cpu: run.cpuSeconds / steps })
      }
      measured.set(quota, {
        wallSeconds: runs.map(({ wall }) => wall),
        cpuSeconds: runs.map(({ cpu }) => cpu),
      })
    }
    return measured
  } finally {
    trainer.kill()
    await trainer.exited
  }
}

/** CPU seconds of a step once it is warm. */
async function warmUp(trainer: TrainerProcess): Promise<number> {
  let [steps, perStep, spent] = [2, 1, 0]
  while (spent < WARM_UP_SECONDS) {
    const { cpuSeconds } = await trainer.step({ steps, learningRate: LEARNING_RATE })
    spent += cpuSeconds
    perStep = Math.max(cpuSeconds / steps, 1e-6)
    steps = Math.max(1, Math.round(WARM_UP_SECONDS / 2 / perStep))
  }
  return perStep
}
