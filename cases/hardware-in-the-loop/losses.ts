import { readdirSync, readFileSync } from 'node:fs'
import { GainnetError } from '../../runtime/errors.ts'
import type { Attached } from './attached.ts'
import type { HardwareFleet } from './fleet.ts'

const LOST_MS_MAX = 30_000
const FOUND_MS_MAX = 60_000

export interface Loss {
  readonly sensor: string
  readonly what: string
  /** Until the controller had it written down. */
  readonly lostMs: number
  /** From its return on. */
  readonly foundMs: number
}

/** Pulls the board, kills ffmpeg and silences the radio, one after the other, and brings them back. */
export async function loseAndReturn(
  fleet: HardwareFleet,
  attached: Attached,
): Promise<readonly Loss[]> {
  const before = attached.boardTerminal
  const board = await loss(fleet, 'vibration', {
    what: 'the board was pulled and plugged in under another number',
    lose: () => attached.unplugBoard(),
    bringBack: () => attached.plugBoardInAgain(),
  })
  if (attached.boardTerminal === before) {
    throw new GainnetError('DEADLINE_PASSED', `the board came back as ${before}, as before`)
  }
  const camera = await loss(fleet, 'road', {
    what: 'ffmpeg was killed',
    lose: () => killProgram(fleet.pidOf('camera-board'), 'ffmpeg'),
    // The agent starts it again by itself.
    bringBack: () => undefined,
  })
  const radio = await loss(fleet, 'air', {
    what: 'the radio fell silent',
    lose: () => attached.silenceRadio(),
    bringBack: () => attached.playRadio(),
  })
  return [board, camera, radio]
}

async function loss(
  fleet: HardwareFleet,
  sensor: string,
  o: {
    readonly what: string
    lose(): void | Promise<void>
    bringBack(): void | Promise<void>
  },
): Promise<Loss> {
  const codes = () => fleet.sensorEvents().flatMap(one => (one.sensor === sensor ? [one.code] : []))
  const heard = (code: string, ms: number, countBefore: number) =>
    fleet.until(() => codes().slice(countBefore).includes(code), {
      what: `${code} of ${sensor} in the log of the controller`,
      ms,
    })
  const known = codes().length
  const lostAt = performance.now()
  await o.lose()
  await heard('SENSOR_LOST', LOST_MS_MAX, known)
  const lostMs = performance.now() - lostAt
  const foundAt = performance.now()
  await o.bringBack()
  await heard('SENSOR_FOUND', FOUND_MS_MAX, known)
  return { sensor, what: o.what, lostMs, foundMs: performance.now() - foundAt }
}

/** Of the programs that a process runs; SIGKILL, as the kernel does for want of memory. */
function killProgram(parent: number, name: string): void {
  const pid = childrenOf(parent).find(child => nameOf(child) === name)
  if (pid === undefined) {
    throw new GainnetError('SENSOR_UNAVAILABLE', `process ${parent} runs no ${name}`)
  }
  process.kill(pid, 'SIGKILL')
}

function childrenOf(parent: number): readonly number[] {
  return readdirSync(`/proc/${parent}/task`).flatMap(thread =>
    readFileSync(`/proc/${parent}/task/${thread}/children`, 'utf8')
      .split(' ')
      .filter(text => text.trim() !== '')
      .map(Number),
  )
}

function nameOf(pid: number): string {
  return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
}
