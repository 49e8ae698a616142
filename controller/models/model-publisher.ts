import type { Content } from '../../protocol/messages.ts'
import type { Judgement } from '../../protocol/model-manifest.ts'
import { bytesOfParameters } from '../../protocol/parameter-bytes.ts'
import type { WireSession } from '../../protocol/wire-session.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { BlobPublisher } from '../transfer/blob-publisher.ts'
import { judgedFields } from './judged.ts'
import type { Model, ModelLibrary } from './model-library.ts'

/**
 * Keeps the current version of each model on the broker: its blobs once for the whole fleet, and
 * the manifest that names them. The version before stays until the next but one, because agents may
 * still be fetching it.
 */
export class ModelPublisher {
  readonly #wire: WireSession
  readonly #library: ModelLibrary
  readonly #blobs: BlobPublisher
  readonly #log: Logger
  readonly #published = new Map<string, string[]>()
  readonly #judgements = new Map<string, Judgement>()

  constructor(options: {
    readonly wire: WireSession
    readonly library: ModelLibrary
    readonly blobs: BlobPublisher
    readonly log: Logger
  }) {
    this.#wire = options.wire
    this.#library = options.library
    this.#blobs = options.blobs
    this.#log = options.log
  }

  /** What the current version of a model was judged at, or null while it is not. */
  judgement(modelId: string): Judgement | null {
    return this.#judgements.get(this.#library.model(modelId).current.version) ?? null
  }

  async publish(modelId: string, parameters: Float32Array): Promise<void> {
    const model = this.#library.model(modelId)
    const { training, version } = model.current
    // In any order: nobody is told to fetch before all of it is there.
    await Promise.all([
      this.#blobs.publish(model.training, training),
      this.#blobs.publish(bytesOfParameters(parameters), version),
      this.#announce(model),
    ])
    // Nobody waits for what is taken off.
    this.#retireOlder(model).catch(err => this.#log.warn({ err, modelId }, 'version not retired'))
  }

  /**
   * Puts parameters on the broker that may become a version, while they are still on their way to
   * disk; nobody is told of them. Gives what takes them off again where they do not become one.
   */
  offer(bytes: Uint8Array, version: string): { readonly withdraw: () => void } {
    if (this.#blobs.has(version)) return { withdraw: () => {} }
    const warn = (err: unknown): void => this.#log.warn({ err, version }, 'version not offered')
    this.#blobs.publish(bytes, version).catch(warn)
    return { withdraw: () => void this.#blobs.retire(version).catch(warn) }
  }

  /** Adds the judgement of a version to its manifest, if it still is the current one. */
  async noteEvaluation(
    modelId: string,
    o: { readonly version: string; readonly judgement: Judgement },
  ): Promise<void> {
    this.#judgements.set(o.version, o.judgement)
    const model = this.#library.model(modelId)
    if (model.current.version === o.version) await this.#announce(model)
  }

  /** The manifests once more, for a broker that may have lost them. */
  async announceAll(): Promise<void> {
    for (const model of this.#library.models) await this.#announce(model)
  }

  async #announce(model: Model): Promise<void> {
    const { modelId, current, config, training, parameterCount, objective, takes } = model
    const manifest: Content<'modelManifest'> = {
      modelId,
      version: current.version,
      versionNumber: current.versionNumber,
      parent: current.parent,
      publishedAt: current.createdAt,
      objective,
      takes,
      sensorKinds: config.sensorKinds,
      training: this.#blobs.referenceOf(current.training, training.length),
      parameters: this.#blobs.referenceOf(
        current.version,
        parameterCount * Float32Array.BYTES_PER_ELEMENT,
      ),
      flopsPerSample: model.flopsPerSample,
      targetSketch: model.targetSketch,
      ...judgedFields(objective, this.#judgements.get(current.version)),
    }
    await this.#wire.publish('modelManifest', { modelId }, manifest)
  }

  async #retireOlder({ modelId, current }: Model): Promise<void> {
    const versions = this.#published.get(modelId) ?? []
    if (!versions.includes(current.version)) versions.push(current.version)
    this.#published.set(modelId, versions)
    while (versions.length > 2) {
      const oldest = versions.shift()
      if (oldest === undefined) break
      this.#judgements.delete(oldest)
      await this.#blobs.retire(oldest)
    }
  }
}
