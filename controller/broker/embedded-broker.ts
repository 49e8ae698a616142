import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { Aedes, type AuthenticateError, type Client } from 'aedes'
import { errnoOf, GainnetError } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import { type Identity, mayPublish, maySubscribe } from './access-rules.ts'
import type { Credentials } from './credentials.ts'
import { PacketSizeGuard } from './packet-size-guard.ts'

/** What one client may cost the broker, which shares the controller's memory and event loop. */
export const BROKER_LIMITS = {
  /** Fleets over this size belong on a broker of their own; also a bound on files and memory. */
  connectionsMax: 2048,
  /** A body of 4 MiB (protocol/body-codec.ts) with its topic; blocks are 256 KiB. */
  packetBytesMax: 5 * 1024 * 1024,
  /** From the TCP connection to CONNECT: round trips over the worst link, and some patience. */
  connectTimeoutMs: 10_000,
  /** Packets that may arrive before CONNACK: a birth, a few subscriptions and the outbox's first. */
  packetsBeforeConnackMax: 100,
  /** The wire has no QoS 2; a client that uses it all the same gets a narrow window. */
  inboundQos2Max: 20,
  /** Deepest topic of the table has ten levels. */
  topicLevelsMax: 16,
  /**
   * Bytes waiting for a reader that does not read. A model of 16 million parameters is 64 MB, and
   * its blocks may all be sent at once to a slow link.
   */
  waitingBytesMax: 96 * 1024 * 1024,
  /** Those 64 MB take this long at 1 Mbit/s; a socket that moves nothing at all is dead before. */
  drainTimeoutMs: 540_000,
  /** A device that vanished without a FIN is noticed by TCP even where MQTT keep-alive is off. */
  tcpKeepAliveMs: 60_000,
  /** For what is written but not yet taken by the kernel when the broker stops. */
  flushMs: 500,
} as const

export interface EmbeddedBroker {
  /** For clients on this machine, or on the host that was given. */
  readonly url: string
  readonly port: number
  /** Connections now, and what was refused since the start. */
  readonly counts: Readonly<{
    connections: number
    refusedLogins: number
    refusedPublishes: number
  }>
  stop(): Promise<void>
}

export interface EmbeddedBrokerOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly credentials: Credentials
  readonly site: string
  readonly log: Logger
}

/** An MQTT 3.1.1 broker inside the controller: no stranger gets in, and access follows the table. */
export async function startEmbeddedBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
  const { host, log } = options
  const gate = new AccessGate(options)
  const broker = await Aedes.createBroker({
    // Unlimited: with a limit, one reader with a full socket holds up the messages of all others.
    // What a slow reader may cost is bounded by waitingBytesMax instead.
    concurrency: 0,
    connectTimeout: BROKER_LIMITS.connectTimeoutMs,
    drainTimeout: BROKER_LIMITS.drainTimeoutMs,
    queueLimit: BROKER_LIMITS.packetsBeforeConnackMax,
    maxInflightInbound: BROKER_LIMITS.inboundQos2Max,
    maxTopicLevels: BROKER_LIMITS.topicLevelsMax,
    preConnect: (_, packet, done) => {
      // Sessions would be kept in memory, without a bound and not over a restart: there are none.
      // The agents' outbox, retained messages and acknowledged updates carry what must survive.
      packet.clean = true
      done(null, true)
    },
    authenticate: gate.authenticate,
    authorizePublish: gate.authorizePublish,
    authorizeSubscribe: gate.authorizeSubscribe,
    authorizeForward: (client, packet) => (isStuck(client, log) ? null : packet),
  })
  // Without a listener the controller would die of it; the memory it keeps messages in cannot fail.
  broker.addListener('error', err => log.error({ err }, 'broker failed'))
  broker.on('connectionError', (_, err) => log.debug({ err }, 'connection without a login ended'))
  broker.on('clientError', (client, err) => log.info({ client: client.id, err }, 'client dropped'))

  const sockets = new Set<Socket>()
  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveInitialDelay: BROKER_LIMITS.tcpKeepAliveMs },
    socket => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      guardPacketSize(socket, log)
      broker.handle(socket)
    },
  )
  server.maxConnections = BROKER_LIMITS.connectionsMax
  server.on('drop', () => log.warn({ ...BROKER_LIMITS }, 'too many connections'))
  const port = await listen(server, options)
  // Later errors are of single connections, e.g. no file descriptor left to accept one.
  server.on('error', err => log.error({ err }, 'connection not accepted'))
  log.info({ host, port }, 'broker listens')
  return {
    url: `mqtt://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    get counts() {
      return { connections: sockets.size, ...gate.refused }
    },
    stop: () => stopBroker({ server, broker, sockets }),
  }
}

/** The three questions the broker asks before it lets a client do something. */
class AccessGate {
  readonly refused = { refusedLogins: 0, refusedPublishes: 0 }
  readonly #identities = new WeakMap<Client, Identity>()
  readonly #credentials: Credentials
  readonly #site: string
  readonly #log: Logger

  constructor({ credentials, site, log }: EmbeddedBrokerOptions) {
    this.#credentials = credentials
    this.#site = site
    this.#log = log
  }

  readonly authenticate: Aedes['authenticate'] = (client, username, password, done) => {
    this.#identify(client.id, username, password).then(
      identity => {
        if (identity) {
          this.#identities.set(client, identity)
          done(null, true)
          return
        }
        this.refused.refusedLogins += 1
        this.#log.warn({ client: client.id, username }, 'login refused')
        done(connackError(BAD_USERNAME_OR_PASSWORD), false)
      },
      err => {
        this.#log.error({ client: client.id, username, err }, 'credentials cannot be checked')
        done(connackError(SERVER_UNAVAILABLE), false)
      },
    )
  }

  async #identify(
    clientId: string,
    username: string | undefined,
    password: Buffer | undefined,
  ): Promise<Identity | null> {
    if (username === undefined || password === undefined) return null
    const role = await this.#credentials.verify(username, password)
    // A second CONNECT with a client id ends the first [MQTT-3.1.4-2]: nobody but the user of that
    // name may use it, or any agent could throw any other out.
    const owner = clientId.split(':')[0] ?? clientId
    if (owner !== username && this.#credentials.has(owner)) return null
    return role && { username, role }
  }

  /**
   * MQTT 3.1.1 has no answer for a publish that is not allowed: the broker acknowledges it and
   * drops it, or ends the connection [MQTT-3.3.5-2]. As Mosquitto does, it is dropped: the message
   * goes to a topic below $, which nobody can subscribe to through a wildcard, without its body.
   */
  readonly authorizePublish: Aedes['authorizePublish'] = (client, packet, done) => {
    const identity = client ? this.#identities.get(client) : undefined
    if (identity && mayPublish(this.#site, identity, packet)) {
      done(null)
      return
    }
    this.refused.refusedPublishes += 1
    this.#log.warn({ username: identity?.username, topic: packet.topic }, 'publish refused')
    packet.topic = '$refused'
    packet.payload = ''
    packet.retain = false
    done(null)
  }

  readonly authorizeSubscribe: Aedes['authorizeSubscribe'] = (client, subscription, done) => {
    const identity = this.#identities.get(client)
    if (identity && maySubscribe(this.#site, identity, subscription.topic)) {
      done(null, subscription)
      return
    }
    this.#log.warn(
      { username: identity?.username, filter: subscription.topic },
      'subscription refused',
    )
    // SUBACK says failure for this filter (0x80), the others of the packet hold [MQTT-3.8.4-5].
    done(null, null)
  }
}

// Return codes of CONNACK (MQTT 3.1.1, 3.2.2.3). aedes exports them as a const enum, which has no
// value at run time.
const SERVER_UNAVAILABLE = 3
const BAD_USERNAME_OR_PASSWORD = 4

function connackError(returnCode: number): AuthenticateError {
  return Object.assign(new Error('login refused'), { returnCode })
}

/** Ends a connection whose packet announces more than is allowed, before it is held in memory. */
function guardPacketSize(socket: Socket, log: Logger): void {
  const guard = new PacketSizeGuard(BROKER_LIMITS.packetBytesMax)
  const read = socket.read.bind(socket)
  socket.read = (size?: number): unknown => {
    const chunk: unknown = read(size)
    if (!(chunk instanceof Uint8Array) || guard.accepts(chunk)) return chunk
    log.warn({ from: socket.remoteAddress, ...BROKER_LIMITS }, 'packet too large')
    socket.destroy()
    return null
  }
}

/** Ends a client that takes nothing while its messages pile up. */
function isStuck({ id, conn }: Client, log: Logger): boolean {
  if (conn.writableLength <= BROKER_LIMITS.waitingBytesMax) return false
  if (!conn.destroyed) log.warn({ client: id, waitingBytes: conn.writableLength }, 'client stuck')
  conn.destroy()
  return true
}

async function listen(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<number> {
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (error) {
    if (errnoOf(error) !== 'EADDRINUSE') throw error
    throw new GainnetError(
      'BROKER_PORT_TAKEN',
      `something already listens on ${host}:${port}`,
      { host, port },
      { cause: error },
    )
  }
  // A listening TCP server has an address with a port; only pipes have a string.
  return (server.address() as AddressInfo).port
}

async function stopBroker({
  server,
  broker,
  sockets,
}: {
  readonly server: Server
  readonly broker: Aedes
  readonly sockets: ReadonlySet<Socket>
}): Promise<void> {
  server.close()
  await Promise.race([
    Promise.all([...sockets].filter(({ writableLength }) => writableLength > 0).map(drained)),
    new Promise(resolve => setTimeout(resolve, BROKER_LIMITS.flushMs).unref()),
  ])
  await new Promise<void>(resolve => broker.close(resolve))
  for (const socket of sockets) socket.destroy()
}

function drained(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    socket.once('drain', resolve)
    socket.once('close', () => resolve())
  })
}
