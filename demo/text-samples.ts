import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { BlobStore } from '../controller/models/blob-store.ts'
import { Hash } from '../protocol/envelope.ts'
import { parametersOfBytes } from '../protocol/parameter-bytes.ts'
import type { TrainerProcess } from '../training/trainer/trainer-process.ts'

/** As much as a line of the report shows. */
const SAMPLE_BYTES = 84
/** Below 1 the likelier bytes win more often than they should: text that reads better. */
const TEMPERATURE = 0.6
const SEED = 7

/** Of a version record in the controller's state directory, what generating needs. */
const VersionRecord = z.object({ version: Hash, forward: Hash })

export interface StoredModel {
  readonly forward: Uint8Array
  readonly parameters: Float32Array
}

/** One version of a model as the controller keeps it. */
export async function readStoredModel(
  controllerState: string,
  { modelId, versionNumber }: { readonly modelId: string; readonly versionNumber: number },
): Promise<StoredModel> {
  const path = join(controllerState, 'models', modelId, `${versionNumber}.json`)
  const { version, forward } = VersionRecord.parse(JSON.parse(await readFile(path, 'utf8')))
  const blobs = new BlobStore(join(controllerState, 'blobs'))
  // Copies: a Buffer may begin anywhere in its memory, and floats must not.
  return {
    forward: new Uint8Array(await blobs.get(forward)),
    parameters: parametersOfBytes(await blobs.get(version)),
  }
}

/** A line that the model writes after the prompt. */
export async function generateLine(
  trainer: TrainerProcess,
  { forward, parameters }: StoredModel,
  prompt: string,
): Promise<string> {
  const bytes = await trainer.generate({
    model: forward,
    parameters,
    prompt: Buffer.from(prompt),
    byteCount: SAMPLE_BYTES,
    temperature: TEMPERATURE,
    seed: SEED,
  })
  return prompt + Buffer.from(bytes).toString('utf8')
}
