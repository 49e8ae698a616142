import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { stringify } from 'yaml'
import { addCredential } from '../controller/broker/credentials.ts'
import { GainnetError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Stoppable } from '../runtime/shutdown.ts'
import {
  agentConfig,
  brokerUrl,
  controllerConfig,
  logFileOf,
  type RunFolder,
  stateDirectoryOf,
} from './demo-config.ts'
import { DemoDaemon, endText } from './demo-daemon.ts'
import type { LaidOutModel } from './demo-text.ts'
import { FleetObserver } from './fleet-observer.ts'
import type { FleetWatch } from './fleet-watch.ts'
import { freePort } from './free-port.ts'
import { answersOn, startMosquitto } from './mosquitto.ts'

const SITE = 'home'
const CONTROLLER_MS_MAX = 30_000
/** An agent measures its machine before it is ready. */
const AGENT_MS_MAX = 45_000
/** The controller says that it has finished a moment before it ends. */
const FINISH_GRACE_MS = 2000

export interface FleetOptions {
  readonly folder: RunFolder
  readonly agentIds: readonly string[]
  readonly models: readonly LaidOutModel[]
  readonly rounds: number
  readonly broker: 'embedded' | 'mosquitto'
  readonly watch: FleetWatch
  readonly log: Logger
}

/** The real daemons of one run, each a child process, and an observer at their broker. */
export class DemoFleet implements Stoppable {
  readonly #options: FleetOptions
  readonly #daemons: DemoDaemon[] = []
  #observer: FleetObserver | null = null
  #isStopping = false

  constructor(options: FleetOptions) {
    this.#options = options
  }

  /** Resolves when the controller and every agent are ready. */
  async start(): Promise<void> {
    const { folder, watch, broker } = this.#options
    const port = await freePort()
    const state = stateDirectoryOf(folder, 'controller')
    const observerPassword = await addCredential(state, 'demo', 'observer')
    const externalPassword =
      broker === 'mosquitto' ? await addCredential(state, 'controller', 'controller') : null
    const agents = await this.#writeAgentConfigs(port)
    if (broker === 'mosquitto') await this.#startMosquitto(port)
    const config = await writeConfig(
      folder,
      'controller',
      this.#controllerConfig(port, externalPassword),
    )
    watch.throwIfFailed()
    this.#startDaemon('controller', ['controller', '--config', config])
    await this.#observe(port, observerPassword)
    await watch.waitFor(({ controller }) => controller !== 'unknown', {
      ms: CONTROLLER_MS_MAX,
      what: 'the controller to be there',
    })
    for (const { agentId, file } of agents) await this.#startAgent(agentId, file)
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#observer?.stop()
    const [others, agents] = [[] as DemoDaemon[], [] as DemoDaemon[]]
    for (const daemon of this.#daemons) {
      const isAgent = this.#options.agentIds.includes(daemon.name)
      ;(isAgent ? agents : others).push(daemon)
    }
    // The controller and the broker after the agents: these still say goodbye.
    await Promise.all(agents.map(agent => agent.stop()))
    for (const daemon of others.reverse()) await daemon.stop()
  }

  /** Without waiting, for an end that is asked for twice. */
  kill(): void {
    this.#isStopping = true
    for (const daemon of this.#daemons) daemon.kill()
  }

  async #startAgent(agentId: string, file: string): Promise<void> {
    const { watch } = this.#options
    this.#startDaemon(agentId, ['agent', '--config', file])
    // One after the other: two that measure the machine at once measure each other.
    await watch.waitFor(
      ({ agents }) => {
        const state = agents.get(agentId)?.state
        return state === 'ready' || state === 'busy' || state === 'degraded'
      },
      { ms: AGENT_MS_MAX, what: `${agentId} to be ready` },
    )
  }

  async #startMosquitto(port: number): Promise<void> {
    const { folder } = this.#options
    const started = startMosquitto({
      directory: join(folder.root, 'mosquitto'),
      stateDirectory: stateDirectoryOf(folder, 'controller'),
      logFile: logFileOf(folder, 'mosquitto'),
      site: SITE,
      port,
    })
    const mosquitto = this.#adopt(await started)
    const isThere = await answersOn(port, () => mosquitto.hasEnded || this.#isStopping)
    this.#options.watch.throwIfFailed()
    if (!isThere) throw new GainnetError('DEADLINE_PASSED', 'mosquitto does not answer')
  }

  async #observe(port: number, password: string): Promise<void> {
    const { watch, log } = this.#options
    this.#observer = new FleetObserver({
      url: brokerUrl(port),
      username: 'demo',
      password,
      site: SITE,
      log,
      onMessage: message => watch.take(message),
    })
    await this.#observer.start()
  }

  #controllerConfig(port: number, externalPassword: string | null): object {
    const { folder, models, rounds, agentIds } = this.#options
    return controllerConfig({
      folder,
      port,
      rounds,
      models,
      externalPassword,
      agents: agentIds.length,
      agentsWaitSeconds: Math.ceil((agentIds.length * AGENT_MS_MAX) / 1000),
    })
  }

  async #writeAgentConfigs(port: number): Promise<{ agentId: string; file: string }[]> {
    const { folder, agentIds } = this.#options
    const written: { agentId: string; file: string }[] = []
    for (const agentId of agentIds) {
      const password = await addCredential(stateDirectoryOf(folder, 'controller'), agentId, 'agent')
      const config = agentConfig({
        folder,
        port,
        agentId,
        password,
        agents: agentIds.length,
        cores: availableParallelism(),
      })
      written.push({ agentId, file: await writeConfig(folder, agentId, config) })
    }
    return written
  }

  #startDaemon(name: string, args: readonly string[]): void {
    const { folder } = this.#options
    this.#adopt(DemoDaemon.gainnet({ name, args, logFile: logFileOf(folder, name) }))
  }

  #adopt(daemon: DemoDaemon): DemoDaemon {
    this.#daemons.push(daemon)
    void this.#watchEnd(daemon)
    return daemon
  }

  /** A daemon that ends by itself ends the run, except for a controller that has finished. */
  async #watchEnd(daemon: DemoDaemon): Promise<void> {
    const { watch, folder } = this.#options
    const end = await daemon.ended
    if (this.#isStopping) return
    if (daemon.name === 'controller' && end.code === 0) {
      const grace = { ms: FINISH_GRACE_MS, what: 'the controller to finish' }
      const hasFinished = await watch
        .waitFor(({ controller }) => controller === 'finished', grace)
        .then(
          () => true,
          () => false,
        )
      if (hasFinished) return
    }
    if (this.#isStopping) return
    const lines = await daemon.lastLines()
    const text = [
      `${daemon.name} ${endText(end)} before the run was over; its last lines:`,
      ...lines.map(line => `    ${line}`),
      `  all logs: ${dirname(logFileOf(folder, daemon.name))}`,
    ].join('\n')
    watch.fail(new GainnetError('DAEMON_ENDED', text, { name: daemon.name, ...end }))
  }
}

/** Readable by this user only: there is a password in it. */
async function writeConfig(folder: RunFolder, name: string, config: object): Promise<string> {
  const file = join(folder.root, 'config', `${name}.yaml`)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, stringify(config, { aliasDuplicateObjects: false }), { mode: 0o600 })
  return file
}
