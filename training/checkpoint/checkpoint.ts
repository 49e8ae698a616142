import { readFile, stat } from 'node:fs/promises'
import { z } from 'zod'
import { writeFileAtomic } from '../../runtime/atomic-file.ts'
import { errnoOf, GainnetError, hasCode, messageOf } from '../../runtime/errors.ts'
import { type ArtifactMetadata, stateTensors } from '../forms/artifact-metadata.ts'
import { createOptimizer } from '../optimizer/registry.ts'
import { sameShape } from '../types/type-rule.ts'
import {
  decodeSafetensors,
  encodeSafetensors,
  HEADER_BYTES_MAX,
  type SafeTensor,
} from './safetensors.ts'

/** Where a run in training stands. */
export interface Checkpoint {
  /** A run goes on only with what it began with. */
  readonly identity: {
    /** SHA-256 of the artifact. */
    readonly artifact: string
    readonly seed: number
    readonly sampleCount: number
  }
  /** Steps done: schedules, orders of samples and corrections of moments follow from it. */
  readonly stepCount: number
  /** By the name of the artifact's input. */
  readonly states: ReadonlyMap<string, Float32Array>
}

const FORMAT = 'gainnet-checkpoint'

const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number)

const metadataSchema = z.object({
  format: z.literal(FORMAT),
  version: z.literal('1'),
  artifact: z.string().regex(/^[0-9a-f]{64}$/),
  seed: z
    .string()
    .regex(/^-?\d{1,15}$/)
    .transform(Number),
  samples: wholeNumber,
  step: wholeNumber,
})

type Metadata = Pick<ArtifactMetadata, 'parameters' | 'optimizer'>

/**
 * Writes the checkpoint as a whole or not at all: a disk that fills leaves the one before it. A tensor
 * for each parameter, under its own name, and one for each slot and average beside it
 * ("firstMoment.<name>", "average.<name>").
 *
 * Slots are kept as the graph holds them: multiplied into the scale of the paper and back they would
 * be rounded, and a resumed run would not give the bits of an uninterrupted one. `slot_scales` says
 * by what to multiply: Adam's m = 0.1 · firstMoment, for β₁ = 0.9.
 */
export async function writeCheckpoint(
  path: string,
  checkpoint: Checkpoint,
  metadata: Metadata,
): Promise<{ readonly bytes: number }> {
  const { identity, stepCount, states } = checkpoint
  const { slots, slotScales = slots.map(() => 1) } = createOptimizer(metadata.optimizer)
  const file = encodeSafetensors({
    metadata: {
      format: FORMAT,
      version: '1',
      artifact: identity.artifact,
      seed: String(identity.seed),
      samples: String(identity.sampleCount),
      step: String(stepCount),
      slot_scales: JSON.stringify(
        Object.fromEntries(slots.map((slot, index) => [slot, slotScales[index]])),
      ),
    },
    tensors: tensorsOf(metadata).map(({ input, name, shape }) => ({
      name,
      shape,
      values: states.get(input) ?? new Float32Array(0),
    })),
  })
  try {
    await writeFileAtomic(path, file)
  } catch (error) {
    throw new GainnetError(
      'CHECKPOINT_UNWRITABLE',
      `the checkpoint ${path} of step ${stepCount} (${file.length} bytes) cannot be written: ` +
        messageOf(error),
      { path, step: stepCount, bytes: file.length, errno: errnoOf(error) },
      { cause: error },
    )
  }
  return { bytes: file.length }
}

/** Fails with CHECKPOINT_INVALID where the file is damaged or of another run. */
export async function readCheckpoint(
  path: string,
  metadata: Metadata,
  identity: Checkpoint['identity'],
): Promise<Checkpoint> {
  const wanted = tensorsOf(metadata)
  try {
    const bytesMax = wanted.reduce((sum, { count }) => sum + 4 * count, HEADER_BYTES_MAX)
    const { metadata: stated, tensors } = decodeSafetensors(await readLimited(path, bytesMax))
    const known = metadataSchema.parse(stated)
    checkIdentity(known, identity)
    const named = new Map(tensors.map(tensor => [tensor.name, tensor]))
    return {
      identity,
      stepCount: known.step,
      states: new Map(wanted.map(one => [one.input, valuesOf(named.get(one.name), one)])),
    }
  } catch (error) {
    const details = hasCode(error, 'CHECKPOINT_INVALID') ? error.details : {}
    throw new GainnetError(
      'CHECKPOINT_INVALID',
      `the checkpoint ${path} cannot be used: ${messageOf(error)}`,
      { ...details, path },
      { cause: error },
    )
  }
}

async function readLimited(path: string, bytesMax: number): Promise<Uint8Array> {
  const { size } = await stat(path)
  if (size > bytesMax) invalid(`it has ${size} bytes, one of this artifact at most ${bytesMax}`)
  return readFile(path)
}

function tensorsOf({ parameters }: Metadata) {
  return parameters.flatMap(parameter =>
    stateTensors(parameter).map(({ input }) => ({
      input,
      name: input === parameter.input ? parameter.name : input,
      shape: parameter.shape,
      count: parameter.count,
    })),
  )
}

function checkIdentity(
  known: z.output<typeof metadataSchema>,
  { artifact, seed, sampleCount }: Checkpoint['identity'],
): void {
  if (known.artifact !== artifact) {
    invalid(`it is of the artifact ${known.artifact}, not of ${artifact}`)
  }
  if (known.seed !== seed) invalid(`it was made with the seed ${known.seed}, not ${seed}`)
  if (known.samples !== sampleCount) {
    invalid(`it was made with ${known.samples} samples, not ${sampleCount}`)
  }
}

function valuesOf(
  tensor: SafeTensor | undefined,
  { name, shape }: Pick<SafeTensor, 'name' | 'shape'>,
): Float32Array {
  if (!tensor) return invalid(`it lacks the tensor ${name}`)
  if (!sameShape(tensor.shape, shape)) {
    invalid(`${name} has the shape [${tensor.shape}], not [${shape}]`)
  }
  return tensor.values
}

function invalid(message: string): never {
  throw new GainnetError('CHECKPOINT_INVALID', message)
}
