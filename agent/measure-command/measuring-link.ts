import { networkInterfaces } from 'node:os'
import type { AgentConfig } from '../../config/agent-schema.ts'
import { parseBrokerUrl } from '../../protocol/broker-address.ts'
import { visitBroker } from '../../protocol/broker-visit.ts'
import { systemClock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import { ControllerPeer } from '../controller-peer.ts'
import type { LinkPeer } from '../measure/link/link-probe.ts'
import { interfaceOf } from '../urp/link-load.ts'

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
  const { wire, close } = await visitBroker({
    url: broker.url,
    tls: broker,
    username,
    password: broker.password,
    keepaliveSeconds: broker.keepaliveSeconds,
    site,
    purpose: 'measure',
    log,
  })
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
  const address = wire.connection.localAddress ?? ''
  return {
    peer,
    interfaceName: interfaceOf(address, networkInterfaces()) ?? 'lo',
    close,
  }
}
