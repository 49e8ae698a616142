import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, existsSync, openSync, readlinkSync, rmSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { withDeadline } from '../../runtime/deadline.ts'
import { GainnetError } from '../../runtime/errors.ts'
import { endWithUs } from './end-with-us.ts'

const PERIOD_MS = 20
/** What a line does not take is lost, as bytes of a UART are. */
const PENDING_BYTES_MAX = 64 * 1024
const PLUG_MS_MAX = 10_000

/** A sensor at a pseudo-terminal that says its capture over and over, at pace. */
export class SerialFeeder {
  readonly path: string
  /** What was said to it. */
  said = ''
  readonly #child: ChildProcess
  readonly #held: number
  #timer: NodeJS.Timeout | undefined

  /** The link `path` leads to the terminal, whatever its number is, as udev's links do. */
  static async plugIn(options: {
    readonly path: string
    readonly capture: Uint8Array
    readonly bytesPerSecond: number
  }): Promise<SerialFeeder> {
    const { path } = options
    rmSync(path, { force: true })
    const terminal = `pty,raw,echo=0,link=${path}`
    const child = spawn('socat', ['STDIO', terminal], { stdio: ['pipe', 'pipe', 'ignore'] })
    const failed = once(child, 'error').then(() => {
      throw new GainnetError('USAGE', 'socat is needed: apt-get install socat')
    })
    await Promise.race([isThere(path), failed])
    return new SerialFeeder(child, options)
  }

  private constructor(
    child: ChildProcess,
    options: {
      readonly path: string
      readonly capture: Uint8Array
      readonly bytesPerSecond: number
    },
  ) {
    this.#child = child
    this.path = options.path
    // A port that its reader closes for a moment would be the end of socat.
    this.#held = openSync(options.path, constants.O_RDWR | constants.O_NOCTTY)
    endWithUs(child)
    child.stdin?.on('error', () => undefined)
    child.stdout?.on('data', (bytes: Buffer) => {
      this.said = (this.said + bytes.toString('latin1')).slice(-4096)
    })
    this.feed(options.capture, options.bytesPerSecond)
  }

  /** Its number, which the next one must not have: /dev/pts/N. */
  get terminal(): string {
    return readlinkSync(this.path)
  }

  /** Says this from now on. */
  feed(capture: Uint8Array, bytesPerSecond: number): void {
    clearInterval(this.#timer)
    const startedAt = performance.now()
    let sent = 0
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startedAt) / 1000) * bytesPerSecond)
      while (sent < due) {
        const at = sent % capture.length
        const piece = capture.subarray(at, at + due - sent)
        this.say(piece)
        sent += piece.length
      }
    }, PERIOD_MS)
  }

  say(bytes: Uint8Array): void {
    const { stdin } = this.#child
    if (stdin && stdin.writableLength < PENDING_BYTES_MAX) stdin.write(bytes)
  }

  /** Its port stays open and nothing comes of it. */
  silence(): void {
    clearInterval(this.#timer)
  }

  async unplug(): Promise<void> {
    clearInterval(this.#timer)
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    closeSync(this.#held)
    this.#child.kill('SIGTERM')
    await once(this.#child, 'exit')
  }
}

async function isThere(path: string): Promise<void> {
  const work = async (): Promise<void> => {
    while (!existsSync(path)) await wait(5)
  }
  await withDeadline(work(), { ms: PLUG_MS_MAX, what: `the pseudo-terminal ${path}` })
}
