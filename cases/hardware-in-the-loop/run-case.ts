import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Lab } from '../../bench/lab/lab.ts'
import { whyNoLab } from '../../bench/lab/lab-needs.ts'
import { missingFirmwareTools } from '../../bench/sensor-loss/emulated-board.ts'
import { GainnetError } from '../../runtime/errors.ts'
import { runMain } from '../run-main.ts'
import { Attached, BOARDS, type BoardName, sensorsOf } from './attached.ts'
import { type Captures, prepareCaptures } from './captures.ts'
import { HardwareFleet } from './fleet.ts'
import { loseAndReturn } from './losses.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import { reportText } from './report.ts'

const ROUNDS = 10
/** Of ten slots a round: 12 s. */
const SLOT_MS = 1200
const FIRST_ROUND_MS_MAX = 240_000
const ROUND_MS_MAX = 60_000

interface Settings {
  readonly data: string
  readonly rounds: number
  readonly keep: boolean
}

/** `npm run test:hil [-- --json] [--rounds N] [--data DIR] [--keep]` */
async function runCase(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      json: { type: 'boolean' },
      keep: { type: 'boolean' },
      rounds: { type: 'string' },
      data: { type: 'string' },
    },
  })
  const { json = false, keep = false, rounds = `${ROUNDS}`, data = '../shared/data' } = values
  const settings = { data, keep, rounds: roundsOf(rounds) }
  const why = whyNot()
  if (why !== undefined) throw new GainnetError('USAGE', why)
  const outcome = await play(settings)
  process.stdout.write(json ? `${JSON.stringify(outcome)}\n` : reportText(outcome))
  return outcome.faults.length === 0 ? 0 : 1
}

function roundsOf(text: string): number {
  const rounds = Number(text)
  if (Number.isInteger(rounds) && rounds >= 4) return rounds
  throw new RangeError(`--rounds ${text}: a whole number of at least 4 is needed`)
}

function whyNot(): string | undefined {
  if (missingFirmwareTools.length === 0) return whyNoLab()
  return `no firmware can be run: sudo apt-get install ${missingFirmwareTools.join(' ')}`
}

async function play({ data, rounds, keep }: Settings): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'gainnet-hil-'))
  const lab = Lab.create({ name: `hil${process.pid}`, hosts: ['edge', ...BOARDS] })
  const fleet = new HardwareFleet(lab, folder)
  let attached: Attached | undefined
  try {
    say('preparing captures')
    const captures = prepareCaptures(data, folder)
    const edges = await layWires(lab)
    attached = await Attached.plugIn(lab, captures, folder)
    return await playRounds({ fleet, attached, captures, edges, rounds })
  } finally {
    await fleet.stop()
    await attached?.unplugAll()
    await lab.remove()
    if (keep) say(`logs and records stay in ${folder}`)
    else rmSync(folder, { recursive: true, force: true })
  }
}

/** Each board has its own link to the edge server: 8, 12, 16 and 20 Mbit/s, up half of it. */
async function layWires(lab: Lab): Promise<Readonly<Record<BoardName, string>>> {
  const edges = new Map<string, string>()
  for (const [index, board] of BOARDS.entries()) {
    const wire = lab.wire(board, 'edge')
    const bitsPerSecond = (8 + 4 * index) * 1e6
    await wire.shape({ up: { bitsPerSecond: bitsPerSecond / 2 }, down: { bitsPerSecond } })
    edges.set(board, wire.b.address)
  }
  const edge = (board: BoardName): string => edges.get(board) ?? ''
  return {
    'firmware-board': edge('firmware-board'),
    'camera-board': edge('camera-board'),
    'radio-board': edge('radio-board'),
    'radar-board': edge('radar-board'),
  }
}

async function playRounds(o: {
  readonly fleet: HardwareFleet
  readonly attached: Attached
  readonly captures: Captures
  readonly edges: Readonly<Record<BoardName, string>>
  readonly rounds: number
}): Promise<Outcome> {
  const { fleet, attached, captures, rounds } = o
  const played = (count: number, ms: number) => {
    return fleet.until(() => fleet.records().length >= count, { what: `round ${count}`, ms })
  }
  say('starting a controller, Mosquitto and four agents')
  const sensors = sensorsOf(attached, captures.video)
  await fleet.start({ ...o, sensors, slotMs: SLOT_MS })
  await played(1, FIRST_ROUND_MS_MAX)
  const half = Math.floor(rounds / 2)
  say(`round 1 is recorded; sensors are lost after round ${half}`)
  await played(half, half * ROUND_MS_MAX)
  const losses = await loseAndReturn(fleet, attached)
  say('all sensors are back')
  await played(rounds, rounds * ROUND_MS_MAX)
  fleet.assertNoneEnded()
  return outcomeOf(fleet.records(), { losses, events: fleet.sensorEvents(), rounds })
}

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

await runMain(runCase)
