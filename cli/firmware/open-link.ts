import { FirmwareLink, type FirmwareLinkOptions } from '../../firmware-bridge/link/firmware-link.ts'
import { findPort } from '../../firmware-bridge/serial/serial-ports.ts'
import { GainnetError } from '../../runtime/errors.ts'
import { createLogger } from '../../runtime/logger.ts'
import { seededRandom } from '../../runtime/seeded-random.ts'

/** A link to the board at a path, or to the one with these USB numbers wherever it is plugged in. */
export function linkTo(
  port: string,
  options: Pick<FirmwareLinkOptions, 'baudRate' | 'onSamples' | 'onStatus'>,
): FirmwareLink {
  return new FirmwareLink({
    ...options,
    findPath: () => findPort(port),
    random: seededRandom(process.pid),
    log: createLogger({ daemon: 'firmware', level: 'silent' }),
  })
}

/** Starts the link; SENSOR_UNAVAILABLE with the reason where no board answers. */
export async function openLink(link: FirmwareLink, port: string) {
  await link.start()
  if (link.status.state === 'ready') return link.status.board
  const { reason } = link.status
  await link.stop()
  throw new GainnetError('SENSOR_UNAVAILABLE', `no board at ${port}: ${reason}`)
}
