import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import {
  decodeDatagram,
  encodeDatagram,
  PACKET_BYTES,
  type ProbeDatagram,
  TRAIN_PACKETS_MAX,
  type TrainArrival,
  thinned,
} from '../../../protocol/probe/probe-datagram.ts'
import { messageOf } from '../../../runtime/errors.ts'
import {
  capacityOfTrain,
  type Echo,
  type EchoFigures,
  figuresOfEchoes,
} from './datagram-figures.ts'

/** Packets of the train each way, or of each of the two; 0 sends none. */
export type TrainPackets = number | { readonly down: number; readonly up: number }

export interface DatagramProbeOptions {
  readonly host: string
  readonly port: number
  /** One-time token, base64url. */
  readonly token: string
  readonly packets?: TrainPackets
  readonly signal?: AbortSignal | undefined
}

export type DatagramOutcome =
  | ({
      readonly status: 'ok'
      /** Of IP, by the dispersion of a train; undefined where it did not tell. */
      readonly downCapacity: number | undefined
      readonly upCapacity: number | undefined
      readonly bytesSpent: number
    } & EchoFigures)
  | {
      readonly status: 'failed'
      readonly reason: string
      readonly bytesSpent: number
      /** Nothing came back by UDP. */
      readonly isUnanswered?: boolean
    }

export const PACKETS_DEFAULT = 20
const ECHOES = 20
/** Apart, so that an echo does not queue behind the one before. */
const ECHO_EVERY_MS = 10
const OPEN_TRIES = 3
const OPEN_WAIT_MS = 700
const ARRIVALS_TRIES = 3
/** A train is over when nothing of it came for so long, and two round trips. */
const QUIET_MS = 120
const RECEIVE_BUFFER_BYTES = 2 ** 20

/**
 * Echoes, then a train each way. Small: about 50 kB with trains of 20 packets, and half a second.
 * Never rejects.
 */
export async function runDatagramProbe(options: DatagramProbeOptions): Promise<DatagramOutcome> {
  const probe = new DatagramProbe(options)
  try {
    return await probe.run()
  } catch (error) {
    const { bytesSpent, isUnanswered } = probe
    return { status: 'failed', reason: messageOf(error), bytesSpent, isUnanswered }
  } finally {
    probe.close()
  }
}

export function trainsOf(packets: TrainPackets = PACKETS_DEFAULT): { down: number; up: number } {
  const { down, up } = typeof packets === 'number' ? { down: packets, up: packets } : packets
  return { down: Math.min(TRAIN_PACKETS_MAX, down), up: Math.min(TRAIN_PACKETS_MAX, up) }
}

interface Train {
  readonly received: number
  readonly arrivals: readonly TrainArrival[]
}

function capacityOf({ received, arrivals }: Train): number | undefined {
  return capacityOfTrain(thinned(arrivals), { received, bytes: PACKET_BYTES })
}

class DatagramProbe {
  readonly #options: DatagramProbeOptions
  readonly #echoes: Echo[] = []
  readonly #arrivals: TrainArrival[] = []
  #socket: Socket | undefined
  #session = 0n
  #isOpen = false
  #uplink: Train = { received: 0, arrivals: [] }
  #heard: () => void = () => undefined
  bytesSpent = 0
  isUnanswered = false

  constructor(options: DatagramProbeOptions) {
    this.#options = options
  }

  async run(): Promise<DatagramOutcome> {
    const { down, up } = trainsOf(this.#options.packets)
    await this.#connect()
    await this.#open()
    await this.#exchange()
    const figures = figuresOfEchoes(this.#echoes)
    this.isUnanswered = !figures
    if (!figures) throw new Error('no echo came back by UDP')
    const quietMs = QUIET_MS + 2 * Math.max(...figures.rttsMs)
    if (down > 0) await this.#trainDown(down, quietMs)
    if (up > 0) await this.#trainUp(up, quietMs)
    this.#send({ type: 'close', session: this.#session })
    return {
      status: 'ok',
      ...figures,
      downCapacity: capacityOf({ received: this.#arrivals.length, arrivals: this.#arrivals }),
      upCapacity: capacityOf(this.#uplink),
      bytesSpent: this.bytesSpent,
    }
  }

  close(): void {
    try {
      this.#socket?.close()
    } catch {
      // It was closed by its error.
    }
  }

  async #connect(): Promise<void> {
    const { host, port } = this.#options
    const { address, family } = await lookup(host)
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      recvBufferSize: RECEIVE_BUFFER_BYTES,
    })
    this.#socket = socket
    // Connected: datagrams of strangers do not come up, and a closed port is heard of.
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.connect(port, address, () => {
        socket.off('error', reject)
        socket.on('error', () => this.#heard())
        resolve()
      })
    })
    socket.on('message', bytes => this.#onDatagram(bytes))
  }

  async #open(): Promise<void> {
    const token = Buffer.from(this.#options.token, 'base64url')
    for (let tries = 0; tries < OPEN_TRIES && !this.#isOpen; tries++) {
      this.#send({ type: 'open', token })
      await this.#waitFor(() => this.#isOpen, OPEN_WAIT_MS)
    }
    this.isUnanswered = !this.#isOpen
    if (!this.#isOpen) throw new Error(`no answer by UDP to ${OPEN_TRIES} datagrams`)
  }

  async #exchange(): Promise<void> {
    for (let sequence = 0; sequence < ECHOES; sequence++) {
      this.#send({ type: 'echo', session: this.#session, sequence, sentAtMs: performance.now() })
      await this.#waitFor(() => false, ECHO_EVERY_MS)
    }
    await this.#waitFor(() => this.#echoes.length === ECHOES, OPEN_WAIT_MS)
  }

  async #trainDown(packets: number, quietMs: number): Promise<void> {
    this.#send({ type: 'trainAsk', session: this.#session, train: 0, packets, bytes: PACKET_BYTES })
    let count = -1
    while (this.#arrivals.length > count && this.#arrivals.length < packets) {
      count = this.#arrivals.length
      await this.#waitFor(() => this.#arrivals.length >= packets, quietMs)
    }
  }

  async #trainUp(packets: number, quietMs: number): Promise<void> {
    const session = this.#session
    for (let index = 0; index < packets; index++) {
      const sentAtMs = performance.now()
      this.#send({ type: 'train', session, train: 0, index, sentAtMs, bytes: PACKET_BYTES })
    }
    for (let tries = 0; tries < ARRIVALS_TRIES; tries++) {
      const known = this.#uplink.received
      this.#send({ type: 'arrivalsAsk', session, train: 0 })
      await this.#waitFor(() => this.#uplink.received >= packets, quietMs)
      const { received } = this.#uplink
      if (received >= packets || (received > 0 && received === known)) return
    }
  }

  #onDatagram(bytes: Buffer): void {
    const now = performance.now()
    this.bytesSpent += bytes.length
    const datagram = decodeDatagram(bytes)
    if (datagram?.type === 'opened') {
      this.#session = datagram.session
      this.#isOpen = true
    } else if (datagram && datagram.type !== 'open' && datagram.session === this.#session) {
      this.#take(datagram, now)
    }
    this.#heard()
  }

  #take(datagram: ProbeDatagram, now: number): void {
    if (datagram.type === 'echoed') this.#echoes.push({ ...datagram, backAtMs: now })
    if (datagram.type === 'train') this.#arrivals.push({ rank: this.#arrivals.length, atMs: now })
    if (datagram.type === 'arrivals') this.#uplink = datagram
  }

  #send(datagram: ProbeDatagram): void {
    const bytes = encodeDatagram(datagram)
    this.bytesSpent += bytes.length
    // What does not leave is lost like any other datagram.
    this.#socket?.send(bytes, () => undefined)
  }

  /** Until it is so or the time is over; throws when the probe is given up. */
  async #waitFor(isSo: () => boolean, ms: number): Promise<void> {
    const { signal } = this.#options
    const endsAtMs = performance.now() + ms
    for (let now = performance.now(); now < endsAtMs && !isSo(); now = performance.now()) {
      signal?.throwIfAborted()
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, Math.max(1, endsAtMs - now))
        this.#heard = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#heard = () => undefined
    signal?.throwIfAborted()
  }
}
