import type { AgentConfig } from '../config/agent-schema.ts'
import { BrokerConnection } from '../protocol/broker-connection.ts'
import { MessageSealer } from '../protocol/message-sealer.ts'
import { MESSAGES } from '../protocol/messages.ts'
import { topicFor } from '../protocol/topics.ts'
import { WireSession } from '../protocol/wire-session.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Random } from '../runtime/seeded-random.ts'

/** The agent's connection to its broker, with the will that tells of its death. */
export function openBrokerSession(o: {
  readonly config: Pick<AgentConfig, 'agentId' | 'site' | 'broker'>
  /** Number of this life of the daemon, already on disk. */
  readonly session: number
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}): WireSession {
  const { agentId, site, broker } = o.config
  const sealer = new MessageSealer({ session: o.session, clock: o.clock })
  const { qos, retain } = MESSAGES.agentState
  const connection = new BrokerConnection({
    url: broker.url,
    tls: broker,
    clientId: agentId,
    username: broker.username ?? agentId,
    password: broker.password,
    keepaliveSeconds: broker.keepaliveSeconds,
    will: {
      topic: topicFor(site, 'agentState', { agentId }),
      payload: sealer.seal('agentState', { state: 'lost', reason: 'the connection broke' }).bytes,
      qos,
      retain,
    },
    random: o.random,
    log: o.log,
  })
  return new WireSession({ connection, site, sealer, log: o.log })
}
