import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { isIP, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { AgentConfig } from '../../config/agent-schema.ts'
import { type BrokerAddress, openSocket, parseBrokerUrl } from '../../protocol/broker-address.ts'
import { readSecureContext, tlsTrouble } from '../../protocol/broker-tls.ts'
import { visitBroker } from '../../protocol/broker-visit.ts'
import { errnoOf, GainnetError, messageOf } from '../../runtime/errors.ts'
import { createLogger } from '../../runtime/logger.ts'
import { type Check, type Finding, fault, ok, warning } from './check.ts'

const STEP_MS_MAX = 5000
const DAY_MS = 86_400_000
/** A month is time enough to renew it. */
const CERTIFICATE_DAYS_MIN = 30

type Broker = AgentConfig['broker']

/** Step by step to the broker: the first that fails names what is wrong, the others are left out. */
export const brokerCheck: Check = {
  name: 'broker',
  durationMsMax: 40_000,
  async run({ config, nowMs }) {
    const findings: Finding[] = []
    const isFine = (finding: Finding): boolean => {
      findings.push(finding)
      return finding.outcome !== 'fault'
    }
    const address = parseBrokerUrl(config.broker.url)
    if (!isFine(await nameStep(address))) return findings
    if (!isFine(await tcpStep(address))) return findings
    if (address.tls && !isFine(await tlsStep(address, config.broker, nowMs))) return findings
    isFine(await mqttStep(config))
    return findings
  },
}

async function nameStep({ host }: BrokerAddress): Promise<Finding> {
  if (isIP(host) > 0) return ok(`${host} is an address, no name to be looked up`)
  try {
    const { address } = await lookup(host)
    return ok(`${host} has the address ${address}`)
  } catch (error) {
    const text = `the name ${host} has no address (${errnoOf(error)})`
    return fault(text, `resolvectl query ${host}; or give broker.url an address instead`)
  }
}

async function tcpStep(address: BrokerAddress): Promise<Finding> {
  const { host, port } = address
  try {
    const socket = await opened({ ...address, tls: false }, 'connect')
    socket.destroy()
    return ok(`port ${port} of ${host} takes connections`)
  } catch (error) {
    const text = `no connection to port ${port} of ${host} (${errnoOf(error) ?? messageOf(error)})`
    return fault(text, tcpRemedy(errnoOf(error), address))
  }
}

function tcpRemedy(code: string | undefined, { host, port }: BrokerAddress): string {
  if (code === 'ECONNREFUSED') {
    return `on ${host}: sudo systemctl status gainnet-controller, and broker.host: 0.0.0.0 in its configuration`
  }
  return `ping ${host}; on ${host}: sudo ss -ltnp | grep :${port}, and its firewall`
}

async function tlsStep(address: BrokerAddress, broker: Broker, nowMs: number): Promise<Finding> {
  try {
    const socket = await opened(address, 'secureConnect', broker)
    const finding = certificateFinding(socket, nowMs)
    socket.destroy()
    return finding
  } catch (error) {
    const known = error instanceof Error ? tlsTrouble(error) : undefined
    return fault(
      `no TLS with the broker: ${messageOf(error)}`,
      known ?? 'see docs/how-to/use-tls.md',
    )
  }
}

function certificateFinding(socket: Socket, nowMs: number): Finding {
  const certificate = socket instanceof TLSSocket ? socket.getPeerCertificate() : undefined
  const until = Date.parse(certificate?.valid_to ?? '')
  if (Number.isNaN(until)) return ok('TLS is established')
  const days = Math.floor((until - nowMs) / DAY_MS)
  const text = `TLS is established, the certificate of the broker is valid for ${days} days`
  return days < CERTIFICATE_DAYS_MIN
    ? warning(text, 'renew it on the machine of the broker')
    : ok(text)
}

async function opened(
  address: BrokerAddress,
  event: 'connect' | 'secureConnect',
  broker?: Broker,
): Promise<Socket> {
  const socket = openSocket(address, broker ? readSecureContext(broker) : undefined)
  try {
    await once(socket, event, { signal: AbortSignal.timeout(STEP_MS_MAX) })
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

async function mqttStep({ agentId, site, broker }: AgentConfig): Promise<Finding> {
  const username = broker.username ?? agentId
  try {
    const visit = await visitBroker({
      url: broker.url,
      tls: broker,
      username,
      password: broker.password,
      keepaliveSeconds: broker.keepaliveSeconds,
      site,
      purpose: 'doctor',
      log: createLogger({ daemon: 'doctor', level: 'silent' }),
    })
    await visit.close()
    return ok(`the broker lets ${username} in`)
  } catch (error) {
    const isRefused = error instanceof GainnetError && error.code === 'BROKER_REFUSED'
    const remedy = isRefused
      ? `on the controller: gainnet controller credential ${username}; its password goes into broker.passwordFile`
      : 'the port is open but nobody speaks MQTT there: check the port in broker.url'
    return fault(messageOf(error), remedy)
  }
}
