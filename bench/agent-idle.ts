import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { connect } from 'mqtt'
import { addCredential } from '../controller/broker/credentials.ts'
import { freePort } from '../demo/free-port.ts'
import { decodeBody } from '../protocol/body-codec.ts'
import { topicFor } from '../protocol/topics.ts'
import { BenchDaemon } from './bench-daemon.ts'
import type { Bench, BenchResult } from './bench-report.ts'
import { type ProcessUsage, readProcessUsage } from './process-usage.ts'

// A board has other things to do. Good enough: below 110 MiB, as Node with MQTT and the probes needs
// 60 to 80, and below 1 % of one core, which no battery and no other process notices.
const GOALS = 'goals: agent.rss below 110 MiB, agent.cpu below 0.01'

const AGENT_ID = 'bench-agent'
const SITE = 'bench'
const SECONDS = 60
const SECONDS_QUICK = 20
/** The share of a core is looked at in pieces of this length, for its low and high. */
const PIECE_SECONDS = 5
/** Until the agent has connected and its first, heavy measurements are over. */
const SETTLE_MS_MAX = 120_000
/** After these the garbage of the start is still being collected. */
const QUIET_SECONDS = 5

/**
 * The agent at rest: connected, with rounds going on, for each of which it measures, forecasts and
 * publishes its URP; but without a sensor, so that no model is ever assigned to it.
 */
export const agentIdle: Bench = {
  name: 'agent-idle',
  description: 'memory and CPU of an agent at rest',
  minutes: 2,
  async run({ quick }) {
    const folder = mkdtempSync(join(tmpdir(), 'gainnet-bench-'))
    const fleet = await startFleet(folder)
    try {
      await settle(fleet)
      return await sample(fleet.agent, quick ? SECONDS_QUICK : SECONDS)
    } finally {
      await fleet.observer.end()
      await fleet.agent.stop()
      await fleet.controller.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

interface Fleet {
  readonly controller: BenchDaemon
  readonly agent: BenchDaemon
  readonly observer: Observer
}

/** Reads at the broker what the agent says of itself. */
interface Observer {
  isAgentReady(): boolean
  end(): Promise<void>
}

async function startFleet(folder: string): Promise<Fleet> {
  const port = await freePort()
  const controllerState = join(folder, 'controller')
  const text = join(folder, 'text')
  for (const path of [controllerState, text]) mkdirSync(path)
  writeFileSync(
    join(text, 'sample.txt'),
    'The quick brown fox jumps over the lazy dog. '.repeat(2000),
  )
  const password = await addCredential(controllerState, AGENT_ID)
  const observerPassword = await addCredential(controllerState, 'observer', 'observer')
  const controller = new BenchDaemon(
    'controller',
    {
      site: SITE,
      stateDirectory: controllerState,
      broker: { port },
      // Rounds of 20 s, not of 30 s as by default, so that a short look holds a whole one.
      clock: { slots: 10, slotMs: 2000 },
      models: [{ modelId: 'prose', kind: 'byte-language-model', evaluation: { path: text } }],
    },
    folder,
  )
  const url = `mqtt://127.0.0.1:${port}`
  const agent = new BenchDaemon(
    'agent',
    {
      agentId: AGENT_ID,
      site: SITE,
      stateDirectory: join(folder, 'agent'),
      broker: { url, password },
    },
    folder,
  )
  return { controller, agent, observer: observe(url, observerPassword) }
}

function observe(url: string, password: string): Observer {
  let isReady = false
  const client = connect(url, { username: 'observer', password, reconnectPeriod: 200 })
  // The broker is not there yet: the client comes back until it is.
  client.on('error', () => {})
  client.on('message', (_, payload) => {
    const decoded = decodeBody('agentState', payload)
    isReady = decoded.ok && decoded.body.state === 'ready'
  })
  client.subscribe(topicFor(SITE, 'agentState', { agentId: AGENT_ID }), { qos: 1 })
  return { isAgentReady: () => isReady, end: () => client.endAsync(true) }
}

/** Waits for the agent to be ready, and for its trainer, which measures at the start, to be gone. */
async function settle({ agent, controller, observer }: Fleet): Promise<void> {
  const endsAt = performance.now() + SETTLE_MS_MAX
  for (let quietSeconds = 0; quietSeconds < QUIET_SECONDS; quietSeconds++) {
    await wait(1000)
    controller.assertAlive()
    agent.assertAlive()
    if (!observer.isAgentReady() || readProcessUsage(agent.pid).children > 0) quietSeconds = 0
    if (performance.now() > endsAt) throw new Error('the agent did not come to rest in time')
  }
}

async function sample(agent: BenchDaemon, seconds: number): Promise<BenchResult> {
  const samples: (ProcessUsage & { readonly at: number })[] = []
  for (let second = 0; second <= seconds; second++) {
    if (second > 0) await wait(1000)
    agent.assertAlive()
    samples.push({ at: performance.now(), ...readProcessUsage(agent.pid) })
  }
  const memory = samples.map(({ rssMib }) => rssMib).sort((a, b) => a - b)
  const pieces = samples.filter((_, second) => second % PIECE_SECONDS === 0)
  const shares = pieces.slice(1).map((later, index) => cpuShare(pieces[index] ?? later, later))
  const [first, last] = [samples[0], samples.at(-1)]
  const disturbed = samples.filter(({ children }) => children > 0).length
  return {
    rows: [
      {
        name: 'agent.rss',
        value: round(memory[Math.floor(memory.length / 2)] ?? 0, 1),
        unit: 'MiB',
        low: round(memory[0] ?? 0, 1),
        high: round(memory.at(-1) ?? 0, 1),
        n: memory.length,
      },
      {
        name: 'agent.cpu',
        value: first && last ? round(cpuShare(first, last), 5) : 0,
        unit: 'share of a core',
        low: round(Math.min(...shares), 5),
        high: round(Math.max(...shares), 5),
        n: shares.length,
      },
    ],
    notes: [
      GOALS,
      'rounds of 20 s; the agent publishes a resource pool for each and is never assigned work',
      ...(disturbed > 0 ? [`a scheduled measurement ran in ${disturbed} of the seconds`] : []),
    ],
  }
}

type Timed = Pick<ProcessUsage, 'cpuSeconds'> & { readonly at: number }

function cpuShare(from: Timed, to: Timed): number {
  return (to.cpuSeconds - from.cpuSeconds) / Math.max((to.at - from.at) / 1000, 1e-9)
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
