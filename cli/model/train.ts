import {
  type FittedSamples,
  fitSamples,
  holdBack,
  measureColumns,
  type Scaling,
} from '../../training/datasets/fit-samples.ts'
import { buildInferenceForm } from '../../training/forms/inference-form.ts'
import {
  buildTrainingArtifact,
  type TrainingArtifact,
} from '../../training/forms/training-artifact.ts'
import type { Evaluation } from '../../training/trainer/evaluator.ts'
import { TrainerProcess } from '../../training/trainer/trainer-process.ts'
import { checkWritable, readModelFile, writeOutputFile } from './model-file.ts'
import { readData } from './read-data.ts'
import { specialized } from './specialized-model.ts'
import { trainEpochs } from './train-epochs.ts'
import type { TrainOptions } from './train-options.ts'
import { beginText, lossTable, report } from './train-report.ts'
import { planTraining, type Trainable, wantedSamples } from './training-plan.ts'

/** 128 + SIGINT, as a shell has it. */
const EXIT_INTERRUPTED = 130

export async function runTrain(file: string, options: TrainOptions): Promise<void> {
  const original = await readModelFile(file)
  const model = specialized(original, options)
  for (const path of [options.out, options.log, options.checkpoint]) {
    if (path) await checkWritable(path)
  }
  const plan = planTraining(model, file, options)
  const { samples, classNames, scaling } = await prepareSamples(model, plan, options)
  const { training, heldBack } = holdBack(samples, {
    share: options.validation,
    seed: options.seed,
  })
  const artifact = buildArtifact(model, plan, options)
  if (!options.json) process.stderr.write(beginText({ file, plan, training, heldBack, options }))
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal)
  const trainer = await TrainerProcess.start()
  try {
    const job = { artifact, training, options, signal: stop.signal }
    const run = await trainEpochs(trainer, job)
    const parameters = await trainer.parameters()
    await writeOutputFile(
      options.out,
      buildInferenceForm(original, { parameters: artifact.parameters, values: parameters }),
    )
    if (options.log) await writeOutputFile(options.log, lossTable(run))
    if (scaling.columns) {
      await writeOutputFile(`${options.out}.scaling.json`, `${JSON.stringify(scaling)}\n`)
    }
    const version = { model, plan, options, heldBack }
    const [before, after] = stop.signal.aborted
      ? []
      : [
          await judge(trainer, version, artifact.initialParameters),
          await judge(trainer, version, parameters),
        ]
    report({ file, options, run, before, after, plan, training, heldBack, classNames })
    if (stop.signal.aborted) process.exitCode = EXIT_INTERRUPTED
  } finally {
    await trainer.stop()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal)
  }
}

async function prepareSamples(
  model: Uint8Array,
  plan: Trainable,
  options: TrainOptions,
): Promise<{ samples: FittedSamples; classNames?: readonly string[]; scaling: Scaling }> {
  const wanted = wantedSamples(model, options.loss, plan)
  const [contextBytes = 1] = wanted.input.sampleShape
  const found = await readData(options, { contextBytes })
  const scaling: Scaling = options.scale === undefined ? {} : { scale: options.scale }
  const samples = fitSamples(found, wanted, scaling)
  const named = found.classNames ? { classNames: found.classNames } : {}
  if (!options.standardize) return { samples, ...named, scaling }
  const standard = { ...scaling, columns: measureColumns(samples) }
  return { samples: fitSamples(found, wanted, standard), ...named, scaling: standard }
}

/** A model that is laid down for one sample gets its batch as an accumulation of single ones. */
function buildArtifact(
  model: Uint8Array,
  { batch, prediction, trainable }: Trainable,
  { loss, optimizer, clip, batch: wanted }: TrainOptions,
): TrainingArtifact {
  return buildTrainingArtifact(model, {
    loss,
    optimizer: { kind: optimizer },
    batch,
    accumulation: Math.max(1, Math.round(wanted / batch)),
    prediction,
    trainable,
    ...(clip === undefined ? {} : { gradientNormMax: clip }),
  })
}

async function judge(
  trainer: TrainerProcess,
  {
    model,
    plan,
    options,
    heldBack,
  }: {
    readonly model: Uint8Array
    readonly plan: Trainable
    readonly options: TrainOptions
    readonly heldBack: FittedSamples | undefined
  },
  parameters: Float32Array,
): Promise<Evaluation | undefined> {
  if (!heldBack) return undefined
  const { prediction, trainable, batch, batchIsFixed } = plan
  const rows = batchIsFixed ? { batch } : {}
  const { inputs, inputWidth, labels } = heldBack
  const samples = { inputs, inputWidth, ...(labels ? { labels } : {}) }
  const version = { model, parameters, prediction, trainable, loss: options.loss }
  return trainer.evaluate({ ...version, ...samples, ...rows })
}
