import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { BenchDaemon } from '../../bench/bench-daemon.ts'
import type { Lab } from '../../bench/lab/lab.ts'
import { addCredential, mosquittoFiles } from '../../controller/broker/credentials.ts'
import type { RoundRecord } from '../../protocol/round-record.ts'
import { GainnetError } from '../../runtime/errors.ts'
import { BOARDS, type BoardName } from './attached.ts'
import { type Captures, PICTURE, PROFILE_VALUES } from './captures.ts'

const SITE = 'hil'
const PORT = 1883
const LOOK_MS = 200

export interface SensorEvent {
  readonly agentId: string
  readonly code: string
  readonly text: string
  readonly sensor: string
}

/** A controller, Mosquitto and four agents, each on a host of its own. */
export class HardwareFleet {
  readonly #lab: Lab
  readonly #folder: string
  readonly #agents = new Map<BoardName, BenchDaemon>()
  #controller: BenchDaemon | undefined

  constructor(lab: Lab, folder: string) {
    this.#lab = lab
    this.#folder = folder
  }

  async start(o: {
    readonly captures: Captures
    readonly sensors: Readonly<Record<BoardName, object>>
    /** Address of the edge server, as each board sees it. */
    readonly edges: Readonly<Record<BoardName, string>>
    readonly rounds: number
    readonly slotMs: number
  }): Promise<void> {
    const state = this.#folderOf('edge')
    const own = await addCredential(state, 'controller', 'controller')
    const passwords = await Promise.all(BOARDS.map(board => addCredential(state, board)))
    await this.#startBroker(state)
    const { log } = this.#files('edge')
    this.#controller = new BenchDaemon(
      'controller',
      {
        site: SITE,
        stateDirectory: state,
        log,
        broker: { mode: 'external', url: `mqtt://127.0.0.1:${PORT}`, password: own },
        clock: { slots: 10, slotMs: o.slotMs },
        probe: { host: '0.0.0.0' },
        rounds: { limit: o.rounds, agentsMin: BOARDS.length, agentsWaitSeconds: 180 },
        training: { batch: 32, learningRate: 0.003, localEpochs: 3 },
        models: modelsOf(o.captures),
      },
      state,
      (command, args, options) => this.#lab.spawn('edge', command, args, options),
    )
    for (const [index, board] of BOARDS.entries()) {
      const folder = this.#folderOf(board)
      const config = {
        agentId: board,
        site: SITE,
        stateDirectory: folder,
        log: this.#files(board).log,
        broker: { url: `mqtt://${o.edges[board]}:${PORT}`, password: passwords[index] },
        // Four boards share this machine with whatever else it does.
        limits: { computingShareReserved: 0.1, niceness: 0 },
        ...o.sensors[board],
      }
      const agent = new BenchDaemon('agent', config, folder, (command, args, options) =>
        this.#lab.spawn(board, command, args, options),
      )
      this.#agents.set(board, agent)
    }
  }

  pidOf(board: BoardName): number {
    return this.#agents.get(board)?.pid ?? 0
  }

  /** Round records so far, oldest first. */
  records(): readonly RoundRecord[] {
    return linesOf(join(this.#folderOf('edge'), 'rounds.jsonl')).map(line => JSON.parse(line))
  }

  /** What the controller has written down of sensors that were lost and found, oldest first. */
  sensorEvents(): readonly SensorEvent[] {
    return linesOf(this.#files('edge').log.file)
      .filter(line => line.includes('"code":"SENSOR_'))
      .map(line => JSON.parse(line))
      .map(({ agentId, code, text, fields }) => ({ agentId, code, text, sensor: fields.sensor }))
  }

  /** Looks until `condition` holds; throws when a daemon has ended or the time is over. */
  async until(condition: () => boolean, o: { readonly what: string; readonly ms: number }) {
    const endsAt = performance.now() + o.ms
    while (!condition()) {
      for (const agent of this.#agents.values()) agent.assertAlive()
      if (performance.now() > endsAt) {
        throw new GainnetError('DEADLINE_PASSED', `not within ${o.ms / 1000} s: ${o.what}`)
      }
      await wait(LOOK_MS)
    }
  }

  /** Throws where one has ended on the way. */
  assertNoneEnded(): void {
    for (const agent of this.#agents.values()) agent.assertAlive()
  }

  async stop(): Promise<void> {
    for (const agent of this.#agents.values()) await agent.stop()
    await this.#controller?.stop()
  }

  async #startBroker(state: string): Promise<void> {
    const folder = this.#folderOf('broker')
    const files = await mosquittoFiles({ stateDirectory: state, site: SITE, directory: folder })
    const configFile = join(folder, 'mosquitto.conf')
    const lines = [
      `listener ${PORT}`,
      'allow_anonymous false',
      `password_file ${files.passwordFile}`,
      `acl_file ${files.accessFile}`,
      'set_tcp_nodelay true',
      // Else it gives up root for a user who may not look into the folder.
      'user root',
    ]
    writeFileSync(configFile, `${lines.join('\n')}\n`)
    // It ends with its host.
    this.#lab.spawn('edge', 'mosquitto', ['-c', configFile], { stdio: 'ignore' })
  }

  #files(host: BoardName | 'edge') {
    return { log: { file: join(this.#folderOf(host), 'daemon.log') } }
  }

  #folderOf(name: string): string {
    const folder = join(this.#folder, name)
    mkdirSync(folder, { recursive: true })
    return folder
  }
}

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').slice(0, -1)
  } catch {
    // Nothing was written yet.
    return []
  }
}

/** Both learn to restore what they are shown: nobody has labelled it. */
function modelsOf({ heldBack }: Captures): readonly object[] {
  const restores = (inputSize: number) => ({
    kind: 'built-in',
    objective: 'reconstruction',
    architecture: { kind: 'autoencoder', inputSize, hiddenSizes: [64], latentSize: 12 },
  })
  const [height, width] = PICTURE
  return [
    {
      modelId: 'wireless',
      ...restores(PROFILE_VALUES),
      samples: { shape: [PROFILE_VALUES] },
      evaluation: { path: heldBack.profiles },
    },
    {
      modelId: 'visual',
      ...restores(height * width),
      samples: { element: 'uint8', shape: [1, height, width], scaling: 'standardize' },
      evaluation: { path: heldBack.pictures },
    },
  ]
}
