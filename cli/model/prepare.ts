import { join } from 'node:path'
import { encodeSafetensors } from '../../training/checkpoint/safetensors.ts'
import { buildTrainingForms } from '../../training/forms/training-forms.ts'
import type { LossKind } from '../../training/loss/registry.ts'
import { estimateMemory } from '../../training/memory/estimate-memory.ts'
import type { OptimizerSettings } from '../../training/optimizer/registry.ts'
import { checkWritable, readModelFile, writeOutputFile } from './model-file.ts'
import { specialized } from './specialized-model.ts'
import { shortBytes, textTable } from './text-table.ts'
import { type PartOptions, planTraining } from './training-plan.ts'

export interface PrepareOptions extends PartOptions {
  readonly out: string
  readonly loss: LossKind
  readonly optimizer: OptimizerSettings['kind']
  readonly batch: number
}

/** What each file is for; the names are those of the forms. */
const PURPOSE: Readonly<Record<string, string>> = {
  scan: 'any number of steps a run, over a data set held in memory',
  step: 'one step: batch, parameters and optimizer state in, the new ones out',
  grad: 'loss and gradients of one batch',
  apply: 'what an optimizer makes of gradients, those of several devices, say',
  eval: 'loss and prediction of one batch',
  infer: 'the model itself',
}

export async function runPrepare(file: string, options: PrepareOptions): Promise<void> {
  const { out, loss, optimizer } = options
  await checkWritable(join(out, 'scan.onnx'))
  const model = specialized(await readModelFile(file), options)
  const { batch, prediction, trainable } = planTraining(model, file, options)
  const { models, parameters, initialParameters } = buildTrainingForms(model, {
    loss,
    optimizer: { kind: optimizer },
    batch,
    prediction,
    trainable,
  })
  const tensors = parameters.map(({ name, shape, offset, count }) => ({
    name,
    shape,
    values: initialParameters.subarray(offset, offset + count),
  }))
  const weights = encodeSafetensors({ metadata: { format: 'gainnet-parameters' }, tensors })
  const files = [
    ...Object.entries(models).map(([form, bytes]) => ({
      name: `${form}.onnx`,
      bytes,
      purpose: PURPOSE[form] ?? '',
    })),
    { name: 'parameters.safetensors', bytes: weights, purpose: 'what training begins with' },
  ]
  for (const { name, bytes } of files) await writeOutputFile(join(out, name), bytes)
  const memory = estimateMemory(models.scan, { sampleCount: batch }).bytes
  process.stdout.write(
    `${parameters.length} tensors, ${initialParameters.length} parameters, batches of ${batch}; ` +
      `a trainer takes ${shortBytes(memory)} and its data set\n` +
      textTable(
        files.map(({ name, bytes, purpose }) => [
          join(out, name),
          shortBytes(bytes.byteLength),
          purpose,
        ]),
      ),
  )
}
