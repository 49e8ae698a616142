import { z } from 'zod'
import type { LossOptions } from '../loss/registry.ts'
import { autoencoderSchema, buildAutoencoder } from './autoencoder.ts'
import { buildCnn, buildCnn1d, cnn1dSchema, cnnSchema } from './cnn.ts'
import { buildDenoiser, denoiserSchema } from './diffusion/denoiser.ts'
import { buildUnet, unetSchema } from './diffusion/unet.ts'
import { buildGpt, gptSchema } from './gpt.ts'
import { buildGraphAttention, graphAttentionSchema } from './graph-attention.ts'
import { buildGruForecaster, gruForecasterSchema } from './gru-forecaster.ts'
import { buildLlama, llamaSchema } from './llama.ts'
import { buildMlp, mlpSchema } from './mlp.ts'
import { buildResnet, resnetSchema } from './resnet.ts'
import { buildSacActor, buildSacCritic, sacActorSchema, sacCriticSchema } from './sac-networks.ts'
import { buildVae, vaeSchema } from './vae.ts'

export const modelSchema = z.discriminatedUnion('kind', [
  autoencoderSchema,
  cnnSchema,
  cnn1dSchema,
  denoiserSchema,
  gptSchema,
  graphAttentionSchema,
  gruForecasterSchema,
  llamaSchema,
  mlpSchema,
  resnetSchema,
  sacActorSchema,
  sacCriticSchema,
  unetSchema,
  vaeSchema,
])

export type ModelSettings = z.output<typeof modelSchema>
export type ModelKind = ModelSettings['kind']

/** What a caller writes: options that are left out have the defaults of the schema. */
export type ModelOptions = z.input<typeof modelSchema>

interface ModelRow<Settings> {
  /** Pure: equal settings give equal bytes. */
  readonly build: (settings: Settings) => Uint8Array
  /** What it is made to be trained by. */
  readonly loss: LossOptions
}

const models: {
  readonly [Kind in ModelKind]: ModelRow<Extract<ModelSettings, { kind: Kind }>>
} = {
  autoencoder: { build: buildAutoencoder, loss: 'reconstruction' },
  cnn: { build: buildCnn, loss: 'softmax-cross-entropy' },
  'cnn-1d': { build: buildCnn1d, loss: 'softmax-cross-entropy' },
  'ddpm-denoiser': { build: buildDenoiser, loss: 'mean-squared-error' },
  'ddpm-unet': { build: buildUnet, loss: 'mean-squared-error' },
  gpt: { build: buildGpt, loss: 'softmax-cross-entropy' },
  'graph-attention': { build: buildGraphAttention, loss: 'softmax-cross-entropy' },
  'gru-forecaster': { build: buildGruForecaster, loss: 'mean-squared-error' },
  llama: { build: settings => buildLlama(settings), loss: 'softmax-cross-entropy' },
  mlp: { build: buildMlp, loss: 'softmax-cross-entropy' },
  resnet: { build: buildResnet, loss: 'softmax-cross-entropy' },
  // By what others did and got; training/sac trains the two together by what they bring about.
  'sac-actor': { build: buildSacActor, loss: 'mean-squared-error' },
  'sac-critic': { build: buildSacCritic, loss: 'mean-squared-error' },
  vae: { build: buildVae, loss: { kind: 'model-output', output: 'loss' } },
}

export const modelKinds: readonly string[] = Object.keys(models)

/** The plain inference ONNX model of these options, its parameters as the seed makes them. */
export function buildModel(options: ModelOptions): Uint8Array {
  const settings = modelSchema.parse(options)
  // The table is typed by kind, so the row found takes just these settings.
  const { build } = models[settings.kind] as ModelRow<ModelSettings>
  return build(settings)
}

/** The loss that models of the kind are made for; another one may do as well. */
export function usualLoss(kind: ModelKind): LossOptions {
  return models[kind].loss
}
