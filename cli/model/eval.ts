import { z } from 'zod'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { fitSamples, type Scaling } from '../../training/datasets/fit-samples.ts'
import { readForwardModel } from '../../training/forward/forward-graph.ts'
import type { LossKind } from '../../training/loss/registry.ts'
import { TrainerProcess } from '../../training/trainer/trainer-process.ts'
import { readInputFile, readModelFile } from './model-file.ts'
import { type DataOptions, readData } from './read-data.ts'
import { specialized } from './specialized-model.ts'
import { evaluationText } from './train-report.ts'
import { type PartOptions, planTraining, wantedSamples } from './training-plan.ts'

export interface EvalOptions extends DataOptions, PartOptions {
  readonly loss: LossKind
  readonly scale?: number
  readonly scaling?: string
  readonly json?: boolean
}

/** Rows of a run, where the file lays down none. */
const BATCH = 256

export async function runEval(file: string, options: EvalOptions): Promise<void> {
  const model = specialized(await readModelFile(file), options)
  const plan = planTraining(model, file, { ...options, batch: BATCH })
  const wanted = wantedSamples(model, options.loss, plan)
  const [contextBytes = 1] = wanted.input.sampleShape
  const found = await readData(options, { contextBytes })
  const { inputs, inputWidth, labels } = fitSamples(found, wanted, await readScaling(options))
  const { prediction, trainable, batch } = plan
  const { initialParameters } = readForwardModel(model, { prediction, trainable })
  const trainer = await TrainerProcess.start()
  try {
    const measured = await trainer.evaluate({
      model,
      parameters: initialParameters,
      prediction,
      trainable,
      loss: options.loss,
      batch,
      inputs,
      inputWidth,
      ...(labels ? { labels } : {}),
    })
    process.stdout.write(
      options.json
        ? `${JSON.stringify({ file, loss: options.loss, ...measured })}\n`
        : `${file}: ${evaluationText(measured)} on ${measured.sampleCount} samples\n`,
    )
  } finally {
    await trainer.stop()
  }
}

const scalingSchema = z.strictObject({
  scale: z.number().positive().exactOptional(),
  columns: z
    .strictObject({ means: z.array(z.number()), deviations: z.array(z.number()) })
    .exactOptional(),
})

/** As training has scaled its samples: the file that it wrote beside the model. */
async function readScaling({ scale, scaling }: EvalOptions): Promise<Scaling> {
  if (scaling === undefined) return scale === undefined ? {} : { scale }
  const text = new TextDecoder().decode(await readInputFile(scaling))
  try {
    return scalingSchema.parse(JSON.parse(text))
  } catch (cause) {
    const message = `${scaling} is no file of scalings: ${messageOf(cause)}`
    throw new GainnetError('DATA_INVALID', message, {}, { cause })
  }
}
