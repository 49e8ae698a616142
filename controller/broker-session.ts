import type { ControllerConfig } from '../config/controller-schema.ts'
import { BrokerConnection } from '../protocol/broker-connection.ts'
import { MessageSealer } from '../protocol/message-sealer.ts'
import { MESSAGES } from '../protocol/messages.ts'
import { topicFor } from '../protocol/topics.ts'
import { WireSession } from '../protocol/wire-session.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { seededRandom } from '../runtime/seeded-random.ts'
import { packageVersion } from '../runtime/version.ts'
import type { BrokerAccess } from './broker/open-broker.ts'

/** The controller's connection to the broker, with the will that tells of its death. */
export function openBrokerSession(o: {
  readonly config: Pick<ControllerConfig, 'controllerId' | 'site' | 'broker'>
  readonly access: BrokerAccess
  /** Number of this life of the daemon, already on disk. */
  readonly session: number
  readonly clock: Clock
  readonly log: Logger
}): WireSession {
  const { access, session, clock, log } = o
  const { controllerId, site, broker } = o.config
  const sealer = new MessageSealer({ session, clock })
  const { qos, retain } = MESSAGES.controllerState
  const lost = sealer.seal('controllerState', {
    controllerId,
    version: packageVersion(),
    state: 'lost',
    reason: 'the connection broke',
  })
  const connection = new BrokerConnection({
    ...access,
    tls: broker,
    clientId: `controller-${controllerId}`,
    keepaliveSeconds: broker.keepaliveSeconds,
    will: { topic: topicFor(site, 'controllerState', {}), payload: lost.bytes, qos, retain },
    random: seededRandom(session),
    log,
  })
  return new WireSession({ connection, site, sealer, log })
}
