import type { Content } from '../../protocol/messages.ts'
import type { WireSession } from '../../protocol/wire-session.ts'
import type { BlobPublisher } from '../transfer/blob-publisher.ts'
import type { Model, ModelLibrary } from './model-library.ts'

/**
 * Keeps the current version of each model on the broker: its blobs once for the whole fleet, then
 * the manifest that names them. The version before stays until the next but one, because agents may
 * still be fetching it.
 */
export class ModelPublisher {
  readonly #wire: WireSession
  readonly #library: ModelLibrary
  readonly #blobs: BlobPublisher
  readonly #published = new Map<string, string[]>()
  readonly #bitsPerByte = new Map<string, number>()

  constructor(options: {
    readonly wire: WireSession
    readonly library: ModelLibrary
    readonly blobs: BlobPublisher
  }) {
    this.#wire = options.wire
    this.#library = options.library
    this.#blobs = options.blobs
  }

  /** What the current version of a model was judged at, or null while it is not. */
  bitsPerByte(modelId: string): number | null {
    return this.#bitsPerByte.get(this.#library.model(modelId).current.version) ?? null
  }

  async publish(modelId: string, parameters: Float32Array): Promise<void> {
    const model = this.#library.model(modelId)
    await this.#blobs.publish(model.training)
    await this.#blobs.publish(bytesOf(parameters))
    await this.#announce(model, bytesOf(parameters))
    await this.#retireOlder(model)
  }

  /** Adds the judgement of a version to its manifest, if it still is the current one. */
  async noteEvaluation(
    modelId: string,
    o: {
      readonly version: string
      readonly bitsPerByte: number
      readonly parameters: Float32Array
    },
  ): Promise<void> {
    this.#bitsPerByte.set(o.version, o.bitsPerByte)
    const model = this.#library.model(modelId)
    if (model.current.version === o.version) await this.#announce(model, bytesOf(o.parameters))
  }

  /** The manifests once more, for a broker that may have lost them. */
  async announceAll(): Promise<void> {
    for (const model of this.#library.models) {
      const parameters = await this.#library.parameters(model.modelId)
      await this.#announce(model, bytesOf(parameters))
    }
  }

  async #announce(model: Model, parameters: Uint8Array): Promise<void> {
    const { modelId, current, config } = model
    const bitsPerByte = this.#bitsPerByte.get(current.version)
    const manifest: Content<'modelManifest'> = {
      modelId,
      version: current.version,
      versionNumber: current.versionNumber,
      parent: current.parent,
      publishedAt: current.createdAt,
      objective: 'next-byte',
      contextBytes: config.contextBytes,
      training: this.#blobs.referenceOf(model.training),
      parameters: this.#blobs.referenceOf(parameters),
      flopsPerSample: model.flopsPerSample,
      targetSketch: model.targetSketch,
      ...(bitsPerByte === undefined ? {} : { bitsPerByte }),
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
      this.#bitsPerByte.delete(oldest)
      await this.#blobs.retire(oldest)
    }
  }
}

function bytesOf(parameters: Float32Array): Uint8Array {
  return new Uint8Array(parameters.buffer, parameters.byteOffset, parameters.byteLength)
}
