import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { hashOf } from '../../protocol/blocks.ts'
import { Hash, Id, Time } from '../../protocol/envelope.ts'
import type { ModelObjective } from '../../protocol/model-manifest.ts'
import { bytesOfParameters, parametersOfBytes } from '../../protocol/parameter-bytes.ts'
import type { SampleSpec } from '../../protocol/sample-spec.ts'
import type { DataSketch } from '../../protocol/urp.ts'
import { allEnded } from '../../runtime/all-ended.ts'
import {
  type FileContent,
  readFileIfThere,
  stageFiles,
  syncFile,
  writeFileAtomic,
} from '../../runtime/atomic-file.ts'
import { errnoOf, GainnetError, hasCode, messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import { type TrainingWork, trainingWork } from '../../training/cost/count-work.ts'
import { type ParameterInfo, readForwardModel } from '../../training/forward/forward-graph.ts'
import type { LossOptions } from '../../training/loss/registry.ts'
import { BlobStore } from './blob-store.ts'
import { type HeldBackRows, sketchOfRows } from './held-back-rows.ts'
import { type ModelConfig, type ModelSource, openModelSource } from './model-source.ts'

/** One version of a model as `models/<modelId>/<versionNumber>.json` keeps it. */
const VersionRecord = z.strictObject({
  modelId: Id,
  version: Hash.describe('SHA-256 of the parameters.'),
  versionNumber: z.int().min(0),
  parent: Hash.nullable(),
  createdAt: Time,
  forward: Hash.describe('ONNX forward graph.'),
  training: Hash.describe('ONNX training graph.'),
  samplesAbsorbed: z.number().nonnegative().describe('Samples of all updates up to this version.'),
  moments: z
    .strictObject({ rule: z.string(), blobs: z.array(Hash) })
    .optional()
    .describe('What the rule of aggregation carries from this version to the next.'),
})
export type VersionRecord = z.infer<typeof VersionRecord>

/** A domain-specific model of this edge server, with everything but its current parameters. */
export interface Model {
  readonly modelId: string
  readonly config: ModelConfig
  /** ONNX forward graph, for evaluation and generation. */
  readonly forward: Uint8Array
  /** ONNX training graph, as agents fetch it. */
  readonly training: Uint8Array
  readonly flopsPerSample: number
  /** What a training step makes a board do. */
  readonly work: TrainingWork
  readonly samplesPerStep: number
  readonly parameterCount: number
  readonly objective: ModelObjective
  readonly takes: SampleSpec
  readonly loss: LossOptions
  /** The output that is trained, for a model with several. */
  readonly prediction: string | undefined
  readonly heldBack: HeldBackRows
  readonly targetSketch: DataSketch
  readonly current: VersionRecord
}

/** What a rule of aggregation carries from one version to the next: as long as the parameters each. */
export interface Moments {
  readonly rule: string
  readonly values: readonly Float32Array[]
}

interface VersionOptions {
  /** SHA-256 of the parameters, where it is known. */
  readonly version?: string
  readonly moments?: Moments
  readonly sampleCount: number
  readonly nowMs: number
  /** Asked last before the version counts. */
  readonly isUnwanted?: () => boolean
}

/** Versions that are kept: enough to look back and to roll back by hand. */
const VERSIONS_KEPT = 50
/** The current version, which is listed twice, and the one before, should a power cut damage it. */
const MOMENTS_KEPT = 3

/**
 * The models of this edge server and their versions on disk, content-addressed. A version counts
 * once both its record and its blob are there; a crash before that leaves the old version. So does
 * a power cut before settled(): until then the updates that it is made of must be kept.
 */
export class ModelLibrary {
  readonly #folder: string
  readonly #blobs: BlobStore
  readonly #log: Logger
  readonly #models = new Map<string, Model>()
  /** Records of the versions that are kept, oldest first, by model; read from disk once. */
  readonly #kept = new Map<string, VersionRecord[]>()
  #work: Promise<unknown> = Promise.resolve()
  #syncing: Promise<unknown> = Promise.resolve()

  constructor(options: { readonly stateDirectory: string; readonly log: Logger }) {
    this.#folder = join(options.stateDirectory, 'models')
    this.#blobs = new BlobStore(join(options.stateDirectory, 'blobs'))
    this.#log = options.log
  }

  get models(): readonly Model[] {
    return [...this.#models.values()]
  }

  model(modelId: string): Model {
    const model = this.#models.get(modelId)
    if (!model) throw new GainnetError('ROUND_FAILED', `no model ${modelId}`, { modelId })
    return model
  }

  /** Builds or reopens every configured model. */
  async open(
    configs: readonly ModelConfig[],
    training: { readonly batch: number },
    nowMs: number,
  ): Promise<void> {
    for (const config of configs) {
      this.#models.set(config.modelId, await this.#openModel(config, training, nowMs))
    }
  }

  async parameters(modelId: string): Promise<Float32Array> {
    const bytes = await this.#blobs.get(this.model(modelId).current.version)
    return parametersOfBytes(bytes)
  }

  /** Of the current version; none where it was made by another rule. */
  async moments(modelId: string, rule: string): Promise<readonly Float32Array[]> {
    const { moments } = this.model(modelId).current
    if (moments?.rule !== rule) return []
    return Promise.all(
      moments.blobs.map(async hash => parametersOfBytes(await this.#blobs.get(hash))),
    )
  }

  /** Stores the parameters as the model's next version; ROUND_FAILED where that came too late. */
  addVersion(modelId: string, parameters: Float32Array, o: VersionOptions): Promise<VersionRecord> {
    return this.#inOrder(() => this.#addVersion(modelId, parameters, o))
  }

  async #addVersion(
    modelId: string,
    parameters: Float32Array,
    o: VersionOptions,
  ): Promise<VersionRecord> {
    const model = this.model(modelId)
    const { current } = model
    const bytes = bytesOfParameters(parameters)
    const { version = hashOf(bytes), sampleCount, nowMs, isUnwanted } = o
    const moments = o.moments && momentBlobs(o.moments)
    const { moments: _, ...same } = current
    const next: VersionRecord = {
      ...same,
      ...(moments ? { moments: moments.record } : {}),
      version,
      versionNumber: current.versionNumber + 1,
      parent: current.version,
      createdAt: new Date(nowMs).toISOString(),
      samplesAbsorbed: current.samplesAbsorbed + sampleCount,
    }
    const blobs = [{ hash: version, content: bytes }, ...(moments?.blobs ?? [])]
    const files = [
      ...blobs.map(({ hash, content }) => ({ path: this.#blobs.pathOf(hash), content })),
      this.#recordFile(next),
    ]
    const staged = await stageFiles(files)
    if (isUnwanted?.()) {
      await staged.discard()
      throw new GainnetError('ROUND_FAILED', 'storing the version took too long')
    }
    await staged.commit()
    const synced = files.map(({ path }) => this.#sync(path))
    this.#syncing = allEnded(this.#syncing, ...synced)
    this.#models.set(modelId, { ...model, current: next })
    this.#kept.get(modelId)?.push(next)
    return next
  }

  /** Resolves when all versions last through a power cut, or cannot be made to. */
  async settled(): Promise<void> {
    await this.#syncing
  }

  async #sync(path: string): Promise<void> {
    await syncFile(path).catch(err => this.#log.error({ err, path }, 'version cannot be synced'))
  }

  /** Removes old versions and what only they name, also of models that are not configured now. */
  collectGarbage(): Promise<void> {
    return this.#inOrder(async () => {
      const wanted = new Set<string>()
      for (const modelId of await readdir(this.#folder)) {
        const records = await this.#keptRecords(modelId)
        const kept = records.slice(-VERSIONS_KEPT)
        this.#kept.set(modelId, kept)
        // Before their blobs: a record without its blob would be damage.
        const old = records.slice(0, -VERSIONS_KEPT).map(({ versionNumber }) => versionNumber)
        await this.#removeRecords(modelId, old)
        const current = this.#models.get(modelId)?.current
        for (const hash of blobsOf(current ? [...kept, current] : kept)) wanted.add(hash)
      }
      const removed = await this.#blobs.keepOnly(wanted)
      if (removed > 0) this.#log.debug({ removed }, 'old blobs removed')
    })
  }

  async #keptRecords(modelId: string): Promise<readonly VersionRecord[]> {
    const known = this.#kept.get(modelId)
    if (known) return known
    const numbers = await this.#versionNumbers(modelId)
    await this.#removeRecords(modelId, numbers.slice(0, -VERSIONS_KEPT))
    const kept = numbers.slice(-VERSIONS_KEPT)
    return Promise.all(kept.map(versionNumber => this.#readRecord(modelId, versionNumber)))
  }

  async #removeRecords(modelId: string, versionNumbers: readonly number[]): Promise<void> {
    for (const versionNumber of versionNumbers) {
      await rm(this.#recordPath(modelId, versionNumber), { force: true })
    }
  }

  /** One after the other: a blob whose record is still to be written must not pass for garbage. */
  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#work.then(work)
    this.#work = result.catch(() => {})
    return result
  }

  async #openModel(
    config: ModelConfig,
    { batch }: { readonly batch: number },
    nowMs: number,
  ): Promise<Model> {
    const { modelId } = config
    const source = await openModelSource(config, { batch })
    const { forward, artifact } = source
    const built = {
      forward: await this.#blobs.put(forward),
      training: await this.#blobs.put(artifact.bytes),
    }
    const known = await this.#latest(modelId)
    if (known && !(await this.#hasShape(known, { ...built, parameters: artifact.parameters }))) {
      throw new GainnetError(
        'CONFIG_INVALID',
        `models.${modelId}: the stored versions have another shape than the config asks for; ` +
          `choose another modelId, or move ${join(this.#folder, modelId)} away`,
        { modelId },
      )
    }
    const current =
      known ?? (await this.#firstVersion(modelId, artifact.initialParameters, built, nowMs))
    return {
      modelId,
      config,
      forward,
      training: artifact.bytes,
      flopsPerSample: artifact.flopsPerSample,
      work: trainingWork(artifact.bytes),
      samplesPerStep: batch,
      parameterCount: artifact.initialParameters.length,
      ...learningOf(source),
      // The training graph may be built anew by a newer program; the parameters stay.
      current: { ...current, ...built },
    }
  }

  /** The graph's bytes may be others: another seed, or a newer program that writes it anew. */
  async #hasShape(
    record: VersionRecord,
    built: { readonly forward: string; readonly parameters: readonly ParameterInfo[] },
  ): Promise<boolean> {
    if (record.forward === built.forward) return true
    const { parameters } = readForwardModel(await this.#blobs.get(record.forward))
    return isDeepStrictEqual(parameters, built.parameters)
  }

  async #firstVersion(
    modelId: string,
    parameters: Float32Array,
    built: { readonly forward: string; readonly training: string },
    nowMs: number,
  ): Promise<VersionRecord> {
    const record: VersionRecord = {
      modelId,
      version: await this.#blobs.put(bytesOfParameters(parameters)),
      versionNumber: 0,
      parent: null,
      createdAt: new Date(nowMs).toISOString(),
      samplesAbsorbed: 0,
      ...built,
    }
    const { path, content } = this.#recordFile(record)
    await writeFileAtomic(path, content)
    return record
  }

  async #latest(modelId: string): Promise<VersionRecord | null> {
    const [last, before] = (await this.#versionNumbers(modelId)).reverse()
    if (last === undefined) return null
    try {
      const record = await this.#readRecord(modelId, last)
      await this.#blobs.get(record.version)
      return record
    } catch (error) {
      // A power cut comes between a version and its sync: only the newest can be damaged by it.
      if (before === undefined || !hasCode(error, 'MODEL_CORRUPT')) throw error
      const reason = messageOf(error)
      this.#log.warn({ modelId, versionNumber: last, reason }, 'damaged version passed over')
    }
    await rm(this.#recordPath(modelId, last), { force: true })
    return this.#readRecord(modelId, before)
  }

  async #versionNumbers(modelId: string): Promise<number[]> {
    try {
      const names = await readdir(join(this.#folder, modelId))
      return names
        .map(name => /^(\d+)\.json$/.exec(name)?.[1])
        .filter(number => number !== undefined)
        .map(Number)
        .sort((a, b) => a - b)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return []
      throw error
    }
  }

  #recordPath(modelId: string, versionNumber: number): string {
    return join(this.#folder, modelId, `${versionNumber}.json`)
  }

  async #readRecord(modelId: string, versionNumber: number): Promise<VersionRecord> {
    const path = this.#recordPath(modelId, versionNumber)
    const text = (await readFileIfThere(path))?.toString('utf8') ?? ''
    try {
      return VersionRecord.parse(JSON.parse(text))
    } catch (cause) {
      throw new GainnetError(
        'MODEL_CORRUPT',
        `${path} is not a version record`,
        { path },
        { cause },
      )
    }
  }

  #recordFile(record: VersionRecord): FileContent {
    const path = this.#recordPath(record.modelId, record.versionNumber)
    return { path, content: `${JSON.stringify(record, null, 2)}\n` }
  }
}

/** Nothing where the rule carries nothing on. */
function momentBlobs({ rule, values }: Moments) {
  if (values.length === 0) return undefined
  const blobs = values.map(bytesOfParameters).map(content => ({ hash: hashOf(content), content }))
  return { blobs, record: { rule, blobs: blobs.map(({ hash }) => hash) } }
}

/** Of the records, oldest first: what must stay on disk. */
function blobsOf(records: readonly VersionRecord[]): readonly string[] {
  const moments = records.slice(-MOMENTS_KEPT).flatMap(record => record.moments?.blobs ?? [])
  const named = records.flatMap(({ version, forward, training }) => [version, forward, training])
  return [...named, ...moments]
}

function learningOf({ objective, takes, loss, prediction, heldBack }: ModelSource) {
  const targetSketch = sketchOfRows(takes.form, heldBack)
  return { objective, takes, loss, prediction, heldBack, targetSketch }
}
