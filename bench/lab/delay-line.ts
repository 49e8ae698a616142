import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { iprouteIn } from './namespaces.ts'
import type { Path } from './wire.ts'

const READY_MS_MAX = 5000
/** Frames under way in a delay of a second at 300 Mbit/s; more would only be lost. */
const FRAMES_BYTES_MAX = 64 * 1024 * 1024
/** Between switch and filter, in datagrams; the kernel's default of 10 loses frames in any burst. */
const DATAGRAMS_MAX = 4096

/**
 * Delay in user space, for a kernel without netem: two VDE switches, each with a tap, and a wirefilter
 * between them. It passes about 200 Mbit/s of full frames on a busy machine of two cores.
 */
export class DelayLine {
  readonly nearTap: string
  readonly farTap: string
  readonly #folder: string
  readonly #switches: readonly ChildProcess[]
  readonly #filter: ChildProcess

  private constructor(o: {
    readonly taps: readonly [string, string]
    readonly folder: string
    readonly switches: readonly ChildProcess[]
    readonly filter: ChildProcess
  }) {
    ;[this.nearTap, this.farTap] = o.taps
    this.#folder = o.folder
    this.#switches = o.switches
    this.#filter = o.filter
  }

  static async lay(o: { readonly namespace: string; readonly index: number }): Promise<DelayLine> {
    const { namespace, index } = o
    const folder = mkdtempSync(join(tmpdir(), 'gainnet-lab-'))
    const sockets = [join(folder, 'near'), join(folder, 'far')]
    const taps: readonly [string, string] = [`n${index}`, `f${index}`]
    await allowQueues(namespace)
    const switches = taps.map((tap, side) =>
      start(namespace, 'vde_switch', ['-s', sockets[side] ?? '', '-t', tap]),
    )
    for (const tap of taps) {
      await until(() => isThere(namespace, tap), `the tap ${tap}`)
      iprouteIn(namespace, 'ip', ['link', 'set', tap, 'up'])
      iprouteIn(namespace, 'tc', ['qdisc', 'add', 'dev', tap, 'clsact'])
    }
    const size = ['-c', `${FRAMES_BYTES_MAX}`]
    const filter = start(namespace, 'wirefilter', ['-v', sockets.join(':'), ...size])
    return new DelayLine({ taps, folder, switches, filter })
  }

  async delay({ up, down }: { readonly up: Path; readonly down: Path }): Promise<void> {
    await this.#command(`delay LR${delayOf(up)}`)
    await this.#command(`delay RL${delayOf(down)}`)
  }

  async remove(): Promise<void> {
    // Each ends when its input does, so that none outlives us, however we end.
    for (const child of [this.#filter, ...this.#switches]) await end(child)
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Waits for its answer, "1000 Success". */
  async #command(line: string): Promise<void> {
    const { stdin, stdout } = this.#filter
    if (!stdin || !stdout) throw new Error('wirefilter has no console')
    let answer = ''
    const take = (chunk: Buffer) => {
      answer += chunk
    }
    stdout.on('data', take)
    stdin.write(`${line}\n`)
    try {
      await until(() => /^(?:VDEwf\S*\s*)?1\d\d\d /m.test(answer), `an answer to ${line}`)
    } finally {
      stdout.off('data', take)
    }
    if (!answer.includes('1000')) throw new Error(`wirefilter on ${line}: ${answer}`)
  }
}

function delayOf({ delayMs = 0, jitterMs = 0 }: Path): string {
  return jitterMs > 0 ? `${delayMs}+${jitterMs}N` : `${delayMs}`
}

/** In the namespace, as a switch and a filter take the limit from where their sockets are made. */
async function allowQueues(namespace: string): Promise<void> {
  const script = `echo ${DATAGRAMS_MAX} > /proc/sys/net/unix/max_dgram_qlen`
  await end(start(namespace, 'sh', ['-c', script]))
}

function start(namespace: string, command: string, args: readonly string[]): ChildProcess {
  const inside = ['netns', 'exec', namespace, command, ...args]
  return spawn('ip', inside, { stdio: ['pipe', 'pipe', 'ignore'] })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.stdin?.end()
  const timer = setTimeout(() => child.kill('SIGKILL'), 1000)
  await ended
  clearTimeout(timer)
}

function isThere(namespace: string, device: string): boolean {
  return iprouteIn(namespace, 'ip', ['-o', 'link', 'show']).includes(` ${device}: `)
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const endsAt = performance.now() + READY_MS_MAX
  while (!condition()) {
    if (performance.now() > endsAt) throw new Error(`not within ${READY_MS_MAX} ms: ${what}`)
    await wait(20)
  }
}
