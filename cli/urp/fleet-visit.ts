import type { AgentConfig } from '../../config/agent-schema.ts'
import type { BrokerVisit } from '../../protocol/broker-visit.ts'
import { GainnetError, hasCode } from '../../runtime/errors.ts'
import { type ConfigOptions, loadOptionsOf } from '../config-options.ts'

/** A site as its agents see it, and who looks at it. */
export interface FleetVisit extends BrokerVisit {
  readonly config: AgentConfig
  readonly username: string
}

/** Connects as the configuration of an agent says: its site, its broker, its user. */
export async function visitFleet(
  options: ConfigOptions,
  { purpose, session }: { readonly purpose: string; readonly session?: number },
): Promise<FleetVisit> {
  const { loadAgentConfig } = await import('../../config/load-config.ts')
  const { config } = await loadAgentConfig(loadOptionsOf('agent', options))
  const { createLogger } = await import('../../runtime/logger.ts')
  const { visitBroker } = await import('../../protocol/broker-visit.ts')
  const { broker, site, agentId } = config
  const username = broker.username ?? agentId
  const visit = await visitBroker({
    url: broker.url,
    tls: broker,
    username,
    password: broker.password,
    keepaliveSeconds: broker.keepaliveSeconds,
    site,
    purpose: `urp-${purpose}`,
    ...(session === undefined ? {} : { session }),
    log: createLogger({ daemon: 'urp', level: 'silent' }),
  })
  return { ...visit, config, username }
}

/** What to do where the broker does not let this user read. */
export async function orObserver<T>(work: Promise<T>, username: string): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!hasCode(error, 'BROKER_REFUSED')) throw error
    throw new GainnetError(
      'BROKER_REFUSED',
      `${username} may not read the URPs of others; on the server: gainnet controller credential ` +
        '<name> --role observer, then here: --set broker.username=<name> ' +
        '--set broker.passwordFile=<file>',
      {},
      { cause: error },
    )
  }
}
