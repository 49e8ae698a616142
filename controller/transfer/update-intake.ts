import { BlockAssembler, blockCountOf } from '../../protocol/blocks.ts'
import type { Subscription } from '../../protocol/broker-connection.ts'
import type { UpdateAck, UpdateManifest } from '../../protocol/update.ts'
import type { UpdateCompression } from '../../protocol/update-encoding/compression.ts'
import { decodeUpdate, encodedBytesMax } from '../../protocol/update-encoding/encodings.ts'
import type { WireSession } from '../../protocol/wire-session.ts'
import type { Clock } from '../../runtime/clock.ts'
import { messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import { parametersFault } from '../aggregate/fed-avg.ts'
import { type StoredUpdate, UpdateFiles } from './update-files.ts'

export type { StoredUpdate } from './update-files.ts'

/** What the controller knows of a GR that an agent says it has an update for. */
export type ExpectedUpdate =
  | {
      /** Parameters of the model. */
      readonly valueCount: number
      readonly compression: UpdateCompression
      readonly baseVersion: string
    }
  | { readonly refusal: string }

export interface RefusedUpdate {
  readonly agentId: string
  readonly grId: number
  readonly reason: string
}

export interface UpdateIntakeOptions {
  readonly wire: WireSession
  readonly directory: string
  readonly expect: (agentId: string, manifest: UpdateManifest) => ExpectedUpdate
  /** `values` are parameters or changes of them, as the manifest says. */
  readonly onStored: (update: StoredUpdate, values: Float32Array) => void
  readonly onRefused: (refused: RefusedUpdate) => void
  readonly clock: Clock
  readonly log: Logger
  /** Bounds of what is half received, over all agents; the oldest is given up first. */
  readonly partialCountMax?: number
  readonly partialBytesMax?: number
  /** Time without a block after which the missing ones are asked for. */
  readonly quietMs?: number
}

interface HalfUpdate {
  readonly agentId: string
  readonly manifest: UpdateManifest
  readonly assembler: BlockAssembler
  lastBlockAt: number
  asks: number
  isStoring: boolean
}

const PARTIAL_COUNT_MAX = 256
const PARTIAL_BYTES_MAX = 256 * 1024 * 1024
const QUIET_MS = 1000
/** Asked so often without a block, an agent is taken for gone; it begins anew with a manifest. */
const ASKS_MAX = 20
const REFUSALS_MAX = 4096

/**
 * Receives updates of all agents: checks each against what was assigned, puts the blocks together in
 * any order, asks for missing ones, and answers `stored` only when the bytes are on disk. The same
 * manifest gets the same answer, however often it comes and however often either side restarts.
 */
export class UpdateIntake {
  readonly #options: UpdateIntakeOptions
  readonly #files: UpdateFiles
  readonly #log: Logger
  readonly #partials = new Map<string, HalfUpdate>()
  /** Reasons by agent, GR and hash: a manifest that comes again is refused without a second report. */
  readonly #refusals = new Map<string, string>()
  readonly #storing = new Set<Promise<void>>()
  readonly #subscriptions: Subscription[] = []
  #timer: NodeJS.Timeout | undefined
  #strayBlocks = 0

  private constructor(options: UpdateIntakeOptions, files: UpdateFiles) {
    this.#options = options
    this.#files = files
    this.#log = options.log
  }

  static async open(options: UpdateIntakeOptions): Promise<UpdateIntake> {
    return new UpdateIntake(options, await UpdateFiles.open(options.directory, options.log))
  }

  /** Blocks that belonged to nothing or did not match their hash. */
  get strayBlocks(): number {
    return this.#strayBlocks
  }

  get partialCount(): number {
    return this.#partials.size
  }

  /** Updates of earlier lives of the controller that were stored and not yet released. */
  unreleased(): readonly StoredUpdate[] {
    return this.#files.unreleased()
  }

  /** Verified, as onStored gave them; null where the disk has lost them or they are of no use. */
  async read(update: StoredUpdate): Promise<Float32Array | null> {
    const bytes = await this.#files.read(update)
    if (!bytes) return null
    const checked = checkedValues(update.manifest, bytes)
    if ('values' in checked) return checked.values
    const { agentId, manifest } = update
    this.#log.warn(
      { agentId, grId: manifest.grId, reason: checked.problem },
      'stored update is of no use',
    )
    return null
  }

  /** Frees the bytes once they are used; the agent still hears `stored` if it asks again. */
  release(update: StoredUpdate): Promise<void> {
    return this.#files.release(update)
  }

  async start(): Promise<void> {
    const { wire, quietMs } = this.#options
    this.#subscriptions.push(
      await wire.on('updateManifest', {}, (manifest, { agentId, grId }) => {
        if (Number(grId) === manifest.grId) this.#takeManifest(agentId, manifest)
      }),
      await wire.onBytes('updateBlock', {}, (block, { agentId, grId, index }) =>
        this.#takeBlock(`${agentId}/${grId}`, Number(index), block),
      ),
    )
    this.#timer = setInterval(() => this.#askForMissing(), (quietMs ?? QUIET_MS) / 2)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    for (const subscription of this.#subscriptions.splice(0)) await subscription.unsubscribe()
    await Promise.all(this.#storing)
    this.#partials.clear()
  }

  #takeManifest(agentId: string, manifest: UpdateManifest): void {
    const key = `${agentId}/${manifest.grId}`
    const partial = this.#partials.get(key)
    if (partial?.manifest.sha256 === manifest.sha256) {
      if (!partial.isStoring) this.#ask(partial)
      return
    }
    if (partial?.isStoring) return
    this.#partials.delete(key)
    const refusal = this.#refusals.get(`${key}/${manifest.sha256}`)
    if (refusal !== undefined) {
      this.#answer(agentId, manifest, { status: 'refused', reason: refusal })
      return
    }
    const receipt = this.#files.receiptOf(agentId, manifest.grId)
    if (receipt?.manifest.sha256 === manifest.sha256) {
      this.#answer(agentId, manifest, { status: 'stored' })
      return
    }
    const reason = receipt
      ? `another update of GAI round ${manifest.grId} is stored`
      : this.#mismatch(agentId, manifest)
    if (reason !== null) this.#refuse(agentId, manifest, reason)
    else this.#begin(key, agentId, manifest)
  }

  /** Why the manifest is not what was assigned, null where it is. */
  #mismatch(agentId: string, manifest: UpdateManifest): string | null {
    const expected = this.#options.expect(agentId, manifest)
    if ('refusal' in expected) return expected.refusal
    const { bytes, blockBytes, blockHashes, baseVersion } = manifest
    const fault = formFault(manifest, expected)
    if (fault !== null) return fault
    if (baseVersion !== expected.baseVersion) {
      return `trained from version ${baseVersion}, expected ${expected.baseVersion}`
    }
    const count = blockCountOf(bytes, blockBytes)
    if (blockHashes.length !== count) return `${blockHashes.length} block hashes, expected ${count}`
    const bytesMax = this.#options.partialBytesMax ?? PARTIAL_BYTES_MAX
    return bytes > bytesMax ? `${bytes} bytes, at most ${bytesMax}` : null
  }

  #begin(key: string, agentId: string, manifest: UpdateManifest): void {
    this.#makeRoom(manifest.bytes)
    this.#partials.set(key, {
      agentId,
      manifest,
      assembler: new BlockAssembler(manifest),
      lastBlockAt: this.#options.clock.now(),
      asks: 0,
      isStoring: false,
    })
  }

  #makeRoom(bytesNeeded: number): void {
    const countMax = this.#options.partialCountMax ?? PARTIAL_COUNT_MAX
    const bytesMax = this.#options.partialBytesMax ?? PARTIAL_BYTES_MAX
    let bytes = bytesNeeded
    for (const { manifest } of this.#partials.values()) bytes += manifest.bytes
    for (const [key, partial] of this.#partials) {
      if (bytes <= bytesMax && this.#partials.size < countMax) return
      if (partial.isStoring) continue
      bytes -= partial.manifest.bytes
      this.#partials.delete(key)
      const { agentId, manifest } = partial
      this.#log.warn({ agentId, grId: manifest.grId }, 'half-received update gave way to others')
    }
  }

  #takeBlock(key: string, index: number, block: Uint8Array): void {
    const partial = this.#partials.get(key)
    if (!partial || partial.isStoring) {
      this.#strayBlocks += partial ? 0 : 1
      return
    }
    const outcome = partial.assembler.add(index, block)
    if (outcome.kind === 'wrong') {
      this.#strayBlocks += 1
      this.#log.warn({ agentId: partial.agentId, reason: outcome.reason }, 'block not taken')
      return
    }
    if (outcome.kind === 'duplicate') return
    partial.lastBlockAt = this.#options.clock.now()
    partial.asks = 0
    if (partial.assembler.isComplete) this.#finish(key, partial)
  }

  #finish(key: string, partial: HalfUpdate): void {
    const { agentId, manifest, assembler } = partial
    const finished = assembler.finish()
    const checked = finished.ok
      ? checkedValues(manifest, finished.bytes)
      : { problem: `the blocks come to ${finished.sha256}, not to ${manifest.sha256}` }
    if (!finished.ok || 'problem' in checked) {
      this.#partials.delete(key)
      this.#refuse(agentId, manifest, 'problem' in checked ? checked.problem : 'no blocks')
      return
    }
    partial.isStoring = true
    const storing = this.#store(key, partial, { bytes: finished.bytes, values: checked.values })
    this.#storing.add(storing)
    void storing.finally(() => this.#storing.delete(storing))
  }

  async #store(
    key: string,
    partial: HalfUpdate,
    { bytes, values }: { readonly bytes: Uint8Array; readonly values: Float32Array },
  ): Promise<void> {
    const { agentId, manifest } = partial
    const receipt = { agentId, manifest, storedAt: this.#options.clock.now() }
    try {
      await this.#files.store(receipt, bytes)
    } catch (err) {
      // Not answered, so the agent keeps it and asks again, as does the timer.
      this.#log.error({ err, agentId, grId: manifest.grId }, 'update cannot be stored')
      partial.lastBlockAt = this.#options.clock.now()
      partial.isStoring = false
      return
    }
    this.#partials.delete(key)
    this.#answer(agentId, manifest, { status: 'stored' })
    this.#options.onStored(receipt, values)
  }

  #askForMissing(): void {
    const quietMs = this.#options.quietMs ?? QUIET_MS
    const now = this.#options.clock.now()
    for (const [key, partial] of this.#partials) {
      if (partial.isStoring || now - partial.lastBlockAt < quietMs) continue
      partial.lastBlockAt = now
      partial.asks += 1
      if (partial.assembler.isComplete) this.#finish(key, partial)
      else if (partial.asks <= ASKS_MAX) this.#ask(partial)
      else {
        this.#partials.delete(key)
        const { agentId, manifest } = partial
        this.#log.warn({ agentId, grId: manifest.grId }, 'half-received update was given up')
      }
    }
  }

  #ask({ agentId, manifest, assembler }: HalfUpdate): void {
    if (assembler.isComplete) return
    this.#answer(agentId, manifest, { status: 'wanted', wanted: assembler.wanted() })
  }

  #refuse(agentId: string, manifest: UpdateManifest, problem: string): void {
    const { grId, sha256 } = manifest
    const reason = problem.slice(0, 300)
    this.#refusals.set(`${agentId}/${grId}/${sha256}`, reason)
    if (this.#refusals.size > REFUSALS_MAX) {
      const [oldest] = this.#refusals.keys()
      if (oldest !== undefined) this.#refusals.delete(oldest)
    }
    this.#log.warn({ agentId, grId, reason }, 'update refused')
    this.#answer(agentId, manifest, { status: 'refused', reason })
    this.#options.onRefused({ agentId, grId, reason })
  }

  #answer(
    agentId: string,
    { grId, sha256 }: UpdateManifest,
    answer: Pick<UpdateAck, 'status' | 'wanted' | 'reason'>,
  ): void {
    this.#options.wire
      .publish('updateAck', { agentId, grId }, { grId, sha256, ...answer })
      .catch((error: unknown) => {
        // The agent sends its manifest again and gets the same answer.
        this.#log.debug({ agentId, grId, reason: messageOf(error) }, 'answer was not delivered')
      })
  }
}

type Expected = Exclude<ExpectedUpdate, { readonly refusal: string }>

/** What of the form of an update is not as it was ordered, or null. */
function formFault(manifest: UpdateManifest, { valueCount, compression }: Expected): string | null {
  const { bytes, encoding, form } = manifest
  if (manifest.valueCount !== valueCount) {
    return `${manifest.valueCount} parameters, expected ${valueCount}`
  }
  if (encoding !== compression.encoding) {
    return `encoded as ${encoding}, expected ${compression.encoding}`
  }
  const expectedForm = encoding === 'float32' ? 'whole' : 'change'
  if (form !== expectedForm) return `in the form ${form}, expected ${expectedForm}`
  const bytesMax = encodedBytesMax(encoding, valueCount, compression)
  return bytes > bytesMax ? `${bytes} bytes, expected at most ${bytesMax}` : null
}

function checkedValues(
  manifest: UpdateManifest,
  bytes: Uint8Array,
): { readonly values: Float32Array } | { readonly problem: string } {
  try {
    const { encoding, valueCount } = manifest
    const values = decodeUpdate(encoding, bytes, valueCount)
    const problem = parametersFault(values, valueCount)
    return problem === null ? { values } : { problem }
  } catch (error) {
    return { problem: messageOf(error) }
  }
}
