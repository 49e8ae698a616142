import type { ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { addCredential } from '../../controller/broker/credentials.ts'
import type { LinkFigures } from '../../protocol/urp.ts'
import { childModule } from '../../runtime/child-module.ts'
import { BenchDaemon } from '../bench-daemon.ts'
import { Lab } from '../lab/lab.ts'
import type { Wire } from '../lab/wire.ts'
import { HOSTS } from './cell.ts'

/** What was heard at the broker: a round was announced, or a URP for it was published. */
export interface Heard {
  readonly name: 'crClock' | 'urp'
  readonly crId: number
  readonly links?: readonly LinkFigures[]
  /** On all measuring, since the agent started. */
  readonly bytesSpent?: number
}

export interface LinkFleetOptions {
  readonly name: string
  readonly clock: { readonly slots: number; readonly slotMs: number }
  /** More of the configuration of the agent. */
  readonly agent?: object
  /** Of the controller's configuration, without what it is evaluated by. */
  readonly model?: { readonly modelId: string }
  /** Bytes of text that the agent senses in a second; none where left out, so that it never works. */
  readonly sensedBytesPerSecond?: number
}

const SITE = 'bench'
const MODEL = { modelId: 'prose' }
const AGENT_ID = 'board'
const LOG_LINES_SHOWN = 12
const TEXT = 'The quick brown fox jumps over the lazy dog. '

/** A real agent and a real controller with its broker, on two hosts with a wire between them. */
export class LinkFleet {
  readonly lab: Lab
  readonly wire: Wire
  readonly heard: Heard[] = []
  readonly #folder: string
  #daemons: BenchDaemon[] = []
  #listener: ChildProcess | undefined

  private constructor(name: string) {
    this.#folder = mkdtempSync(join(tmpdir(), 'gainnet-bench-'))
    this.lab = Lab.create({ name, hosts: Object.values(HOSTS) })
    this.wire = this.lab.wire(HOSTS.board, HOSTS.edge)
  }

  static async start(options: LinkFleetOptions): Promise<LinkFleet> {
    const fleet = new LinkFleet(options.name)
    try {
      await fleet.#start(options)
      return fleet
    } catch (error) {
      await fleet.stop()
      throw error
    }
  }

  /** The first URP that fits, of those heard from `after` messages on. */
  async urp(
    fits: (urp: Heard, link: LinkFigures) => boolean,
    o: { readonly ms: number; readonly what: string; readonly after?: number },
  ): Promise<Heard> {
    let found: Heard | undefined
    await this.until(() => {
      found = this.heard.slice(o.after ?? 0).find(urp => {
        const [link] = urp.links ?? []
        return link && fits(urp, link)
      })
      return found !== undefined
    }, o)
    return found ?? { name: 'urp', crId: 0 }
  }

  /** Throws, with what the agent said last, where a daemon ended or it took too long. */
  async until(
    isSo: () => boolean,
    o: { readonly ms: number; readonly what: string },
  ): Promise<void> {
    const endsAt = performance.now() + o.ms
    while (!isSo()) {
      for (const daemon of this.#daemons) daemon.assertAlive()
      if (performance.now() > endsAt) {
        const lines = this.agentLog()
          .split('\n')
          .filter(line => !line.includes('"probe read"'))
        const said = lines.slice(-LOG_LINES_SHOWN).join('\n')
        throw new Error(`not within ${o.ms} ms: ${o.what}; the agent said:\n${said}`)
      }
      await wait(20)
    }
  }

  /** Of the round that was announced last. */
  get crId(): number {
    return this.heard.findLast(({ name }) => name === 'crClock')?.crId ?? 0
  }

  async stop(): Promise<void> {
    for (const daemon of this.#daemons) await daemon.stop()
    this.#listener?.kill('SIGKILL')
    await this.lab.remove()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  agentLog(): string {
    return readFileSync(join(this.#folder, 'agent.log'), 'utf8')
  }

  async #start(options: LinkFleetOptions): Promise<void> {
    const [text, state] = [join(this.#folder, 'text'), join(this.#folder, 'controller')]
    for (const folder of [text, state]) mkdirSync(folder)
    writeFileSync(join(text, 'sample.txt'), TEXT.repeat(4000))
    const password = await addCredential(state, AGENT_ID)
    const observerPassword = await addCredential(state, 'observer', 'observer')
    this.#daemon('controller', {
      site: SITE,
      stateDirectory: state,
      broker: { host: '0.0.0.0', port: 1883 },
      clock: options.clock,
      models: [{ ...(options.model ?? MODEL), evaluation: { path: text, bytesMax: 512 } }],
    })
    const { sensedBytesPerSecond: bytesPerSecond } = options
    this.#daemon('agent', {
      agentId: AGENT_ID,
      site: SITE,
      stateDirectory: join(this.#folder, 'agent'),
      broker: { url: `mqtt://${this.wire.b.address}:1883`, password },
      log: { level: 'debug' },
      ...(bytesPerSecond === undefined
        ? {}
        : { sensors: [{ kind: 'text-folder', id: 'text', path: text, bytesPerSecond }] }),
      ...options.agent,
    })
    this.#listen(observerPassword)
  }

  #daemon(name: 'agent' | 'controller', config: object): void {
    const host = name === 'agent' ? HOSTS.board : HOSTS.edge
    this.#daemons.push(
      new BenchDaemon(name, config, this.#folder, (command, args, options) =>
        this.lab.spawn(host, command, args, options),
      ),
    )
  }

  #listen(password: string): void {
    const { path, execArgv } = childModule(import.meta.url, './fleet-listener')
    const args = [...execArgv, path, SITE, AGENT_ID, password]
    this.#listener = this.lab.spawn(HOSTS.edge, process.execPath, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#listener.on('message', (message: Heard) => this.heard.push(message))
  }
}
