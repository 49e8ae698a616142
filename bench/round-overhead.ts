import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { findProgram } from '../demo/mosquitto.ts'
import { BLOCK_BYTES_MAX } from '../protocol/update.ts'
import { writeFileAtomic } from '../runtime/atomic-file.ts'
import { createLogger, type Logger } from '../runtime/logger.ts'
import { PartStack } from '../runtime/shutdown.ts'
import type { Bench, BenchResult, BenchRow } from './bench-report.ts'
import { startAgentProcess } from './round-overhead/agent-process.ts'
import { BareController } from './round-overhead/bare-controller.ts'
import { type BrokerKind, startBroker } from './round-overhead/bench-broker.ts'
import { type ModelShape, OurController } from './round-overhead/our-controller.ts'

// A communication round is divided into slots, of which the first is for control: whatever protocol
// and disk take is time in which nobody learns. The shortest slots that make sense on a board are
// about 150 ms; a tenth of that may go to the product itself. Good enough: a median below 15 ms for
// a model so small that only the number of steps counts (4 kB), on the loopback, where no network
// hides them. The large model (4.8 MB) has no goal in ms: it shows what a byte costs over what the
// MQTT library and the broker take for it anyway.
const GOAL = 'goal: median of round.embedded and round.mosquitto below 15 ms'

const SITE = 'bench'
const AGENTS = ['agent-1', 'agent-2']
const BARE_AGENTS = ['bare-1', 'bare-2']
/** Time for the rounds of a row, and before them until code is compiled and caches are filled. */
const SECONDS = { rounds: 45, warmUp: 8 }
const SECONDS_QUICK = { rounds: 5, warmUp: 2.5 }
/**
 * After each round, for what no round waits for (receipts, the agents' caches): in a fleet rounds
 * are seconds apart.
 */
const PAUSE_MS = 25

interface Scale {
  readonly suffix: string
  readonly shape: ModelShape
}

const SCALES: readonly Scale[] = [
  // 256 + 231 + 1 + 256 + 256 parameters: 4000 bytes.
  { suffix: '', shape: { contextBytes: 231, embeddingSize: 1, hiddenSizes: [1] } },
  // 4096 + 2331 * 257 + 2331 * 256 + 256 parameters: 4.8 MB, 19 blocks.
  { suffix: '.4800kB', shape: { contextBytes: 16, embeddingSize: 16, hiddenSizes: [2331] } },
]

/** A round without training, with our own controller and agents, beside the same by bare mqtt.js. */
export const roundOverhead: Bench = {
  name: 'round-overhead',
  description: 'a round without training work, on either broker',
  minutes: 4,
  run: ({ quick }) => measureRounds(SCALES, quick ? SECONDS_QUICK : SECONDS),
}

export async function measureRounds(
  scales: readonly Scale[],
  seconds: typeof SECONDS,
): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'gainnet-bench-'))
  const isThere = findProgram('mosquitto') !== undefined
  const kinds: readonly BrokerKind[] = isThere ? ['embedded', 'mosquitto'] : ['embedded']
  const rows: BenchRow[] = []
  const notes = [GOAL, ...CONDITIONS, `an atomic write of 4 kB takes ${await writeMs(folder)} ms`]
  if (kinds.length === 1)
    notes.push('mosquitto is not installed: no row (apt-get install mosquitto)')
  try {
    for (const scale of scales) {
      for (const kind of kinds) {
        const name = `round.${kind}${scale.suffix}`
        const place = mkdtempSync(join(folder, 'run-'))
        const measured = await measure(kind, { ...scale, seconds, folder: place })
        rows.push(rowOf(name, measured))
        notes.push(`${name}: ${noteOf(measured)}`)
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return { rows, notes }
}

const CONDITIONS = [
  'from the assignments to the next version on the broker, from which the next round can begin',
  'in: download, the agent’s and the controller’s disk, upload, answer, average; each agent is a process',
  'not in: training, evaluation, waiting for slots, matching; last reports, record and receipts follow the round',
  'reference: the same messages and bytes by mqtt.js alone with TCP_NODELAY, nothing parsed, hashed or stored',
  'low and high are the 5th and 95th percentile; rounds of ours and of the reference take turns',
]

interface Measured {
  readonly oursMs: readonly number[]
  readonly bareMs: readonly number[]
  readonly modelBytes: number
  readonly oursBytes: number
  readonly bareBytes: number
}

async function measure(
  kind: BrokerKind,
  o: Pick<Scale, 'shape'> & { readonly seconds: typeof SECONDS; readonly folder: string },
): Promise<Measured> {
  const log = createLogger({ daemon: 'bench', level: 'warn' })
  const parts = new PartStack(log)
  try {
    const { ours, bare } = await startFleet(kind, { ...o, parts, log })
    const oursMs: number[] = []
    const bareMs: number[] = []
    for (let endsAt = after(o.seconds.warmUp); performance.now() < endsAt; ) {
      await ours.round()
      await bare.round()
    }
    const [oursBytes, bareBytes] = [ours.wireBytes, bare.wireBytes]
    for (let endsAt = after(o.seconds.rounds); performance.now() < endsAt; ) {
      oursMs.push(await ours.round())
      await wait(PAUSE_MS)
      bareMs.push(await bare.round())
      await wait(PAUSE_MS)
    }
    return {
      oursMs,
      bareMs,
      modelBytes: ours.modelBytes,
      oursBytes: (ours.wireBytes - oursBytes) / oursMs.length,
      bareBytes: (bare.wireBytes - bareBytes) / bareMs.length,
    }
  } finally {
    await parts.stop()
  }
}

async function startFleet(
  kind: BrokerKind,
  o: {
    readonly shape: ModelShape
    readonly folder: string
    readonly parts: PartStack
    readonly log: Logger
  },
): Promise<{ readonly ours: OurController; readonly bare: BareController }> {
  const { shape, folder, parts, log } = o
  const textFile = join(folder, 'held-back.txt')
  writeFileSync(textFile, 'The quick brown fox jumps over the lazy dog. '.repeat(100))
  const [username, bareName] = ['controller', 'bare-controller']
  const broker = await startBroker(kind, {
    stateDirectory: join(folder, 'broker'),
    site: SITE,
    agents: [...AGENTS, ...BARE_AGENTS],
    controllers: [username, bareName],
    log,
  })
  parts.add('broker', broker)
  const ours = await OurController.start({
    broker,
    username,
    site: SITE,
    agents: AGENTS,
    stateDirectory: join(folder, 'controller'),
    shape,
    textFile,
    log,
  })
  parts.add('controller', ours)
  const { url, password } = broker
  const pattern = { modelBytes: ours.modelBytes, blockBytes: BLOCK_BYTES_MAX }
  const bare = await BareController.start({
    url,
    password,
    username: bareName,
    site: SITE,
    agents: BARE_AGENTS,
    pattern,
  })
  parts.add('reference', bare)
  for (const [index, agentId] of AGENTS.entries()) {
    const process = await startAgentProcess({
      agentId,
      bareId: BARE_AGENTS[index] ?? '',
      site: SITE,
      url,
      password,
      stateDirectory: join(folder, agentId),
      seed: index + 1,
      pattern,
    })
    parts.add(agentId, process)
  }
  return { ours, bare }
}

function rowOf(name: string, { oursMs, bareMs }: Measured): BenchRow {
  const [value, referenceValue] = [quantile(oursMs, 0.5), quantile(bareMs, 0.5)]
  return {
    name,
    value: rounded(value, 2),
    unit: 'ms',
    reference: 'bare mqtt.js',
    referenceValue: rounded(referenceValue, 2),
    ratio: rounded(referenceValue / value, 3),
    low: rounded(quantile(oursMs, 0.05), 2),
    high: rounded(quantile(oursMs, 0.95), 2),
    n: oursMs.length,
  }
}

/** The model goes down to each agent, up from each, and once to the broker as the next version. */
function noteOf({ oursMs, bareMs, modelBytes, oursBytes, bareBytes }: Measured): string {
  const megabytes = (modelBytes * (2 * AGENTS.length + 1)) / 1e6
  const perSecond = (ms: readonly number[]): number =>
    rounded((megabytes * 1000) / quantile(ms, 0.5), 1)
  return [
    `model of ${modelBytes} bytes, ${perSecond(oursMs)} MB/s moved in all`,
    `${perSecond(bareMs)} MB/s by the reference, whose 95th percentile is ${rounded(quantile(bareMs, 0.95), 2)} ms`,
    `${Math.round(oursBytes)} bytes a round on the controller’s socket, ${Math.round(bareBytes)} of the reference`,
  ].join('; ')
}

/** What the disk takes for the smallest durable step: median of some. */
async function writeMs(folder: string): Promise<number> {
  const times: number[] = []
  for (let write = 0; write < 20; write++) {
    const startedAt = performance.now()
    await writeFileAtomic(join(folder, 'probe'), Buffer.alloc(4096))
    times.push(performance.now() - startedAt)
  }
  return rounded(quantile(times, 0.5), 2)
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

function after(seconds: number): number {
  return performance.now() + seconds * 1000
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
