import { randomBytes } from 'node:crypto'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import {
  decodeDatagram,
  encodeDatagram,
  type ProbeDatagram,
  TRAIN_PACKETS_MAX,
  type TrainArrival,
  thinned,
} from '../../protocol/probe/probe-datagram.ts'
import type { Stoppable } from '../../runtime/shutdown.ts'
import type { ProbeLog } from './probe-server.ts'
import type { ProbeRight, ProbeTokens } from './probe-tokens.ts'

/** Sessions at once; beyond it the oldest ends. */
const SESSIONS_MAX = 1024
/** A session ends with `close`, or so long after it began. */
const SESSION_MS_MAX = 30_000
/** Trains that a session keeps the arrivals of. */
const TRAINS_KEPT = 8

interface Session {
  readonly session: bigint
  readonly token: string
  readonly right: ProbeRight
  readonly endsAtMs: number
  /** Sent and received, without the headers of IP and UDP. */
  bytes: number
  echoesReceived: number
  readonly trains: Map<number, { readonly firstAtMs: number; readonly arrivals: TrainArrival[] }>
}

/**
 * Echoes, and trains of packets timed where they arrive. An address without a session gets an answer
 * only to a good token, and never more bytes than the token allows: nothing here amplifies.
 */
export class DatagramProbes implements Stoppable {
  readonly #tokens: ProbeTokens
  readonly #log: ProbeLog
  readonly #onEnd: (right: ProbeRight, used: { readonly bytes: number }) => void
  /** By address and port of the client, the oldest first. */
  readonly #sessions = new Map<string, Session>()
  #socket: Socket | undefined

  constructor(options: {
    readonly tokens: ProbeTokens
    readonly log: ProbeLog
    readonly onEnd?: (right: ProbeRight, used: { readonly bytes: number }) => void
  }) {
    this.#tokens = options.tokens
    this.#log = options.log
    this.#onEnd = options.onEnd ?? (() => undefined)
  }

  start(host: string, port: number): Promise<void> {
    const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', recvBufferSize: 2 ** 20 })
    this.#socket = socket
    return new Promise((resolve, reject) => {
      socket.once('error', reject)
      socket.bind({ address: host, port, exclusive: true }, () => {
        socket.off('error', reject)
        socket.on('error', err => this.#log.warn({ err }, 'probe datagrams'))
        socket.on('message', (bytes, from) => this.#onDatagram(bytes, from))
        resolve()
      })
    })
  }

  async stop(): Promise<void> {
    const socket = this.#socket
    this.#socket = undefined
    this.#sessions.clear()
    if (socket) await new Promise<void>(resolve => socket.close(() => resolve()))
  }

  #onDatagram(bytes: Buffer, from: RemoteInfo): void {
    const receivedAtMs = performance.now()
    const datagram = decodeDatagram(bytes)
    if (!datagram) return
    if (datagram.type === 'open') {
      this.#open(datagram.token, from)
      return
    }
    const session = this.#sessions.get(addressOf(from))
    if (!session || session.session !== datagram.session) return
    session.bytes += bytes.length
    if (session.bytes > session.right.bytesMax || receivedAtMs > session.endsAtMs) {
      this.#end(addressOf(from), session)
    } else this.#take(datagram, { session, from, receivedAtMs })
  }

  /** Asked again, where the answer was lost, by the same address with the same token. */
  #open(token: Uint8Array, from: RemoteInfo): void {
    const address = addressOf(from)
    const text = Buffer.from(token).toString('base64')
    const known = this.#sessions.get(address)
    if (known?.token === text) {
      this.#send({ type: 'opened', session: known.session }, known, from)
      return
    }
    const right = this.#tokens.take(token, 'udp')
    if (!right) return
    if (known) this.#end(address, known)
    this.#makeRoom()
    const session: Session = {
      session: randomBytes(8).readBigUInt64LE(),
      token: text,
      right,
      endsAtMs: performance.now() + SESSION_MS_MAX,
      bytes: 0,
      echoesReceived: 0,
      trains: new Map(),
    }
    this.#sessions.set(address, session)
    this.#send({ type: 'opened', session: session.session }, session, from)
  }

  #makeRoom(): void {
    const now = performance.now()
    for (const [address, session] of this.#sessions) {
      const isOver = session.endsAtMs < now || this.#sessions.size >= SESSIONS_MAX
      if (isOver) this.#end(address, session)
    }
  }

  #take(
    datagram: ProbeDatagram,
    { session, from, receivedAtMs }: { session: Session; from: RemoteInfo; receivedAtMs: number },
  ): void {
    switch (datagram.type) {
      case 'echo':
        session.echoesReceived += 1
        this.#send(
          {
            ...datagram,
            type: 'echoed',
            receivedAtMs,
            returnedAtMs: performance.now(),
            receivedCount: session.echoesReceived,
          },
          session,
          from,
        )
        return
      case 'train':
        noteArrival(session, datagram.train, receivedAtMs)
        return
      case 'arrivalsAsk': {
        const all = session.trains.get(datagram.train)?.arrivals ?? []
        const told = { received: all.length, arrivals: thinned(all) }
        this.#send({ ...datagram, type: 'arrivals', ...told }, session, from)
        return
      }
      case 'trainAsk':
        for (let index = 0; index < Math.min(datagram.packets, TRAIN_PACKETS_MAX); index++) {
          const sentAtMs = performance.now()
          this.#send({ ...datagram, type: 'train', index, sentAtMs }, session, from)
        }
        return
      case 'close':
        this.#end(addressOf(from), session)
    }
  }

  #send(datagram: ProbeDatagram, session: Session, to: RemoteInfo): void {
    const bytes = encodeDatagram(datagram)
    if (session.bytes + bytes.length > session.right.bytesMax) return
    session.bytes += bytes.length
    // What does not leave is lost like any other datagram.
    this.#socket?.send(bytes, to.port, to.address, () => undefined)
  }

  #end(address: string, session: Session): void {
    this.#sessions.delete(address)
    this.#onEnd(session.right, { bytes: session.bytes })
  }
}

function noteArrival({ trains }: Session, train: number, receivedAtMs: number): void {
  const oldest = trains.keys().next().value
  if (!trains.has(train) && trains.size >= TRAINS_KEPT && oldest !== undefined) {
    trains.delete(oldest)
  }
  const known = trains.get(train) ?? { firstAtMs: receivedAtMs, arrivals: [] }
  trains.set(train, known)
  const { arrivals, firstAtMs } = known
  if (arrivals.length >= TRAIN_PACKETS_MAX) return
  arrivals.push({ rank: arrivals.length, atMs: receivedAtMs - firstAtMs })
}

function addressOf({ address, port }: RemoteInfo): string {
  return `${address} ${port}`
}
