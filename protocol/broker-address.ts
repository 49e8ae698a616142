import { isIP, type Socket, connect as tcpConnect } from 'node:net'
import { type SecureContext, connect as tlsConnect } from 'node:tls'
import { GainnetError } from '../runtime/errors.ts'

export interface BrokerAddress {
  readonly tls: boolean
  readonly host: string
  readonly port: number
}

/** mqtt://host:port or mqtts://host:port; the ports of IANA where none is given. */
export function parseBrokerUrl(url: string): BrokerAddress {
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (!parsed?.hostname || (parsed.protocol !== 'mqtt:' && parsed.protocol !== 'mqtts:')) {
    throw new GainnetError('CONFIG_INVALID', `not mqtt://host:port or mqtts://host:port: ${url}`)
  }
  const tls = parsed.protocol === 'mqtts:'
  const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1')
  return { tls, host, port: parsed.port ? Number(parsed.port) : tls ? 8883 : 1883 }
}

/**
 * A socket without Nagle's algorithm: with it, small messages wait 40 to 90 ms for the delayed
 * acknowledgement of the one before (eclipse-mosquitto/mosquitto#433).
 */
export function openSocket(
  { tls, host, port }: BrokerAddress,
  secureContext: SecureContext | undefined,
): Socket {
  if (!tls) return tcpConnect({ host, port, noDelay: true })
  const socket = tlsConnect({
    host,
    port,
    ...(secureContext ? { secureContext } : {}),
    ...(isIP(host) ? {} : { servername: host }),
  })
  socket.setNoDelay(true)
  return socket
}
