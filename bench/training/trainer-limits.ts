import { setTimeout as wait } from 'node:timers/promises'
import { seededRandom } from '../../runtime/seeded-random.ts'
import { buildTrainingArtifact } from '../../training/forms/training-artifact.ts'
import { estimateMemory } from '../../training/memory/estimate-memory.ts'
import { TrainerProcess } from '../../training/trainer/trainer-process.ts'
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
  await withTrainer('cnn', async (trainer, { learningRate }) => {
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

/**
 * What the process holds while it trains, for each model of the other rows: the largest. And how far
 * the estimate that is made before the start is from the most that it held: the worst, as a share.
 */
export async function measureMemory(): Promise<readonly BenchRow[]> {
  const held: number[] = []
  const errors: number[] = []
  for (const name of ['mlp', 'cnn', 'gpt'] as const) {
    await withTrainer(name, async (trainer, { learningRate, artifact, sampleCount }) => {
      await trainer.step({ steps: SETTLE_STEPS[name], learningRate })
      const { rssMib, rssMibMax } = readProcessUsage(trainer.pid ?? 0)
      const { bytes } = estimateMemory(artifact, { sampleCount })
      held.push(rssMib)
      errors.push(Math.abs(bytes / 2 ** 20 - rssMibMax) / rssMibMax)
    })
  }
  const largest = (row: BenchRow): BenchRow => ({ ...row, value: row.high ?? row.value })
  return [
    largest(spread('trainer.rss', 'MiB', held)),
    largest(spread('memory-estimate.error', 'share', errors)),
  ]
}

interface Loaded {
  readonly learningRate: number
  readonly artifact: Uint8Array
  readonly sampleCount: number
}

async function withTrainer(
  name: WorkloadName,
  use: (trainer: TrainerProcess, loaded: Loaded) => Promise<void>,
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
    const sampleCount = inputs.length / inputWidth
    await use(trainer, { learningRate, artifact: artifact.bytes, sampleCount })
  } finally {
    await trainer.stop()
  }
}

function spread(name: string, unit: string, values: readonly number[]): BenchRow {
  const round = (value: number): number => Number(value.toPrecision(3))
  return {
    name,
    value: round(median(values)),
    unit,
    low: round(Math.min(...values)),
    high: round(Math.max(...values)),
    n: values.length,
  }
}
