import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ControllerConfig } from '../../config/controller-schema.ts'
import type { ModelObjective } from '../../protocol/model-manifest.ts'
import { type RowForm, RowForm as RowFormSchema } from '../../protocol/row-form.ts'
import type { SampleSpec } from '../../protocol/sample-spec.ts'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { readRowFile } from '../../training/datasets/row-file.ts'
import { readTrainingArtifact } from '../../training/forms/artifact-metadata.ts'
import {
  buildTrainingArtifact,
  type TrainingArtifact,
} from '../../training/forms/training-artifact.ts'
import { type LossOptions, parseLoss } from '../../training/loss/registry.ts'
import { buildByteLanguageModel } from '../../training/models/byte-language-model.ts'
import {
  buildModel,
  type ModelOptions,
  modelSchema,
  usualLoss,
} from '../../training/models/registry.ts'
import { withExternalData } from '../../training/onnx/external-data.ts'
import { type HeldBackRows, standardScaling } from './held-back-rows.ts'
import { readHeldBackText } from './held-back-text.ts'
import { planSamples } from './sample-plan.ts'

export type ModelConfig = ControllerConfig['models'][number]
type TextConfig = Extract<ModelConfig, { kind: 'byte-language-model' }>
type RowsConfig = Exclude<ModelConfig, TextConfig>

/** A model as its configuration describes it, before any version of its parameters. */
export interface ModelSource {
  /** ONNX forward graph. */
  readonly forward: Uint8Array
  readonly artifact: TrainingArtifact
  readonly loss: LossOptions
  /** The output that is trained, for a model with several. */
  readonly prediction: string | undefined
  readonly objective: ModelObjective
  readonly takes: SampleSpec
  readonly heldBack: HeldBackRows
}

const TEXT_FORM: RowForm = { element: 'uint8', shape: [] }

export async function openModelSource(
  config: ModelConfig,
  { batch }: { readonly batch: number },
): Promise<ModelSource> {
  return config.kind === 'byte-language-model'
    ? textSource(config, batch)
    : rowsSource(config, batch)
}

async function textSource(config: TextConfig, batch: number): Promise<ModelSource> {
  const { modelId, contextBytes, embeddingSize, hiddenSizes, seed, evaluation } = config
  const forward = buildByteLanguageModel({ contextBytes, embeddingSize, hiddenSizes, seed })
  const loss = 'softmax-cross-entropy'
  const artifact = artifactOf(forward, { loss, batch })
  const objective = 'next-byte'
  const rows = await readHeldBackText(evaluation.path, evaluation.bytesMax)
  const choice = { modelId, objective, form: TEXT_FORM, inputRows: contextBytes } as const
  return {
    forward,
    artifact,
    loss,
    prediction: undefined,
    objective,
    takes: planSamples(
      { ...choice, strideRows: 1, rowsLast: false },
      readTrainingArtifact(artifact.bytes).inputs,
    ),
    heldBack: { rows, rowCount: rows.length, labels: null },
  }
}

async function rowsSource(config: RowsConfig, batch: number): Promise<ModelSource> {
  const { modelId, objective, samples, evaluation } = config
  const { windowRows, strideRows, rowsLast, scaling } = samples
  const form = formOf(config)
  const { forward, usual } = await forwardOf(config)
  const loss = lossOf(config, usual)
  const prediction = config.kind === 'onnx' ? config.output : undefined
  const artifact = artifactOf(forward, { loss, prediction, batch })
  const plan = planSamples(
    { modelId, objective, form, inputRows: windowRows, strideRows, rowsLast },
    readTrainingArtifact(artifact.bytes).inputs,
  )
  const heldBack = await readRowFile({ ...evaluation, ...form })
  if (plan.labels.kind === 'class' && !heldBack.labels) {
    refuse(config, 'evaluation: a model of classes is judged by labels: name labels or labelColumn')
  }
  const scaled = scaling === 'standardize' ? { scaling: standardScaling(form, heldBack) } : {}
  const paced = samples.rowsPerSecond ? { rowsPerSecond: samples.rowsPerSecond } : {}
  const takes = { ...plan, ...paced, ...scaled }
  return { forward, artifact, loss, prediction, objective, takes, heldBack }
}

function formOf(config: RowsConfig): RowForm {
  const { element, shape } = config.samples
  const form = RowFormSchema.safeParse({ element, shape })
  return form.success ? form.data : refuse(config, `samples: ${form.error.issues[0]?.message}`)
}

function artifactOf(
  forward: Uint8Array,
  o: {
    readonly loss: LossOptions
    readonly prediction?: string | undefined
    readonly batch: number
  },
): TrainingArtifact {
  const { loss, prediction, batch } = o
  return buildTrainingArtifact(forward, {
    loss,
    ...(prediction === undefined ? {} : { prediction }),
    optimizer: { kind: 'adam' },
    batch,
  })
}

async function forwardOf(
  config: RowsConfig,
): Promise<{ readonly forward: Uint8Array; readonly usual: LossOptions }> {
  if (config.kind === 'onnx') {
    const { path } = config
    try {
      const forward = await withExternalData(await readFile(path), dirname(path))
      return { forward, usual: USUAL_LOSS[config.objective] }
    } catch (error) {
      refuse(config, `path: ${path} cannot be read: ${messageOf(error)}`)
    }
  }
  const settings = modelSchema.safeParse(config.architecture)
  if (!settings.success) {
    const [issue] = settings.error.issues
    refuse(config, `architecture: ${[...(issue?.path ?? []), issue?.message].join(': ')}`)
  }
  const forward = buildModel(settings.data as ModelOptions)
  const { kind } = settings.data
  const isUsual = config.objective === 'reconstruction' || config.objective === 'classes'
  return { forward, usual: isUsual ? usualLoss(kind) : USUAL_LOSS[config.objective] }
}

const USUAL_LOSS = {
  classes: 'softmax-cross-entropy',
  'next-row': 'mean-squared-error',
  reconstruction: 'reconstruction',
  'next-byte': 'softmax-cross-entropy',
} as const satisfies Readonly<Record<ModelObjective, LossOptions>>

function lossOf(config: RowsConfig, usual: LossOptions): LossOptions {
  if (config.loss === undefined) return usual
  try {
    return parseLoss({ kind: config.loss } as LossOptions)
  } catch {
    refuse(
      config,
      `loss: there is no ${config.loss}, or it needs settings that a name does not give`,
    )
  }
}

function refuse({ modelId }: RowsConfig, why: string): never {
  throw new GainnetError('CONFIG_INVALID', `models.${modelId}.${why}`, { modelId })
}
