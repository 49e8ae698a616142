import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFailed } from 'vitest'
import { stringify } from 'yaml'
import type { z } from 'zod'
import type { AgentConfig } from '../../config/agent-schema.ts'
import type { ControllerConfig } from '../../config/controller-schema.ts'
import { addCredential } from '../../controller/broker/credentials.ts'
import { freePort } from '../../demo/free-port.ts'
import { RoundRecord } from '../../protocol/round-record.ts'
import { startMosquitto } from './brokers.ts'
import { DaemonProcess } from './daemon-process.ts'
import { temporaryDirectory } from './directories.ts'
import { type LivingProcess, processesWith } from './process-census.ts'
import { quietProcRoot } from './quiet-board.ts'
import { waitFor } from './wait-for.ts'
import { WireTap } from './wire-tap.ts'

export const SITE = 'home'
/**
 * A round of three seconds with room for lateness: reports, averages and URPs have a part of a slot
 * each, so that few long slots bear more of a busy machine than many short ones.
 */
export const CLOCK = { slots: 5, slotMs: 600 } as const
/** Start of a daemon until it is ready, on a machine that does other things too. */
export const READY_MS = 60_000

const MARK = 'FLEET_UNDER_TEST'
const TESTER = { username: 'tester', password: 'secret of the tester', role: 'controller' } as const
const CONTROLLER = { username: 'controller', password: 'secret', role: 'controller' } as const
const TEXTS = ['the quick brown fox jumps over the lazy dog. ', 'const answer = () => 6 * 7\n']

type AgentInput = z.input<typeof AgentConfig>
type ControllerInput = z.input<typeof ControllerConfig>

export interface FleetOptions {
  readonly broker: 'embedded' | 'mosquitto'
  readonly agents: readonly string[]
  readonly modelIds?: readonly string[]
  readonly controller?: Partial<ControllerInput>
}

/** A version of a model as the controller keeps it on disk. */
export interface StoredVersion {
  readonly modelId: string
  readonly version: string
  readonly versionNumber: number
  readonly parent: string | null
  readonly samplesAbsorbed: number
}

type Mosquitto = Awaited<ReturnType<typeof startMosquitto>>

/**
 * A controller and agents as real processes on small models and short rounds, with a tap on their
 * broker. All ends with the test; `stop` also checks that all has ended well.
 */
export class TestFleet {
  readonly root: string
  readonly port: number
  readonly mosquitto: Mosquitto | null
  readonly agents = new Map<string, DaemonProcess>()
  readonly #options: FleetOptions
  readonly #mark = randomUUID()
  #controller: DaemonProcess | null = null
  #tap: WireTap | null = null

  private constructor(
    options: FleetOptions,
    place: { root: string; port: number; mosquitto: Mosquitto | null },
  ) {
    this.#options = options
    this.root = place.root
    this.port = place.port
    this.mosquitto = place.mosquitto
  }

  /** Files, credentials and the tap; no daemon of ours yet. */
  static async prepare(options: FleetOptions): Promise<TestFleet> {
    const root = temporaryDirectory()
    const agents = options.agents.map(username => ({ username, password: passwordOf(username) }))
    const users = [TESTER, CONTROLLER, ...agents]
    const mosquitto = options.broker === 'mosquitto' ? await startMosquitto({ users }) : null
    const port = mosquitto?.port ?? (await freePort())
    const fleet = new TestFleet(options, { root, port, mosquitto })
    if (!mosquitto) {
      const state = fleet.stateDirectory('controller')
      for (const { username, password } of [TESTER, ...agents]) {
        const role = username === TESTER.username ? 'controller' : 'agent'
        await addCredential(state, username, role, password)
      }
    }
    writeText(join(root, 'held-back'), 7)
    quietProcRoot(join(root, 'proc'))
    onTestFailed(() => {
      process.stderr.write(`${fleet.story()}\n`)
    })
    for (const [index, id] of options.agents.entries()) writeText(fleet.textFolder(id), index)
    return fleet
  }

  /** Everything runs; resolves when the tap is connected and all agents were said to be ready. */
  static async start(options: FleetOptions): Promise<TestFleet> {
    const fleet = await TestFleet.prepare(options)
    fleet.startController()
    await fleet.connectTap()
    for (const agentId of options.agents) fleet.startAgent(agentId)
    await Promise.all(options.agents.map(agentId => fleet.isReady(agentId)))
    return fleet
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`
  }

  get tap(): WireTap {
    if (!this.#tap) throw new Error('the tap is not connected yet')
    return this.#tap
  }

  get controller(): DaemonProcess {
    if (!this.#controller) throw new Error('the controller is not started yet')
    return this.#controller
  }

  agent(agentId: string): DaemonProcess {
    const agent = this.agents.get(agentId)
    if (!agent) throw new Error(`agent ${agentId} is not started yet`)
    return agent
  }

  stateDirectory(name: string): string {
    return join(this.root, 'state', name)
  }

  textFolder(agentId: string): string {
    return join(this.root, 'text', agentId)
  }

  /** On the broker itself, whatever way the daemons take. */
  async connectTap(): Promise<void> {
    const { username, password } = TESTER
    this.#tap = await WireTap.start({ url: this.url, username, password, site: SITE })
    await this.#tap.isConnected()
  }

  /** Also for another life after its end. */
  startController(more: Partial<ControllerInput> = {}): DaemonProcess {
    const config = { ...this.#controllerConfig(), ...this.#options.controller, ...more }
    this.#controller = this.#startDaemon('controller', ['controller'], config)
    return this.#controller
  }

  /** `brokerPort` of a proxy that stands before the broker. */
  startAgent(
    agentId: string,
    {
      brokerPort = this.port,
      ...more
    }: Partial<AgentInput> & { readonly brokerPort?: number } = {},
  ): DaemonProcess {
    const config: AgentInput = {
      agentId,
      stateDirectory: this.stateDirectory(agentId),
      broker: { url: `mqtt://127.0.0.1:${brokerPort}`, password: passwordOf(agentId) },
      log: { level: 'debug' },
      measure: { linkBytesMax: 64 * 1024, procRoot: join(this.root, 'proc') },
      limits: { computingShare: 0.3, computingShareReserved: 0.3, niceness: 0 },
      healthSeconds: 1,
      // So slow that it senses to the end of a round: what it senses is what it can train on.
      sensors: [
        { kind: 'text-folder', id: 'text', path: this.textFolder(agentId), bytesPerSecond: 150 },
      ],
      ...more,
    }
    const agent = this.#startDaemon(agentId, ['agent'], config)
    this.agents.set(agentId, agent)
    return agent
  }

  /** The tap has heard that the newest life of the agent is ready or busy. */
  async isReady(agentId: string): Promise<void> {
    const session = await waitFor(() => this.sessionOf(agentId), {
      ms: READY_MS,
      what: `${agentId} has a session`,
    })
    await this.tap.waitFor(
      'agentState',
      ({ parameters, body }) =>
        parameters.agentId === agentId &&
        body.session === session &&
        ['ready', 'busy', 'degraded'].includes(body.state),
      { ms: READY_MS, what: `${agentId} is ready` },
    )
  }

  /** Number of the newest life of a daemon, null where there was none. */
  sessionOf(name: string): number | null {
    const file = join(this.stateDirectory(name), 'session')
    return existsSync(file) ? Number(readFileSync(file, 'utf8')) : null
  }

  /** Bytes in the outbox of an agent: messages, those just delivered included, and updates. */
  outboxBytes(agentId: string): number {
    const outbox = join(this.stateDirectory(agentId), 'outbox')
    const kept = ['messages', 'updates'].flatMap(name => {
      const folder = join(outbox, name)
      return existsSync(folder) ? readdirSync(folder).map(file => join(folder, file)) : []
    })
    return kept
      .filter(file => /\.(log|update)$/.test(file))
      .reduce((sum, file) => sum + bytesOf(file), 0)
  }

  /** Round records that the controller has written down, parsed as they were published. */
  records(): RoundRecord[] {
    const file = join(this.stateDirectory('controller'), 'rounds.jsonl')
    if (!existsSync(file)) return []
    const envelope = { session: 1, sequence: 0, sentAt: '2026-01-01T00:00:00.000Z' }
    return readFileSync(file, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map(line => RoundRecord.parse({ ...JSON.parse(line), ...envelope }))
  }

  /** Resolves with the first record that fits, out of those from `after` records on. */
  waitForRecord(
    fits: (record: RoundRecord) => boolean,
    { ms = 60_000, what, after = 0 }: { ms?: number; what: string; after?: number },
  ): Promise<RoundRecord> {
    return waitFor(
      () => {
        if (this.controller.hasEnded) throw new Error(`the controller ended before: ${what}`)
        return this.records().slice(after).find(fits)
      },
      { ms, what },
    )
  }

  /** What happened, for the reader of a failed test. */
  story(): string {
    const daemons = [['controller', this.#controller] as const, ...this.agents]
    const lines = daemons.flatMap(([name, daemon]) => [
      `--- ${name}: the end of its log`,
      ...(daemon?.lines ?? [])
        .filter(({ msg }) => msg !== 'probe read')
        .slice(-15)
        .map(line => JSON.stringify(line)),
      daemon?.stderr.slice(-1000) ?? '',
    ])
    const records = this.#tap?.all('roundRecord') ?? []
    const rounds = records.map(({ body }) => JSON.stringify(summaryOf(body)))
    return ['--- rounds', ...rounds, ...lines].join('\n')
  }

  /** Every version of a model, the first one included, oldest first. */
  versions(modelId: string): StoredVersion[] {
    const folder = join(this.stateDirectory('controller'), 'models', modelId)
    return readdirSync(folder)
      .filter(name => name.endsWith('.json'))
      .map((name): StoredVersion => JSON.parse(readFileSync(join(folder, name), 'utf8')))
      .sort((a, b) => a.versionNumber - b.versionNumber)
  }

  /** Every living process of this fleet, trainers and orphans included. */
  processes(): LivingProcess[] {
    return processesWith(MARK, this.#mark)
  }

  /** Trainers and other processes that a daemon has started. */
  childrenOf(daemon: DaemonProcess): LivingProcess[] {
    return this.processes().filter(({ parent }) => parent === daemon.child.pid)
  }

  /** SIGTERM for all, agents first; each has ended with 0, and nothing is left of any. */
  async stop(): Promise<void> {
    const agents = [...this.agents.values()].filter(agent => !agent.hasEnded)
    const ends = await Promise.all(agents.map(agent => agent.stop()))
    if (this.#controller && !this.#controller.hasEnded) ends.push(await this.#controller.stop())
    for (const end of ends) expect(end).toEqual({ code: 0, signal: null })
    await this.expectNothingLeft()
  }

  async expectNothingLeft(): Promise<void> {
    await waitFor(() => this.processes().length === 0, {
      ms: 5000,
      what: 'no process is left',
    }).catch(cause => {
      const left = this.processes().map(({ pid, command }) => `${pid} ${command}`)
      throw new Error(`left behind:\n${left.join('\n')}`, { cause })
    })
  }

  #controllerConfig(): ControllerInput {
    const { modelIds = ['prose'], agents } = this.#options
    return {
      stateDirectory: this.stateDirectory('controller'),
      broker: this.mosquitto
        ? { mode: 'external', url: this.url, password: CONTROLLER.password }
        : { mode: 'embedded', port: this.port },
      log: { level: 'debug' },
      clock: CLOCK,
      probe: { host: '127.0.0.1', port: 0 },
      rounds: { agentsMin: agents.length, agentsWaitSeconds: 120 },
      // Work for all slots: a trainer that starts late on a busy machine still has some of them.
      training: { batch: 16, localEpochs: 100 },
      models: modelIds.map((modelId, index) => ({
        modelId,
        contextBytes: 4,
        embeddingSize: 4,
        hiddenSizes: [16],
        seed: index + 1,
        evaluation: { path: join(this.root, 'held-back'), bytesMax: 512 },
      })),
    }
  }

  #startDaemon(name: string, command: readonly string[], config: object): DaemonProcess {
    const file = join(this.root, `${name}.yaml`)
    writeFileSync(file, stringify(config, { aliasDuplicateObjects: false }), { mode: 0o600 })
    // A TMPDIR of its own keeps it from waiting for the measurements of other fleets.
    const env = { [MARK]: this.#mark, TMPDIR: this.root }
    return new DaemonProcess([...command, '--config', file], { env })
  }
}

/** What an agent of a test fleet says at its broker. */
export function passwordOf(agentId: string): string {
  return `secret of ${agentId}`
}

function writeText(folder: string, variant: number): void {
  mkdirSync(folder, { recursive: true })
  const text = TEXTS[variant % TEXTS.length] ?? ''
  writeFileSync(join(folder, 'one.txt'), text.repeat(40))
}

/** 0 where it was removed meanwhile. */
function bytesOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function summaryOf({ crId, contributions, models, excluded, choices }: RoundRecord): object {
  return {
    crId,
    contributions: contributions.map(({ agentId, outcome, reason }) => ({
      agentId,
      outcome,
      reason,
    })),
    models: models.map(({ versionNumber }) => versionNumber),
    choices: choices.map(({ agentId, reason }) => ({ agentId, reason })),
    excluded,
  }
}
