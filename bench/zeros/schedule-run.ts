import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { addCredential } from '../../controller/broker/credentials.ts'
import type { Schedule } from '../../controller/orchestrate/graph-inputs.ts'
import { readRecords, type WrittenRecord } from '../../controller/rounds/round-records.ts'
import { freePort } from '../../demo/free-port.ts'
import { hasCode } from '../../runtime/errors.ts'
import { BenchDaemon } from '../bench-daemon.ts'

const SITE = 'bench'
const AGENTS = ['board-1', 'board-2'] as const
const TEXTS = ['the quick brown fox jumps over the lazy dog. ', 'const answer = () => 6 * 7\n']
/** Daemons, first measurements and the first round. */
const START_MS_MAX = 120_000
/** Lateness of the last record. */
const END_MS_MAX = 20_000
const POLL_MS = 200

/** D₀ of the gain, as in the cell of the case study. */
export const EFFECTIVE_SAMPLES = 50
export const EXPONENT = 0.35

export interface ScheduleRun {
  readonly schedule: Schedule
  readonly slots: number
  readonly slotMs: number
  /** GAI rounds. */
  readonly rounds: number
}

/** Plays rounds with a controller and two agents of its own, and returns what they have recorded. */
export async function runSchedule(o: ScheduleRun): Promise<WrittenRecord[]> {
  const folder = mkdtempSync(join(tmpdir(), 'gainnet-bench-'))
  const fleet = await startFleet(folder, o)
  try {
    return await recordsOf(fleet, join(folder, 'controller', 'state', 'rounds.jsonl'), o)
  } finally {
    for (const daemon of fleet.toReversed()) await daemon.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function startFleet(
  folder: string,
  { schedule, slots, slotMs, rounds }: ScheduleRun,
): Promise<BenchDaemon[]> {
  const port = await freePort()
  const stateDirectory = join(folder, 'controller', 'state')
  const heldBack = join(folder, 'held-back')
  for (const path of [stateDirectory, heldBack]) mkdirSync(path, { recursive: true })
  writeFileSync(join(heldBack, 'one.txt'), TEXTS.join('').repeat(10))
  const passwords: string[] = []
  for (const agentId of AGENTS) passwords.push(await addCredential(stateDirectory, agentId))
  const controller = new BenchDaemon(
    'controller',
    {
      site: SITE,
      stateDirectory,
      schedule,
      broker: { port },
      clock: { slots, slotMs },
      probe: { port: 0 },
      rounds: { limit: rounds, agentsMin: AGENTS.length },
      gain: { effectiveSamplesPrior: EFFECTIVE_SAMPLES, exponent: EXPONENT },
      training: { batch: 8, localEpochs: 5 },
      models: [
        {
          ...{ modelId: 'prose', contextBytes: 4, embeddingSize: 8, hiddenSizes: [32] },
          evaluation: { path: heldBack, bytesMax: 512 },
        },
      ],
    },
    join(folder, 'controller'),
  )
  const agents = AGENTS.map((agentId, index) =>
    startAgent(join(folder, agentId), { agentId, port, password: passwords[index], index }),
  )
  return [controller, ...agents]
}

function startAgent(
  folder: string,
  o: {
    readonly agentId: string
    readonly port: number
    readonly password: string | undefined
    readonly index: number
  },
): BenchDaemon {
  const text = join(folder, 'text')
  mkdirSync(text, { recursive: true })
  writeFileSync(join(text, 'one.txt'), (TEXTS[o.index % TEXTS.length] ?? '').repeat(40))
  return new BenchDaemon(
    'agent',
    {
      agentId: o.agentId,
      site: SITE,
      stateDirectory: join(folder, 'state'),
      broker: { url: `mqtt://127.0.0.1:${o.port}`, password: o.password },
      measure: { linkBytesMax: 64 * 1024 },
      // Reserved, so that who else lives on the machine changes neither schedule's share.
      limits: { computingShare: 0.4, computingShareReserved: 0.4, niceness: 0 },
      sensors: [{ kind: 'text-folder', id: 'text', path: text, bytesPerSecond: 6 }],
    },
    folder,
  )
}

/** Waits for all of them, as long as every daemon lives. */
async function recordsOf(
  fleet: readonly BenchDaemon[],
  path: string,
  { schedule, slots, slotMs, rounds }: ScheduleRun,
): Promise<WrittenRecord[]> {
  const count = schedule === 'zeros' ? rounds + 1 : rounds
  const endsAt = performance.now() + START_MS_MAX + count * slots * slotMs + END_MS_MAX
  for (;;) {
    await wait(POLL_MS)
    for (const daemon of fleet) daemon.assertAlive()
    const records = await recordsIn(path)
    if (records.length >= count) return records
    if (performance.now() > endsAt) throw new Error(`${records.length} of ${count} rounds in time`)
  }
}

/** None before the first. */
async function recordsIn(path: string): Promise<WrittenRecord[]> {
  const records: WrittenRecord[] = []
  try {
    for await (const record of readRecords(path)) records.push(record)
  } catch (error) {
    if (!hasCode(error, 'FILE_UNREADABLE')) throw error
  }
  return records
}
