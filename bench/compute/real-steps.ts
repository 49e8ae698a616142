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
  /** Hundredths of a core; each is measured in turn, stretch by stretch. */
  readonly quotas: readonly number[]
  readonly group: CpuGroup
  readonly stretches: number
  readonly stretchSeconds: number
}

/** So small that no loss runs away, however many steps there are. */
const LEARNING_RATE = 1e-5
const WARM_UP_SECONDS = 0.3

/** Trains in a child process as an agent does, under one quota after the other and again. */
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
    const runs = quotas.map(quota => ({
      quota,
      wallSeconds: [] as number[],
      cpuSeconds: [] as number[],
    }))
    // In turn, so that what disturbs the machine for a while disturbs a stretch of each quota.
    for (let stretch = 0; stretch < stretches; stretch++) {
      for (const { quota, wallSeconds, cpuSeconds } of runs) {
        group.limit(quota)
        const steps = Math.max(1, Math.round((stretchSeconds * Math.min(1, quota / 100)) / perStep))
        // What was left of another quota is used up first.
        await trainer.step({ steps: Math.ceil(steps / 4), learningRate: LEARNING_RATE })
        const run = await trainer.step({ steps, learningRate: LEARNING_RATE })
        wallSeconds.push(run.durationMs / 1e3 / steps)
        cpuSeconds.push(run.cpuSeconds / steps)
      }
    }
    return new Map(runs.map(({ quota, ...steps }) => [quota, steps]))
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
