import { readCheckpoint, writeCheckpoint } from '../../controller/learn/checkpoint-file.ts'
import { PolicyTraining, type TrainingProgress } from '../../controller/learn/policy-training.ts'
import { GainnetError } from '../../runtime/errors.ts'
import { loadOrt } from '../../training/trainer/ort-session.ts'
import { checkWritable, unreadable, writeOutputFile } from '../model/model-file.ts'

/** 128 + SIGINT, as a shell has it. */
const EXIT_INTERRUPTED = 130
/** Between lines of progress. */
const PROGRESS_SECONDS = 5
/** Between checkpoints, beside the one at the end. */
const CHECKPOINT_SECONDS = 60

interface PolicyTrainOptions {
  readonly out: string
  readonly seed: number
  readonly updates: number
  readonly checkpoint?: string
  readonly resume?: boolean
  readonly json?: boolean
}

export async function runPolicyTrain(options: PolicyTrainOptions): Promise<void> {
  const { out, checkpoint, json } = options
  for (const path of [out, checkpoint]) if (path) await checkWritable(path)
  const training = await openTraining(options)
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal)
  try {
    await train(training, { signal: stop.signal, checkpoint, isJson: json === true })
    await writeOutputFile(out, training.policyFile())
    process.stderr.write(`${out}\n`)
    if (stop.signal.aborted) process.exitCode = EXIT_INTERRUPTED
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal)
    await training.release()
  }
}

async function openTraining(options: PolicyTrainOptions): Promise<PolicyTraining> {
  const { checkpoint, resume, seed, updates } = options
  const ort = await loadOrt()
  if (!resume) return PolicyTraining.open(ort, { seed, updates })
  if (checkpoint === undefined) {
    throw new GainnetError('USAGE', '--resume goes on from the file that --checkpoint names')
  }
  const found = await readCheckpoint(checkpoint).catch(cause => {
    throw cause instanceof GainnetError ? cause : unreadable(checkpoint, cause)
  })
  const training = await PolicyTraining.open(ort, found)
  await training.restore(found)
  return training
}

async function train(
  training: PolicyTraining,
  o: {
    readonly signal: AbortSignal
    readonly checkpoint: string | undefined
    readonly isJson: boolean
  },
): Promise<void> {
  const from = performance.now()
  const start = training.updateCount
  let [shownAt, keptAt] = [0, 0]
  const keep = async (): Promise<void> => {
    if (o.checkpoint !== undefined) await writeCheckpoint(o.checkpoint, training.checkpoint())
  }
  while (!training.isOver && !o.signal.aborted) {
    const progress = await training.advance()
    const seconds = (performance.now() - from) / 1000
    if (seconds - shownAt >= PROGRESS_SECONDS || training.isOver) {
      shownAt = seconds
      show(progress, { seconds, updates: training.options.updates, start, isJson: o.isJson })
    }
    if (seconds - keptAt >= CHECKPOINT_SECONDS) {
      keptAt = seconds
      await keep()
    }
  }
  await keep()
}

function show(
  progress: TrainingProgress,
  o: {
    readonly seconds: number
    readonly updates: number
    readonly start: number
    readonly isJson: boolean
  },
): void {
  if (o.isJson) {
    process.stdout.write(`${JSON.stringify({ ...progress, seconds: o.seconds })}\n`)
    return
  }
  const { updateCount, cells, temperature, criticLoss, entropy } = progress
  const left = ((o.updates - updateCount) * o.seconds) / Math.max(1, updateCount - o.start)
  process.stderr.write(
    `update ${updateCount}/${o.updates}  cells ${cells}  temperature ${temperature.toPrecision(2)}  ` +
      `critic loss ${criticLoss.toPrecision(3)}  entropy ${entropy.toPrecision(3)}  ` +
      `${Math.round(left)} s left\n`,
  )
}
