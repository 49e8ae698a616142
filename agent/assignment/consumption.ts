import type { ConsumeOrder, PhaseInterval } from '../../protocol/assignment.ts'
import type { Content } from '../../protocol/messages.ts'
import type { BlobReference, ModelManifest } from '../../protocol/model-manifest.ts'
import { parametersOfBytes } from '../../protocol/parameter-bytes.ts'
import { rowElements } from '../../protocol/row-form.ts'
import type { Clock } from '../../runtime/clock.ts'
import { GainnetError } from '../../runtime/errors.ts'
import { readTrainingArtifact } from '../../training/forms/artifact-metadata.ts'
import { checkMemory } from '../../training/memory/memory-limit.ts'
import { cutWindows } from '../../training/samples/row-windows.ts'
import { ComputeBudget } from '../limits/compute-budget.ts'
import { TransferPace } from '../limits/transfer-pace.ts'
import type { SampleStore } from '../samples/sample-store.ts'
import { trainingRows } from '../samples/training-rows.ts'
import { phaseUse } from './phase-use.ts'
import type { SensedRound } from './sensing.ts'
import type { SlotGate } from './slot-gate.ts'
import type { TrainerLoan } from './trainer-pool.ts'
import { runTraining, type TrainingResult } from './training-run.ts'
import { writeUpdate } from './write-update.ts'

/** Trainer, runtime and their buffers without any model (training engine, measured on x64). */
const TRAINER_BYTES = 130 * 2 ** 20

/** What is sent up: the parameters and the manifest without the hashes of its blocks. */
export interface LearnedUpdate {
  readonly payload: Uint8Array
  readonly learned: Pick<
    Content<'updateManifest'>,
    | 'grId'
    | 'crId'
    | 'modelId'
    | 'baseVersion'
    | 'sampleCount'
    | 'localSteps'
    | 'lossBefore'
    | 'lossAfter'
    | 'phases'
    | 'encoding'
    | 'form'
    | 'valueCount'
  >
  /** What of the change the payload does not carry: for the next update of this model. */
  readonly residual: Float32Array | null
}

export interface ConsumptionContext {
  readonly crId: number
  readonly order: ConsumeOrder
  readonly manifest: ModelManifest
  readonly sensed: SensedRound
  readonly store: SampleStore
  readonly gate: SlotGate
  /** Its trainer starts while the download waits for its slots and runs. */
  readonly loan: TrainerLoan
  readonly memoryBytesMax: number
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly fetchBlob: (
    reference: BlobReference,
    pace: TransferPace | undefined,
  ) => Promise<Uint8Array>
  readonly interval: (
    phase: PhaseInterval['phase'],
    startedAtMs: number,
    more?: Pick<PhaseInterval, 'cpuSeconds' | 'bytes' | 'use'>,
  ) => PhaseInterval
  readonly onPhase: (phase: 'download' | 'train') => void
  /** What the last update of this model left over, if any. */
  readonly residual: Float32Array | undefined
}

/** Why an order cannot be carried out, with the number that does not fit; null where it can. */
export function consumptionRefusal(o: {
  readonly order: ConsumeOrder
  readonly manifest: ModelManifest | undefined
  readonly sensed: SensedRound | undefined
  readonly nowMs: number
  readonly deadlineMs: number
  readonly memoryBytesMax: number
}): string | null {
  const { order, manifest, sensed, nowMs, deadlineMs, memoryBytesMax } = o
  if (!sensed) return `nothing was sensed for GAI round ${order.grId} in this life of the agent`
  if (sensed.sampleCount === 0) return `no sample was sensed for GAI round ${order.grId}`
  if (!manifest) return `no manifest of model ${order.modelId} has come`
  if (manifest.version !== order.version) {
    return `version ${order.version.slice(0, 8)} is asked, ${manifest.version.slice(0, 8)} is current`
  }
  if (nowMs >= deadlineMs) return `the deadline passed ${Math.round(nowMs - deadlineMs)} ms ago`
  const needed = memoryNeed(manifest, Math.min(order.sampleCount, sensed.sampleCount))
  if (needed > memoryBytesMax) return `needs ${needed} bytes of memory, limit ${memoryBytesMax}`
  return null
}

/** Parameters, gradients, two moments and their copies out of a run; the rows; the trainer. */
function memoryNeed(manifest: ModelManifest, samples: number): number {
  const { takes, parameters } = manifest
  const rows = takes.inputRows + (takes.labels.kind === 'rows' ? takes.labels.rows : 0)
  const numbers = samples * rows * rowElements(takes.form)
  return TRAINER_BYTES + parameters.bytes * 8 + numbers * Float32Array.BYTES_PER_ELEMENT
}

/** Download and train: what is left of a GAI round but its upload. */
export async function consumeRound(context: ConsumptionContext): Promise<LearnedUpdate> {
  const { crId, order, manifest } = context
  const { artifact, parameters, download } = await downloadModel(context)
  const { result, learned, train } = await trainModel(context, { artifact, parameters })
  const base = parametersOfBytes(parameters)
  const written = writeUpdate({ learned, base, residual: context.residual }, order.compression)
  return {
    payload: written.payload,
    residual: written.residual,
    learned: {
      ...written.form,
      grId: order.grId,
      crId,
      modelId: manifest.modelId,
      baseVersion: order.version,
      sampleCount: result.sampleCount,
      localSteps: result.steps,
      lossBefore: result.lossBefore,
      lossAfter: result.lossAfter,
      phases: [download, train],
    },
  }
}

interface DownloadedModel {
  readonly artifact: Uint8Array
  readonly parameters: Uint8Array
}

async function downloadModel(
  context: ConsumptionContext,
): Promise<DownloadedModel & { readonly download: PhaseInterval }> {
  const { order, manifest, gate, clock, interval, onPhase, fetchBlob } = context
  const slots = order.downloadSlots
  const time = await gate.enter(slots)
  onPhase('download')
  const startedAtMs = clock.now()
  const pace = TransferPace.of(clock, { bits: order.downloadBitsMax ?? 0, ...time })
  const [artifact, parameters] = await Promise.all([
    fetchBlob(manifest.training, pace),
    fetchBlob(manifest.parameters, pace),
  ])
  const use = phaseUse({ gate, slots, startedAtMs, endedAtMs: clock.now(), pace })
  const download = interval('download', startedAtMs, { bytes: parameters.length, use })
  return { artifact, parameters, download }
}

async function trainModel(
  context: ConsumptionContext,
  { artifact, parameters }: DownloadedModel,
): Promise<{
  readonly result: TrainingResult
  readonly learned: Float32Array
  readonly train: PhaseInterval
}> {
  const { order, manifest, sensed, store, gate, clock, signal, interval, onPhase, loan } = context
  const samplesPerStep = samplesPerStepOf(artifact, order)
  const { takes } = manifest
  const rows = await trainingRows({ ...{ sensed, takes, store }, sampleCount: order.sampleCount })
  const { sampleCount, ...samples } = cutWindows(rows, takes, order.sampleCount)
  // Before it came only the number of its parameters was known, not what computing with them takes.
  checkMemory({ artifact, ...samples }, context.memoryBytesMax)
  const trainer = await loan.trainer
  const loaded = await trainer.load({
    artifact,
    parameters: parametersOfBytes(parameters),
    ...samples,
    seed: order.seed,
    threads: Math.max(1, Math.ceil(order.computingShare)),
  })
  const slots = order.computeSlots
  const time = await gate.enter(slots)
  onPhase('train')
  const startedAtMs = clock.now()
  const budget = new ComputeBudget({ clock, share: order.computingShare, ...time })
  loan.limits.limitShare(order.computingShare)
  const result = await runTraining({
    trainer,
    order,
    sampleCount,
    samplesPerStep,
    budget,
    clock,
    endsAtMs: time.endsAtMs,
    signal,
  }).catch(async error => {
    // It may be in the middle of a run that nobody waits for any more.
    await loan.discard()
    throw error
  })
  loan.limits.limitShare(null)
  if (result.steps === 0) {
    throw new GainnetError('TRAINING_FAILED', 'the compute slots were over before the first step')
  }
  const { memoryUse } = loan.limits
  const cpuSeconds = { used: result.cpuSeconds, granted: budget.grantedSeconds }
  const use = phaseUse({
    ...{ gate, slots, startedAtMs, endedAtMs: clock.now() },
    cpuSeconds,
    ...(memoryUse ? { memoryBytes: memoryUse } : {}),
    loadCpuSeconds: loaded.cpuSeconds,
  })
  const train = interval('train', startedAtMs, { cpuSeconds: result.cpuSeconds, use })
  return { result, learned: await trainer.parameters(), train }
}

function samplesPerStepOf(artifact: Uint8Array, order: ConsumeOrder): number {
  const { batch, accumulation } = readTrainingArtifact(artifact)
  if (batch === order.batch) return batch * accumulation
  throw new GainnetError(
    'PROTOCOL_INVALID',
    `the order asks for batches of ${order.batch}, the training graph has ${batch}`,
  )
}
