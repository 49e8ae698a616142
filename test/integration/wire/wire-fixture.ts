import { onTestFinished } from 'vitest'
import {
  BrokerConnection,
  type BrokerConnectionOptions,
} from '../../../protocol/broker-connection.ts'
import { MessageSealer } from '../../../protocol/message-sealer.ts'
import { WireSession } from '../../../protocol/wire-session.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { testLog } from '../../support/test-log.ts'
import { waitFor } from '../../support/wait-for.ts'

export const AGENT = { username: 'pi-04', password: 'secret of pi-04', role: 'agent' } as const
export const CONTROLLER = {
  username: 'controller',
  password: 'secret',
  role: 'controller',
} as const
export const USERS = [AGENT, CONTROLLER]

/** Quick to come back, so that tests of outages are short. */
const RECONNECT = { firstMs: 20, limitMs: 100, longFirstMs: 60_000, longLimitMs: 60_000 }

/** A connection that is started and ends with the test. */
export function startConnection(
  port: number,
  user: { readonly username: string; readonly password: string },
  options: Partial<BrokerConnectionOptions> = {},
) {
  const { log, lines } = testLog()
  const connection = new BrokerConnection({
    url: `mqtt://127.0.0.1:${port}`,
    clientId: user.username,
    username: user.username,
    password: user.password,
    keepaliveSeconds: 30,
    log,
    random: seededRandom(7),
    ...options,
    reconnect: { ...RECONNECT, ...options.reconnect },
  })
  connection.start()
  onTestFinished(() => connection.stop())
  return { connection, log, lines }
}

export async function connected(connection: BrokerConnection): Promise<void> {
  await waitFor(() => connection.isConnected, { what: `connected, is ${connection.status}` })
}

/** One side of the wire, connected. */
export async function startWire(
  port: number,
  user: { readonly username: string; readonly password: string },
  options: Partial<BrokerConnectionOptions> = {},
) {
  const { connection, log, lines } = startConnection(port, user, options)
  await connected(connection)
  const sealer = new MessageSealer({ session: 1, clock: systemClock })
  const wire = new WireSession({ connection, site: 'home', sealer, log })
  return { wire, connection, log, lines }
}
