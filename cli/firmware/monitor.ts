import { setTimeout as wait } from 'node:timers/promises'
import type { FirmwareLink, LinkStatus } from '../../firmware-bridge/link/firmware-link.ts'
import { messageOf } from '../../runtime/errors.ts'
import { endRequested } from '../../runtime/shutdown.ts'
import type { LinkOptions, MonitorOptions } from './firmware-command.ts'
import { linkTo, openLink } from './open-link.ts'

const LINE_MS = 1000
const SAMPLES_PER_FRAME = 50

/** A line a second, and one for each loss and return of the board. */
export async function runMonitor(
  port: string,
  options: LinkOptions & MonitorOptions,
): Promise<void> {
  const end = endRequested()
  let samples = 0
  const link = linkTo(port, {
    baudRate: options.baud,
    onSamples: ({ values }) => {
      samples += values.length
    },
    onStatus: status => {
      print(options, statusLine(status))
      if (status.state === 'ready') void startSampling(link, options)
    },
  })
  await openLink(link, port)
  const untilMs = Date.now() + (options.seconds ?? Number.POSITIVE_INFINITY) * 1000
  let isEnding = false
  void end.then(() => {
    isEnding = true
  })
  while (!isEnding && Date.now() < untilMs) {
    await Promise.race([wait(LINE_MS), end])
    print(options, figuresOf(link, samples))
    samples = 0
  }
  if (options.rate !== undefined) await link.request('stop', {}).catch(() => undefined)
  await link.stop()
}

async function startSampling(link: FirmwareLink, { rate }: MonitorOptions): Promise<void> {
  if (rate === undefined) return
  try {
    const rateMilliHz = Math.round(rate * 1000)
    await link.request('configure', {
      ...{ channel: 0, rateMilliHz, samplesPerFrame: Math.min(SAMPLES_PER_FRAME, Math.ceil(rate)) },
    })
    const always = { startMicros: 0, slotMicros: 0, slotCount: 0, slots: new Uint8Array() }
    await link.request('start', always)
  } catch (error) {
    process.stderr.write(`cannot sample: ${messageOf(error)}\n`)
  }
}

type Line = Readonly<Record<string, string | number>>

function statusLine(status: LinkStatus): Line {
  return status.state === 'ready'
    ? { board: status.board.uniqueId, state: 'ready' }
    : { state: 'lost', reason: status.reason }
}

function figuresOf(link: FirmwareLink, samples: number): Line {
  const { frames, checksum, stuffing, eventsLost, losses } = link.statistics
  const { errorMicros, driftPpm } = link.boardClock ?? {}
  return {
    samples,
    frames,
    damaged: checksum + stuffing,
    eventsLost,
    losses,
    ...(errorMicros === undefined ? {} : { clockErrorMicros: Math.round(errorMicros) }),
    ...(driftPpm === undefined ? {} : { driftPpm: Math.round(driftPpm) }),
  }
}

function print({ json }: LinkOptions, line: Line): void {
  const text = json
    ? JSON.stringify(line)
    : Object.entries(line)
        .map(([name, value]) => `${name} ${value}`)
        .join('  ')
  process.stdout.write(`${text}\n`)
}
