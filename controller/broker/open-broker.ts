import { randomBytes } from 'node:crypto'
import type { ControllerConfig } from '../../config/controller-schema.ts'
import { GainnetError } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { PartStack } from '../../runtime/shutdown.ts'
import { addCredential, loadCredentials } from './credentials.ts'
import { startEmbeddedBroker } from './embedded-broker.ts'

/** Where the controller itself connects to. */
export interface BrokerAccess {
  readonly url: string
  readonly username: string
  readonly password: string | undefined
}

/**
 * The broker of this controller: its own, with a password for the controller that is new at each
 * start, or an external one with the password that the config names.
 */
export async function openBroker(
  config: Pick<ControllerConfig, 'broker' | 'site' | 'stateDirectory'>,
  { parts, log }: { readonly parts: PartStack; readonly log: Logger },
): Promise<BrokerAccess> {
  const { broker, site, stateDirectory } = config
  const { username } = broker
  if (broker.mode === 'external') {
    if (broker.url) return { url: broker.url, username, password: broker.password }
    throw new GainnetError('CONFIG_INVALID', 'broker.url is needed for an external broker')
  }
  const password = broker.password ?? randomBytes(18).toString('base64url')
  await addCredential(stateDirectory, username, 'controller', password)
  const embedded = parts.add(
    'embedded broker',
    await startEmbeddedBroker({
      host: broker.host,
      port: broker.port,
      credentials: await loadCredentials(stateDirectory),
      site,
      log,
    }),
  )
  log.info({ url: embedded.url }, 'embedded broker listens')
  return { url: embedded.url, username, password }
}
