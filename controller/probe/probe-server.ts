import { createServer, type Server, type Socket } from 'node:net'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import type { Stoppable } from '../../runtime/shutdown.ts'
import { DatagramProbes } from './datagram-probes.ts'
import { type ProbeRight, ProbeTokens } from './probe-tokens.ts'
import { readHello, serveStream } from './stream-probe.ts'

/** Connections at once; a stranger holds one for 2 s at most. */
const CONNECTIONS_MAX = 128

/** What is logged here, and in a thread that hands it over. */
export interface ProbeLog {
  debug(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface ProbeServerOptions {
  readonly host: string
  /** TCP and UDP; 0 takes a free one. */
  readonly port: number
  readonly log: ProbeLog
  /** A probe is over: what it was allowed and what it took. */
  readonly onEnd?: (right: ProbeRight, used: { readonly bytes: number }) => void
}

/** Listens on one port over TCP and UDP and serves those who show a token. */
export async function startProbeServer(options: ProbeServerOptions): Promise<ProbeServer> {
  const server = new ProbeServer(options)
  await server.start()
  return server
}

/**
 * The other end of link probes, beside the broker: what is measured is the link and not the broker,
 * and control traffic does not wait behind filler. Strangers get no byte.
 */
export class ProbeServer implements Stoppable {
  readonly #options: ProbeServerOptions
  readonly #tokens = new ProbeTokens()
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  readonly #datagrams: DatagramProbes
  #port = 0

  constructor(options: ProbeServerOptions) {
    this.#options = options
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
      void this.#onSocket(socket)
    })
    this.#server.maxConnections = CONNECTIONS_MAX
    this.#datagrams = new DatagramProbes({ tokens: this.#tokens, ...options })
  }

  get port(): number {
    return this.#port
  }

  /** Rejects with PROBE_FAILED where the port cannot be had. */
  async start(): Promise<void> {
    const { host, port } = this.#options
    try {
      this.#port = await this.#listen(host, port)
      await this.#datagrams.start(host, this.#port)
    } catch (error) {
      await this.stop()
      const message = `no probe server on ${host}:${port}: ${messageOf(error)}`
      throw new GainnetError('PROBE_FAILED', message, {}, { cause: error })
    }
  }

  /** A token for one probe, a new one where none is given, as text for a message. */
  issue(right: ProbeRight, token?: Uint8Array): string {
    return Buffer.from(this.#tokens.issue(right, token)).toString('base64url')
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    await this.#datagrams.stop()
    await closed
  }

  #listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port, exclusive: true }, () => {
        this.#server.off('error', reject)
        this.#server.on('error', err => this.#options.log.warn({ err }, 'probe server'))
        const address = this.#server.address()
        resolve(typeof address === 'object' && address ? address.port : port)
      })
    })
  }

  async #onSocket(socket: Socket): Promise<void> {
    const { log, onEnd } = this.#options
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    // A client that has enough resets the connection.
    socket.on('error', () => undefined)
    const token = await readHello(socket)
    const right = token && this.#tokens.take(token, 'tcp')
    if (!right) {
      log.debug({ from: socket.remoteAddress }, 'probe connection without a token')
      socket.destroy()
      return
    }
    const bytes = await serveStream(socket, right)
    socket.destroy()
    onEnd?.(right, { bytes })
  }
}
