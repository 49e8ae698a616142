import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Role } from '../../controller/broker/access-rules.ts'
import {
  addCredential,
  loadCredentials,
  mosquittoFiles,
} from '../../controller/broker/credentials.ts'
import {
  type EmbeddedBroker,
  startEmbeddedBroker,
} from '../../controller/broker/embedded-broker.ts'
import { freePort } from '../../demo/free-port.ts'
import type { IssuedCertificate } from './certificates.ts'
import { endChild } from './child-end.ts'
import { findCommand } from './commands.ts'
import { temporaryDirectory } from './directories.ts'
import { type LogLine, testLog } from './test-log.ts'
import { waitFor } from './wait-for.ts'

export interface BrokerUser {
  readonly username: string
  readonly password: string
  readonly role?: Role
}

export interface BrokerSetup {
  readonly users: readonly BrokerUser[]
  readonly site?: string
  /** A free one when left out. */
  readonly port?: number
  /** Of Mosquitto: its certificate, and the CA of those that its clients must have. */
  readonly tls?: (IssuedCertificate & { readonly clientCaFile?: string }) | undefined
}

/** A real broker on a free loopback port that can go away and come back there. */
export interface TestBroker {
  readonly url: string
  readonly port: number
  stop(): Promise<void>
  start(): Promise<void>
}

/** Both brokers, for `describe.each(BROKERS)`: a suite that must hold on either. */
export const BROKERS = [
  { broker: 'embedded', startBroker: startEmbedded, isThere: true },
  {
    broker: 'mosquitto',
    startBroker: startMosquitto,
    isThere: findCommand('mosquitto') !== undefined,
  },
] as const

/** The controller's own broker, in this process; gone when the test is. */
export async function startEmbedded({
  users,
  site = 'home',
  port = 0,
}: BrokerSetup): Promise<TestBroker & { embedded(): EmbeddedBroker; lines: readonly LogLine[] }> {
  const stateDirectory = temporaryDirectory()
  await addUsers(stateDirectory, users)
  const credentials = await loadCredentials(stateDirectory)
  const { log, lines } = testLog()
  const options = { host: '127.0.0.1', credentials, site, log }
  let embedded = await startEmbeddedBroker({ ...options, port })
  const { url, port: taken } = embedded
  onTestFinished(() => embedded.stop())
  return {
    url,
    port: taken,
    lines,
    embedded: () => embedded,
    stop: () => embedded.stop(),
    start: async () => {
      embedded = await startEmbeddedBroker({ ...options, port: taken })
    },
  }
}

/** Debian's Mosquitto with our credentials and access rules; gone when the test is. */
export async function startMosquitto({
  users,
  site = 'home',
  port,
  tls,
}: BrokerSetup): Promise<TestBroker & { kill(): Promise<void>; output(): string }> {
  const program = findCommand('mosquitto')
  if (!program) throw new Error('mosquitto is not installed: apt-get install mosquitto')
  const directory = temporaryDirectory()
  await addUsers(directory, users)
  const taken = port ?? (await freePort())
  const configFile = join(directory, 'mosquitto.conf')
  writeFileSync(configFile, await mosquittoConfig({ directory, site, port: taken, tls }))

  let child: ChildProcess | undefined
  let output = ''
  const start = async (): Promise<void> => {
    const started = spawn(program, ['-c', configFile], { stdio: ['ignore', 'ignore', 'pipe'] })
    child = started
    started.stderr.on('data', chunk => {
      output += chunk
    })
    await waitFor(
      () => {
        if (started.exitCode !== null) throw new Error(`mosquitto ended:\n${output}`)
        return answers(taken)
      },
      { what: `mosquitto listens on port ${taken}\n${output}` },
    )
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child) await endChild(child, { signal, ms: 5000 })
  }
  await start()
  onTestFinished(() => end('SIGKILL'))
  return {
    url: tls ? `mqtts://localhost:${taken}` : `mqtt://127.0.0.1:${taken}`,
    port: taken,
    start,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    output: () => output,
  }
}

async function addUsers(stateDirectory: string, users: readonly BrokerUser[]): Promise<void> {
  for (const { username, password, role } of users) {
    await addCredential(stateDirectory, username, role, password)
  }
}

/** Limits are Mosquitto's own, so that the tests see what a site would see. */
async function mosquittoConfig({
  directory,
  site,
  port,
  tls,
}: Pick<BrokerSetup, 'tls'> & {
  readonly directory: string
  readonly site: string
  readonly port: number
}): Promise<string> {
  const files = await mosquittoFiles({ stateDirectory: directory, site, directory })
  return [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous false',
    ...(tls ? [`certfile ${tls.certFile}`, `keyfile ${tls.keyFile}`] : []),
    ...(tls?.clientCaFile ? [`cafile ${tls.clientCaFile}`, 'require_certificate true'] : []),
    `password_file ${files.passwordFile}`,
    `acl_file ${files.accessFile}`,
    'set_tcp_nodelay true',
    // As the service of the Debian package: retained messages are there again after a restart.
    'persistence true',
    `persistence_location ${directory}/`,
    // Else it gives up root for a user who may not look into the directory of the test.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    '',
  ].join('\n')
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    const settle = (answer: boolean) => (): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', settle(true))
    socket.once('error', settle(false))
  })
}
