import { networkInterfaces } from 'node:os'
import type { AgentConfig } from '../config/agent-schema.ts'
import { parseBrokerUrl } from '../protocol/broker-address.ts'
import { BrokerConnection } from '../protocol/broker-connection.ts'
import { MessageSealer } from '../protocol/message-sealer.ts'
import { WireSession } from '../protocol/wire-session.ts'
import { systemClock } from '../runtime/clock.ts'
import { GainnetError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { seededRandom } from '../runtime/seeded-random.ts'
import { ControllerPeer } from './controller-peer.ts'
import type { LinkPeer } from './measure/link/link-probe.ts'
import { interfaceOf } from './urp/link-load.ts'

const CONNECT_MS_MAX = 10_000

export interface MeasuringLink {
  readonly peer: LinkPeer
  readonly interfaceName: string
  close(): Promise<void>
}

/**
 * A connection to the configured controller for one measurement. It says nothing of the agent: no
 * birth, no will, and a client name of its own, so that a running daemon is not disturbed.
 */
export async function openMeasuringLink(
  config: Pick<AgentConfig, 'agentId' | 'site' | 'broker' | 'linkGroup'>,
  log: Logger,
): Promise<MeasuringLink> {
  const { agentId, site, broker, linkGroup } = config
  const username = broker.username ?? agentId
  const connection = new BrokerConnection({
    url: broker.url,
    tls: broker,
    clientId: `${username}:measure-${process.pid}`,
    username,
    password: broker.password,
    keepaliveSeconds: broker.keepaliveSeconds,
    random: seededRandom(process.pid),
    log,
  })
  const sealer = new MessageSealer({ session: 1, clock: systemClock })
  const wire = new WireSession({ connection, site, sealer, log })
  // Answers go to all who listen for this agent: numbers that the daemon does not count with.
  const probeHost = parseBrokerUrl(broker.url).host
  const firstId = 2 ** 30 + process.pid * 1000
  const peer = new ControllerPeer({
    wire,
    agentId,
    clock: systemClock,
    firstId,
    linkGroup,
    probeHost,
  })
  await peer.start()
  connection.start()
  if (!(await isConnected(connection))) {
    const { status, trouble = status } = connection
    await connection.stop()
    throw new GainnetError(
      status === 'refused' ? 'BROKER_REFUSED' : 'BROKER_UNREACHABLE',
      `no connection to ${broker.url} as ${username} within ${CONNECT_MS_MAX / 1000} s: ${trouble}`,
    )
  }
  const address = connection.localAddress ?? ''
  return {
    peer,
    interfaceName: interfaceOf(address, networkInterfaces()) ?? 'lo',
    close: () => connection.stop(),
  }
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
