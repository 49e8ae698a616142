import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab } from '../../bench/lab/lab.ts'
import { EmulatedBoard } from '../../bench/sensor-loss/emulated-board.ts'
import { SerialFeeder } from '../../bench/sensor-loss/serial-feeder.ts'
import { childModule } from '../../runtime/child-module.ts'
import { withDeadline } from '../../runtime/deadline.ts'
import { type Captures, PROFILE_VALUES } from './captures.ts'

export const RADIO_PORT = 1234
/** As recorded. */
export const RADIO_RATE_HZ = 2_000_000
const READY_MS_MAX = 30_000

/** What hangs at the boards: an emulated microcontroller, a radar and a receiver. */
export class Attached {
  readonly boardPath: string
  readonly radarPath: string
  #board: EmulatedBoard
  readonly #radar: SerialFeeder
  readonly #radio: ChildProcess
  #other: SerialFeeder | undefined
  readonly #folder: string

  static async plugIn(lab: Lab, captures: Captures, folder: string): Promise<Attached> {
    const boardPath = join(folder, 'board')
    const radarPath = join(folder, 'radar')
    const { bytes, bytesPerSecond } = captures.radar
    const board = await EmulatedBoard.start({ link: boardPath })
    const radar = await SerialFeeder.plugIn({ path: radarPath, capture: bytes, bytesPerSecond })
    const radio = await startRadio(lab, captures.radio, folder)
    return new Attached({ board, radar, radio, boardPath, radarPath, folder })
  }

  private constructor(o: {
    readonly board: EmulatedBoard
    readonly radar: SerialFeeder
    readonly radio: ChildProcess
    readonly boardPath: string
    readonly radarPath: string
    readonly folder: string
  }) {
    this.#board = o.board
    this.#radar = o.radar
    this.#radio = o.radio
    this.#folder = o.folder
    this.boardPath = o.boardPath
    this.radarPath = o.radarPath
  }

  /** The terminal that the board is at now: /dev/pts/N. */
  get boardTerminal(): string {
    return this.#board.path
  }

  /** With its link, as udev does it. */
  async unplugBoard(): Promise<void> {
    await this.#board.unplug()
    rmSync(this.boardPath)
  }

  async plugBoardInAgain(): Promise<void> {
    // Takes the number that the board had, and that the agent has let go of by now.
    const path = join(this.#folder, 'another')
    this.#other = await SerialFeeder.plugIn({ path, capture: Buffer.of(0), bytesPerSecond: 0 })
    this.#board = await EmulatedBoard.start({ link: this.boardPath })
  }

  silenceRadio(): void {
    this.#radio.stdin?.write('silence\n')
  }

  playRadio(): void {
    this.#radio.stdin?.write('play\n')
  }

  async unplugAll(): Promise<void> {
    this.#radio.stdin?.end()
    await this.#board.unplug()
    await this.#radar.unplug()
    await this.#other?.unplug()
  }
}

/** On the host `radio-board`. */
async function startRadio(lab: Lab, recording: Uint8Array, folder: string): Promise<ChildProcess> {
  const file = join(folder, 'radio.cu8')
  writeFileSync(file, recording)
  const { path, execArgv } = childModule(import.meta.url, './radio-child')
  const args = [...execArgv, path, file, `${RADIO_PORT}`, `${RADIO_RATE_HZ}`]
  const child = lab.spawn('radio-board', process.execPath, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  if (child.stdout) {
    await withDeadline(once(child.stdout, 'data'), { ms: READY_MS_MAX, what: 'the receiver' })
  }
  return child
}

/** The `sensors` and `radios` of each board. */
export function sensorsOf(attached: Attached, video: string): Readonly<Record<BoardName, object>> {
  const values = PROFILE_VALUES
  const radio = { kind: 'rtl-tcp', id: 'band', frequencyHz: 1_090_000_000, rateHz: RADIO_RATE_HZ }
  return {
    'firmware-board': {
      sensors: [
        { kind: 'firmware', id: 'vibration', port: attached.boardPath, rateHz: 400, values },
      ],
    },
    'camera-board': {
      sensors: [{ kind: 'camera', id: 'road', source: 'file', path: video, width: 16, height: 12 }],
    },
    'radio-board': {
      radios: [{ ...radio, port: RADIO_PORT, blocks: values }],
      sensors: [{ kind: 'spectrum', id: 'air', radio: 'band' }],
    },
    'radar-board': {
      sensors: [
        { kind: 'serial', id: 'person', driver: 'ti-mmwave', port: attached.radarPath, values },
      ],
    },
  }
}

export const BOARDS = ['firmware-board', 'camera-board', 'radio-board', 'radar-board'] as const
export type BoardName = (typeof BOARDS)[number]
