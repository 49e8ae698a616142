import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { connect, type MqttClient } from 'mqtt'
import { addCredential } from '../../controller/broker/credentials.ts'
import { freePort } from '../../demo/free-port.ts'
import { decodeBody } from '../../protocol/body-codec.ts'
import { topicFor } from '../../protocol/topics.ts'
import { BenchDaemon } from '../bench-daemon.ts'

const SITE = 'bench'
const AGENT_ID = 'board'
/** Of three seconds: a change that waited for the next round would show. */
const CLOCK = { slots: 10, slotMs: 300 } as const
const WAIT_MS_MAX = 60_000

interface HeardUrp {
  readonly atMs: number
  readonly sensors: ReadonlySet<string>
}

/** A real controller with its broker and a real agent, and what the agent's URPs say it senses with. */
export class LossFleet {
  readonly folder = mkdtempSync(join(tmpdir(), 'gainnet-bench-'))
  readonly #daemons: BenchDaemon[] = []
  #last: HeardUrp | null = null
  #client: MqttClient | undefined

  /** `more` is of the configuration of the agent. */
  async start(more: object): Promise<void> {
    const [text, state] = ['text', 'controller'].map(name => join(this.folder, name))
    if (!text || !state) return
    for (const path of [text, state]) mkdirSync(path)
    writeFileSync(join(text, 'sample.txt'), 'The quick brown fox. '.repeat(400))
    const password = await addCredential(state, AGENT_ID)
    const observer = await addCredential(state, 'observer', 'observer')
    const port = await freePort()
    const evaluation = { path: text, bytesMax: 512 }
    this.#daemon('controller', {
      site: SITE,
      stateDirectory: state,
      broker: { port },
      probe: { port: 0 },
      clock: CLOCK,
      // A model that none of the sensors can serve: nobody is given work.
      models: [{ modelId: 'prose', evaluation }],
    })
    this.#daemon('agent', {
      agentId: AGENT_ID,
      site: SITE,
      stateDirectory: join(this.folder, 'agent'),
      broker: { url: `mqtt://127.0.0.1:${port}`, password },
      ...more,
    })
    this.#listen(`mqtt://127.0.0.1:${port}`, observer)
  }

  /** Time from now to the first URP in which the sensor is or is not. */
  async msUntil(sensor: string, is: 'lost' | 'found'): Promise<number> {
    const startedMs = performance.now()
    for (;;) {
      for (const daemon of this.#daemons) daemon.assertAlive()
      const last = this.#last
      if (last && last.atMs >= startedMs && last.sensors.has(sensor) === (is === 'found')) {
        return last.atMs - startedMs
      }
      if (performance.now() - startedMs > WAIT_MS_MAX) {
        throw new Error(`${sensor} was not ${is} within ${WAIT_MS_MAX} ms`)
      }
      await wait(5)
    }
  }

  async stop(): Promise<void> {
    await this.#client?.endAsync(true)
    for (const daemon of this.#daemons.toReversed()) await daemon.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #daemon(name: 'agent' | 'controller', config: object): void {
    this.#daemons.push(new BenchDaemon(name, config, this.folder))
  }

  #listen(url: string, password: string): void {
    const client = connect(url, { username: 'observer', password, reconnectPeriod: 200 })
    const topic = topicFor(SITE, 'urp', { agentId: AGENT_ID })
    // The broker is not there yet: the client comes back until it is.
    client.on('error', () => undefined)
    client.on('message', (_topic, payload) => {
      const decoded = decodeBody('urp', payload)
      if (!decoded.ok) throw new Error(`a URP cannot be read: ${decoded.reason}`)
      const sensors = new Set(decoded.body.sensing.map(({ sensor }) => sensor))
      this.#last = { atMs: performance.now(), sensors }
    })
    client.subscribe(topic, { qos: 1 })
    this.#client = client
  }
}
