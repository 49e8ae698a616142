import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { TransferPace } from '../../agent/limits/transfer-pace.ts'
import { UpdateStore } from '../../agent/outbox/update-store.ts'
import { BlobFetcher } from '../../agent/transfer/blob-fetch.ts'
import { UpdateUploader } from '../../agent/transfer/update-upload.ts'
import { BlobPublisher } from '../../controller/transfer/blob-publisher.ts'
import { UpdateIntake } from '../../controller/transfer/update-intake.ts'
import { cutBlocks, hashOf } from '../../protocol/blocks.ts'
import { BrokerConnection } from '../../protocol/broker-connection.ts'
import { MessageSealer } from '../../protocol/message-sealer.ts'
import { BLOCK_BYTES_MAX } from '../../protocol/update.ts'
import { NO_COMPRESSION } from '../../protocol/update-encoding/compression.ts'
import { WireSession } from '../../protocol/wire-session.ts'
import { systemClock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import { seededRandom } from '../../runtime/seeded-random.ts'
import { PartStack } from '../../runtime/shutdown.ts'
import { type BenchBroker, startBroker } from '../round-overhead/bench-broker.ts'

export type Direction = 'down' | 'up'

const SITE = 'bench'
const AGENT = 'agent-1'
const CONTROLLER = 'controller'
const BASE = 'b'.repeat(64)
/** There is always more to do than is granted. */
const WORK_SHARE = 1.5
const STORE_BYTES_MAX = 256 * 2 ** 20

/** A broker, what a controller and an agent put on it, and how much of a grant a transfer uses. */
export class BandwidthUse {
  readonly #folder: string
  readonly #log: Logger
  readonly #broker: BenchBroker
  readonly #controller: WireSession
  #runs = 0

  private constructor(
    o: { readonly folder: string; readonly log: Logger },
    sides: { readonly broker: BenchBroker; readonly controller: WireSession },
  ) {
    this.#folder = o.folder
    this.#log = o.log
    this.#broker = sides.broker
    this.#controller = sides.controller
  }

  static async start(o: {
    readonly folder: string
    readonly parts: PartStack
    readonly log: Logger
  }): Promise<BandwidthUse> {
    const { folder, parts, log } = o
    const broker = await startBroker('embedded', {
      stateDirectory: join(folder, 'broker'),
      site: SITE,
      agents: [AGENT],
      controllers: [CONTROLLER],
      log,
    })
    parts.add('broker', broker)
    const controller = await openWire(broker, CONTROLLER, { parts, log })
    return new BandwidthUse(o, { broker, controller })
  }

  /**
   * Bytes that cross the agent's socket within the slots, of those granted: everything that MQTT puts
   * around the payload counts.
   */
  async share(o: {
    readonly direction: Direction
    readonly bitsPerSecond: number
    readonly slotsMs: number
  }): Promise<number> {
    const { direction, bitsPerSecond, slotsMs } = o
    this.#runs += 1
    const parts = new PartStack(this.#log)
    try {
      const wire = await openWire(this.#broker, AGENT, { parts, log: this.#log })
      const bits = (bitsPerSecond * slotsMs) / 1000
      const payload = randomBytes(Math.ceil((bits / 8) * WORK_SHARE), this.#runs)
      const prepare = direction === 'down' ? this.#download : this.#upload
      const transfer = await prepare.call(this, { wire, payload, parts })
      const bytes = (): number =>
        direction === 'down' ? wire.connection.bytesReceived : wire.connection.bytesSent
      const [startsAtMs, before] = [systemClock.now(), bytes()]
      const grant = { bits, startsAtMs, endsAtMs: startsAtMs + slotsMs }
      const pace = TransferPace.of(systemClock, grant)
      if (pace) transfer(pace).catch(error => this.#log.debug({ err: error }, 'transfer was cut'))
      await wait(grant.endsAtMs - systemClock.now())
      return ((bytes() - before) * 8) / ((bitsPerSecond * (systemClock.now() - startsAtMs)) / 1000)
    } finally {
      await parts.stop()
    }
  }

  async #download({ wire, payload, parts }: TransferSide): Promise<Transfer> {
    const log = this.#log
    const ledgerPath = join(this.#folder, 'published.json')
    const publisher = await BlobPublisher.open({ wire: this.#controller, ledgerPath, log })
    const reference = await publisher.publish(payload)
    const end = new AbortController()
    parts.add('publisher', publisher)
    parts.add('blob', { stop: () => publisher.retire(reference.sha256) })
    parts.add('download', { stop: async () => end.abort(new Error('the slots are over')) })
    const fetcher = new BlobFetcher({ wire, cache: null, bytesMax: payload.length, log })
    return pace => fetcher.fetch(reference, { deadlineMs: 60_000, signal: end.signal, pace })
  }

  async #upload({ wire, payload, parts }: TransferSide): Promise<Transfer> {
    const log = this.#log
    const directory = join(this.#folder, `run-${this.#runs}`)
    mkdirSync(directory)
    const intake = await UpdateIntake.open({
      wire: this.#controller,
      directory: join(directory, 'intake'),
      expect: () => ({
        valueCount: payload.length / 4,
        compression: NO_COMPRESSION,
        baseVersion: BASE,
      }),
      onStored: () => {},
      onRefused: ({ reason }) => log.error({ reason }, 'update refused'),
      clock: systemClock,
      log,
    })
    await intake.start()
    parts.add('intake', intake)
    const store = await UpdateStore.open({
      directory: join(directory, 'store'),
      ...{ bytesMax: STORE_BYTES_MAX, countMax: 2, ageMsMax: 60_000 },
      clock: systemClock,
      log,
    })
    const uploader = new UpdateUploader({ wire, agentId: AGENT, store, log })
    await uploader.start()
    parts.add('upload', uploader)
    return async pace => {
      const blockBytes = pace.blockBytesFor(payload.length, BLOCK_BYTES_MAX)
      const content = contentOf(this.#runs, payload, blockBytes)
      return uploader.upload(await store.put(content, payload), { payload, pace })
    }
  }
}

interface TransferSide {
  readonly wire: WireSession
  readonly payload: Uint8Array
  readonly parts: PartStack
}

type Transfer = (pace: TransferPace) => Promise<unknown>

async function openWire(
  { url, password }: BenchBroker,
  username: string,
  { parts, log }: { readonly parts: PartStack; readonly log: Logger },
): Promise<WireSession> {
  const connection = new BrokerConnection({
    ...{ url, clientId: username, username, password, keepaliveSeconds: 30 },
    ...{ log, random: seededRandom(1) },
  })
  const connected = new Promise<void>(resolve => connection.onConnected(() => resolve()))
  connection.start()
  parts.add(username, connection)
  await connected
  const sealer = new MessageSealer({ session: 1, clock: systemClock })
  return new WireSession({ connection, site: SITE, sealer, log })
}

/** Multiples of four bytes, as parameters are. */
function randomBytes(count: number, seed: number): Uint8Array {
  const random = seededRandom(seed)
  const values = Float32Array.from({ length: Math.ceil(count / 4) }, () => random())
  return new Uint8Array(values.buffer)
}

function contentOf(grId: number, payload: Uint8Array, blockBytes: number) {
  return {
    ...{ grId, crId: grId, modelId: 'bench', baseVersion: BASE },
    ...{ sampleCount: 1, localSteps: 1, lossBefore: 1, lossAfter: 1, phases: [] },
    encoding: 'float32' as const,
    form: 'whole' as const,
    valueCount: payload.length / 4,
    bytes: payload.length,
    sha256: hashOf(payload),
    blockBytes,
    blockHashes: cutBlocks(payload, blockBytes).map(hashOf),
  }
}
