import { createHash } from 'node:crypto'
import type { BlobReference } from '../../../protocol/model-manifest.ts'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import { buildByteLanguageModel } from '../../../training/models/byte-language-model.ts'
import { nextByteSamples } from '../../../training/samples/next-byte-samples.ts'
import { nextByteOf } from '../../support/sample-specs.ts'
import { manifestOf } from '../../unit/agent/orders.ts'

export const CONTEXT_BYTES = 4
export const BATCH = 32
export const TEXT = new TextEncoder().encode('the sensor hears the same words. '.repeat(100))

function artifactOf(accumulation = 1) {
  const model = buildByteLanguageModel({
    contextBytes: CONTEXT_BYTES,
    embeddingSize: 4,
    hiddenSizes: [16],
    seed: 1,
  })
  const loss = 'softmax-cross-entropy'
  const optimizer = { kind: 'adam' } as const
  return buildTrainingArtifact(model, { loss, optimizer, batch: BATCH, accumulation })
}

const artifact = artifactOf()
export const initialParameters = artifact.initialParameters
const parameterBytes = new Uint8Array(initialParameters.slice().buffer)

export const BLOBS = new Map(
  [artifact.bytes, parameterBytes].map(bytes => [hashOf(bytes), bytes] as const),
)

/** Of the model as the controller announces it. */
export const manifest = manifestOf({
  version: hashOf(parameterBytes),
  takes: nextByteOf(CONTEXT_BYTES),
  training: referenceTo(artifact.bytes),
  parameters: referenceTo(parameterBytes),
  flopsPerSample: artifact.flopsPerSample,
})

/** What a trainer loads to train on the first samples of the text. */
export function jobOf(samplesMax: number, { accumulation = 1 } = {}) {
  const samples = nextByteSamples(TEXT, { contextBytes: CONTEXT_BYTES, samplesMax })
  return {
    artifact: artifactOf(accumulation).bytes,
    parameters: initialParameters,
    ...samples,
    seed: 1,
  }
}

function referenceTo(bytes: Uint8Array): BlobReference {
  return { sha256: hashOf(bytes), bytes: bytes.length, blockBytes: 2 ** 18, blocks: 1 }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
