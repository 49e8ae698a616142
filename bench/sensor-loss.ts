import { join } from 'node:path'
import { median } from 'simple-statistics'
import { GainnetError } from '../runtime/errors.ts'
import type { Bench, BenchResult, BenchRow } from './bench-report.ts'
import { EmulatedBoard, missingFirmwareTools } from './sensor-loss/emulated-board.ts'
import { LossFleet } from './sensor-loss/loss-fleet.ts'
import { type RadioServer, serveRadio } from './sensor-loss/radio-server.ts'
import { SerialFeeder } from './sensor-loss/serial-feeder.ts'
import { VideoCamera } from './sensor-loss/video-camera.ts'

const GOAL_MS = 3000
const RATE_HZ = 1_024_000

/** Something that can be taken from the board and given back. */
interface Attachment {
  /** Id of its sensor. */
  readonly sensor: string
  readonly agent: object
  /** Ways to lose it, by name, and how it comes back. */
  readonly losses: Readonly<Record<string, () => Promise<void>>>
  readonly back: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** How long the fleet goes on counting on a sensor that is gone, and without one that is back. */
export const sensorLoss: Bench = {
  name: 'sensor-loss',
  description: 'a sensor is lost and found: time until the URP says so',
  minutes: 6,
  run: ({ quick }) => measureSensorLoss(quick ? { runs: 2 } : { runs: 7 }),
}

export async function measureSensorLoss({ runs }: { readonly runs: number }): Promise<BenchResult> {
  if (missingFirmwareTools.length > 0) {
    throw new GainnetError('USAGE', `this bench needs ${missingFirmwareTools.join(', ')}`)
  }
  const fleet = new LossFleet()
  const attached: Attachment[] = []
  try {
    attached.push(await serial(fleet.folder), await firmware(fleet.folder), await radio())
    attached.push(video(fleet.folder))
    await fleet.start({
      sensors: attached.flatMap(({ agent }) => ('sensors' in agent ? agent.sensors : [])),
      radios: attached.flatMap(({ agent }) => ('radios' in agent ? agent.radios : [])),
    })
    for (const { sensor } of attached) await fleet.msUntil(sensor, 'found')
    const rows: BenchRow[] = []
    for (const attachment of attached) rows.push(...(await rowsOf(fleet, attachment, runs)))
    return {
      rows: [...overAll(rows), ...rows],
      notes: [
        `goals: lost.ms and found.ms at most ${GOAL_MS} in every run (high)`,
        'lost: from the moment that it is taken away to the first URP without it; found: from the moment that it is back to the first URP with it',
        'serial: a radar at a pseudo-terminal that is made again under another number; firmware: a board that QEMU emulates; radio: an rtl_tcp server; camera: a video that ffmpeg reads',
      ],
    }
  } finally {
    await fleet.stop()
    for (const { stop } of attached) await stop()
  }
}

async function rowsOf(
  fleet: LossFleet,
  { sensor, losses, back }: Attachment,
  runs: number,
): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const [how, lose] of Object.entries(losses)) {
    const [lost, found]: [number[], number[]] = [[], []]
    for (let run = 0; run < runs; run++) {
      // The clock starts before it is gone, as taking it away has no end that could be waited for.
      const gone = fleet.msUntil(sensor, 'lost')
      await Promise.all([lose(), gone])
      lost.push(await gone)
      await back()
      found.push(await fleet.msUntil(sensor, 'found'))
    }
    rows.push(row(`${sensor}.${how}.lost.ms`, lost), row(`${sensor}.${how}.found.ms`, found))
  }
  return rows
}

/** Of all that can be lost, in all runs. */
function overAll(rows: readonly BenchRow[]): BenchRow[] {
  return ['lost.ms', 'found.ms'].map(name => {
    const of = rows.filter(one => one.name.endsWith(`.${name}`))
    return {
      name,
      value: Math.max(...of.map(({ value }) => value)),
      unit: 'ms',
      low: Math.min(...of.map(({ low = 0 }) => low)),
      high: Math.max(...of.map(({ high = 0 }) => high)),
      n: of.reduce((sum, { n }) => sum + n, 0),
    }
  })
}

function row(name: string, times: readonly number[]): BenchRow {
  const whole = times.map(Math.round)
  return {
    name,
    value: median(whole),
    unit: 'ms',
    low: Math.min(...whole),
    high: Math.max(...whole),
    n: times.length,
  }
}

/** A presence radar, whose reports are made here (Hi-Link V1.02, 2.3.2): ten a second. */
async function serial(folder: string): Promise<Attachment> {
  const path = join(folder, 'presence')
  const report = Buffer.from('f4f3f2f10d0002aa0251000000003b00005500f8f7f6f5', 'hex')
  const plugIn = () =>
    SerialFeeder.plugIn({ path, capture: report, bytesPerSecond: 10 * report.length })
  let feeder = await plugIn()
  const holders: SerialFeeder[] = []
  return {
    sensor: 'presence',
    agent: { sensors: [{ kind: 'serial', id: 'presence', driver: 'ld2410', port: path }] },
    losses: {
      unplugged: () => feeder.unplug(),
      silent: async () => feeder.silence(),
    },
    back: async () => {
      await feeder.unplug()
      // Takes the number that is free now, so that the sensor gets another one.
      const holder = join(folder, `holder-${holders.length}`)
      holders.push(await SerialFeeder.plugIn({ path: holder, capture: report, bytesPerSecond: 1 }))
      feeder = await plugIn()
    },
    stop: async () => {
      for (const one of [feeder, ...holders]) await one.unplug()
    },
  }
}

/** Boards of one number are one board to their host. */
async function firmware(folder: string): Promise<Attachment> {
  let board = await EmulatedBoard.start({ link: join(folder, 'board') })
  let isFrozen = false
  return {
    sensor: 'vibration',
    agent: { sensors: [{ kind: 'firmware', id: 'vibration', port: join(folder, 'board') }] },
    losses: {
      unplugged: () => board.unplug(),
      silent: async () => {
        board.freeze()
        isFrozen = true
      },
    },
    back: async () => {
      if (isFrozen) board.thaw()
      else board = await EmulatedBoard.start({ link: join(folder, 'board') })
      isFrozen = false
    },
    stop: () => board.unplug(),
  }
}

async function radio(): Promise<Attachment> {
  const quiet = Uint8Array.from({ length: 2 * RATE_HZ }, (_, at) => 120 + ((at * 7919) % 16))
  let server: RadioServer = await serveRadio(quiet, { rateHz: RATE_HZ })
  const { port } = server
  const tuning = { frequencyHz: 868_300_000, rateHz: RATE_HZ }
  return {
    sensor: 'band',
    agent: {
      sensors: [{ kind: 'spectrum', id: 'band', radio: 'ism' }],
      radios: [{ kind: 'rtl-tcp', id: 'ism', port, ...tuning }],
    },
    losses: {
      closed: async () => server.stop(),
      silent: async () => server.silence(),
    },
    back: async () => {
      server.stop()
      server = await serveRadio(quiet, { rateHz: RATE_HZ, port })
    },
    stop: async () => server.stop(),
  }
}

function video(folder: string): Attachment {
  const camera = new VideoCamera(folder)
  const { path } = camera
  let isGone = false
  return {
    sensor: 'camera',
    agent: { sensors: [{ kind: 'camera', id: 'camera', source: 'file', path }] },
    losses: {
      unplugged: async () => {
        camera.unplug()
        isGone = true
      },
      silent: async () => camera.freeze(),
    },
    back: async () => {
      if (isGone) camera.plugIn()
      isGone = false
    },
    stop: async () => undefined,
  }
}
