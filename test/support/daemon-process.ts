import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { type ChildEnd, endChild, endOf } from './child-end.ts'
import { ROOT } from './root.ts'
import { waitFor } from './wait-for.ts'

export interface DaemonLine {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

/** The compiled command, which the set-up of the test run has built. */
export const MAIN = join(ROOT, 'dist', 'cli', 'main.js')

/** `gainnet …` as a process of its own, with its log; killed when the test ends. */
export class DaemonProcess {
  readonly child: ChildProcess
  readonly lines: DaemonLine[] = []
  /** What it wrote to standard error that was not a line of the log, and to standard output. */
  stderr = ''
  stdout = ''

  constructor(
    args: readonly string[],
    options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
  ) {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: options.cwd ?? ROOT,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child = child
    child.stdout.on('data', chunk => {
      this.stdout += chunk
    })
    createInterface({ input: child.stderr }).on('line', line => this.#take(line))
    onTestFinished(() => this.kill().then(() => {}))
  }

  /** The first line with this message, from the start of the process or from `after` lines on. */
  waitForLog(
    message: string,
    { ms = 30_000, after = 0 }: { readonly ms?: number; readonly after?: number } = {},
  ): Promise<DaemonLine> {
    return waitFor(
      () => {
        const line = this.lines.slice(after).find(({ msg }) => msg === message)
        if (!line && this.hasEnded) throw new Error(this.#tail(`ended before: ${message}`))
        return line
      },
      { ms, what: message },
    ).catch(cause => {
      throw new Error(this.#tail(`no line of the log says: ${message}`), { cause })
    })
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  /** How it ended, once it has. */
  get ended(): Promise<ChildEnd> {
    return endOf(this.child)
  }

  /** SIGTERM; an error where it takes longer than the time. */
  stop(ms = 15_000): Promise<ChildEnd> {
    return endChild(this.child, { signal: 'SIGTERM', ms })
  }

  /** SIGKILL, as a power cut or the out-of-memory killer would. */
  kill(): Promise<ChildEnd> {
    return endChild(this.child, { signal: 'SIGKILL', ms: 5000 })
  }

  #take(line: string): void {
    try {
      this.lines.push(JSON.parse(line))
    } catch {
      this.stderr += `${line}\n`
    }
  }

  #tail(what: string): string {
    const last = this.lines.slice(-15).map(line => JSON.stringify(line))
    return [what, ...last, this.stderr.slice(-2000)].join('\n')
  }
}
