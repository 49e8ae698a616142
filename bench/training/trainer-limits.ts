import { setTimeout as wait } from 'node:timers/promises'
import { seededRandom } from '../../runtime/seeded-random.ts'
import { TrainerProcess } from '../../training/trainer-process.ts'
import { buildTrainingArtifact } from '../../training/training-artifact.ts'
import type { BenchRow } from '../bench-report.ts'
import { readProcessUsage } from '../process-usage.ts'
import { median } from './paired-rounds.ts'
import { createWorkload, SCHEDULE_SEED, type WorkloadName } from './workload.ts'

const STEPS_WITHOUT_END = 1_000_000
/** Long enough for the runs to have found their length, and for memory to have found its level. */
const SETTLE_STEPS = { mlp: 400, cnn: 60, gpt: 24 } as const
/** Steps are cancelled at times spread over this, which is some runs of the trainer. */
const CANCEL_SPREAD_MS = 300

/** Time from the signal until the step has resolved and the trainer is free again. */
export async function measureCancel(rounds: number): Promise<BenchRow> {
  const random = seededRandom(1)
  const times: number[] = []
  await withTrainer('cnn', async (trainer, learningRate) => {
    for (let round = 0; round < rounds; round++) {
      const abort = new AbortController()
      const training = trainer.step(
        { steps: STEPS_WITHOUT_END, learningRate },
        { signal: abort.signal },
      )
      await wait(random() * CANCEL_SPREAD_MS)
      const cancelledAt = performance.now()
      abort.abort()
      await training
      times.push(performance.now() - cancelledAt)
    }
  })
  return spread('trainer.cancel', 'ms', times)
}

/** What the process holds while it trains: the models of the other rows, the largest of them. */
export async function measureMemory(): Promise<BenchRow> {
  const held: number[] = []
  for (const name of ['mlp', 'cnn', 'gpt'] as const) {
    await withTrainer(name, async (trainer, learningRate) => {
      await trainer.step({ steps: SETTLE_STEPS[name], learningRate })
      held.push(readProcessUsage(trainer.pid ?? 0).rssMib)
    })
  }
  return { ...spread('trainer.rss', 'MiB', held), value: Number(Math.max(...held).toFixed(1)) }
}

async function withTrainer(
  name: WorkloadName,
  use: (trainer: TrainerProcess, learningRate: number) => Promise<void>,
): Promise<void> {
  const { model, batch, learningRate, inputs, inputWidth, labels } = createWorkload(name)
  const artifact = buildTrainingArtifact(model, {
    loss: 'softmax-cross-entropy',
    optimizer: { kind: 'adam' },
    batch,
  })
  const trainer = await TrainerProcess.start()
  try {
    await trainer.load({
      artifact: artifact.bytes,
      parameters: artifact.initialParameters,
      ...{ inputs, inputWidth, labels, seed: SCHEDULE_SEED },
    })
    await trainer.step({ steps: SETTLE_STEPS[name], learningRate })
    await use(trainer, learningRate)
  } finally {
    await trainer.stop()
  }
}

function spread(name: string, unit: string, values: readonly number[]): BenchRow {
  const round = (value: number): number => Number(value.toFixed(1))
  return {
    name,
    value: round(median(values)),
    unit,
    low: round(Math.min(...values)),
    high: round(Math.max(...values)),
    n: values.length,
  }
}
