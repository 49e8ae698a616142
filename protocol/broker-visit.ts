import { systemClock } from '../runtime/clock.ts'
import { GainnetError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { seededRandom } from '../runtime/seeded-random.ts'
import { BrokerConnection } from './broker-connection.ts'
import type { TlsFiles } from './broker-tls.ts'
import { MessageSealer } from './message-sealer.ts'
import { WireSession } from './wire-session.ts'

const CONNECT_MS_MAX = 10_000

export interface BrokerVisitOptions {
  readonly url: string
  readonly tls: TlsFiles
  readonly username: string
  readonly password: string | undefined
  readonly keepaliveSeconds: number
  readonly site: string
  /** What the visit is for, in its client name: a-z and dashes. */
  readonly purpose: string
  /** Number of the life that what is published says; 1 for those who publish nothing to be kept. */
  readonly session?: number
  readonly log: Logger
}

/** A broker that a command looks in at; whoever opened it ends it with `close`. */
export interface BrokerVisit {
  readonly wire: WireSession
  close(beforeEnd?: () => Promise<void>): Promise<void>
}

/**
 * A connection for the time of one command: no will, and a client name of its own, so that a daemon
 * of the same user is not disturbed. Rejects where the broker is not there or lets nobody in.
 */
export async function visitBroker(options: BrokerVisitOptions): Promise<BrokerVisit> {
  const { url, username, site, purpose, session = 1, log } = options
  const connection = new BrokerConnection({
    ...options,
    clientId: `${username}:${purpose}-${process.pid}`,
    random: seededRandom(process.pid),
  })
  const sealer = new MessageSealer({ session, clock: systemClock })
  const wire = new WireSession({ connection, site, sealer, log })
  connection.start()
  if (!(await isConnected(connection))) {
    const { status, trouble = status } = connection
    await connection.stop()
    throw new GainnetError(
      status === 'refused' ? 'BROKER_REFUSED' : 'BROKER_UNREACHABLE',
      `no connection to ${url} as ${username} within ${CONNECT_MS_MAX / 1000} s: ${trouble}`,
    )
  }
  return { wire, close: beforeEnd => connection.stop(beforeEnd) }
}

function isConnected(connection: BrokerConnection): Promise<boolean> {
  return new Promise(resolve => {
    const timer = setTimeout(() => resolve(false), CONNECT_MS_MAX)
    connection.onConnected(() => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}
