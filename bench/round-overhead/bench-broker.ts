import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { addCredential, loadCredentials } from '../../controller/broker/credentials.ts'
import { startEmbeddedBroker } from '../../controller/broker/embedded-broker.ts'
import { freePort } from '../../demo/free-port.ts'
import { answersOn, startMosquitto } from '../../demo/mosquitto.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Stoppable } from '../../runtime/shutdown.ts'

export type BrokerKind = 'embedded' | 'mosquitto'

export interface BenchBroker extends Stoppable {
  readonly url: string
  /** Of every user: it is gone in a minute, with the broker. */
  readonly password: string
}

/** A broker on a free loopback port that knows these users. The embedded one is in this process. */
export async function startBroker(
  kind: BrokerKind,
  o: {
    readonly stateDirectory: string
    readonly site: string
    readonly agents: readonly string[]
    readonly controllers: readonly string[]
    readonly log: Logger
  },
): Promise<BenchBroker> {
  const { stateDirectory, site, log } = o
  const password = 'for as long as this bench runs'
  mkdirSync(stateDirectory, { recursive: true })
  for (const name of o.agents) await addCredential(stateDirectory, name, 'agent', password)
  for (const name of o.controllers) {
    await addCredential(stateDirectory, name, 'controller', password)
  }
  if (kind === 'embedded') {
    const credentials = await loadCredentials(stateDirectory)
    const host = '127.0.0.1'
    const { url, stop } = await startEmbeddedBroker({ host, port: 0, credentials, site, log })
    return { url, password, stop }
  }
  const port = await freePort()
  const logFile = join(stateDirectory, 'mosquitto.log')
  const directory = stateDirectory
  const daemon = await startMosquitto({ directory, stateDirectory, logFile, site, port })
  if (!(await answersOn(port, () => daemon.hasEnded))) {
    daemon.kill()
    throw new Error(`mosquitto does not answer: ${(await daemon.lastLines()).join('; ')}`)
  }
  return { url: `mqtt://127.0.0.1:${port}`, password, stop: async () => void (await daemon.stop()) }
}
