import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { childModule } from '../runtime/child-module.ts'

export interface DaemonEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** What a daemon may take to end by itself: a part of it may take five seconds. */
const STOP_MS_MAX = 8000
const LOG_LINES_SHOWN = 5

/** The command line as it is installed, or its source where the sources run. */
const CLI = childModule(import.meta.url, '../cli/main')
const PACKAGE_ROOT = fileURLToPath(new URL('..', import.meta.url))

/** A real daemon as a child process, or the broker of the system. */
export class DemoDaemon {
  readonly name: string
  readonly ended: Promise<DaemonEnd>
  readonly #child: ChildProcess
  readonly #files: readonly string[]
  #end: DaemonEnd | null = null

  private constructor(name: string, child: ChildProcess, files: readonly string[]) {
    this.name = name
    this.#child = child
    this.#files = files
    this.ended = new Promise(resolve => {
      const settle = (end: DaemonEnd): void => {
        this.#end ??= end
        resolve(this.#end)
      }
      child.once('exit', (code, signal) => settle({ code, signal }))
      child.once('error', () => settle({ code: null, signal: null }))
    })
  }

  /**
   * `gainnet <args>`. The channel makes the daemon end when the demo dies, however it dies; the
   * process group of its own keeps a Ctrl-C of the terminal from ending it before its time.
   */
  static gainnet(options: {
    readonly name: string
    readonly args: readonly string[]
    readonly logFile: string
  }): DemoDaemon {
    const { name, args, logFile } = options
    const command = [process.execPath, ...CLI.execArgv, CLI.path, ...args]
    return DemoDaemon.#spawn({ name, command, logFile, hasChannel: true })
  }

  /** A program that is not ours: its output is its log. */
  static program(options: {
    readonly name: string
    readonly command: readonly string[]
    readonly logFile: string
  }): DemoDaemon {
    return DemoDaemon.#spawn({ ...options, hasChannel: false })
  }

  static #spawn(options: {
    readonly name: string
    readonly command: readonly string[]
    readonly logFile: string
    readonly hasChannel: boolean
  }): DemoDaemon {
    const { name, command, logFile, hasChannel } = options
    const outputFile = logFile.replace(/\.log$/, '.out')
    mkdirSync(dirname(outputFile), { recursive: true })
    const output = openSync(outputFile, 'a')
    try {
      const [program = '', ...args] = command
      const child = spawn(program, args, {
        cwd: PACKAGE_ROOT,
        env: cleanEnvironment(process.env),
        detached: true,
        stdio: ['ignore', output, output, hasChannel ? 'ipc' : 'ignore'],
      })
      return new DemoDaemon(name, child, [logFile, outputFile])
    } finally {
      closeSync(output)
    }
  }

  get hasEnded(): boolean {
    return this.#end !== null
  }

  /** SIGTERM, and SIGKILL for it and all its children when it takes too long. */
  async stop(): Promise<DaemonEnd> {
    if (this.#end) return this.#end
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.kill(), STOP_MS_MAX)
    const end = await this.ended
    clearTimeout(timer)
    return end
  }

  /** The whole process group: trainers end with their daemon in any case, but at once with this. */
  kill(): void {
    const { pid } = this.#child
    if (this.#end || pid === undefined) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      this.#child.kill('SIGKILL')
    }
  }

  /** The end of its log and of what it printed, for a person who asks why it died. */
  async lastLines(): Promise<readonly string[]> {
    const texts = await Promise.all(this.#files.map(file => readFile(file, 'utf8').catch(() => '')))
    return texts.flatMap(text => text.trim().split('\n').slice(-LOG_LINES_SHOWN)).filter(Boolean)
  }
}

export function endText({ code, signal }: DaemonEnd): string {
  if (signal) return `was ended by ${signal}`
  return code === null ? 'could not be started' : `ended with exit code ${code}`
}

/** The daemons follow their files alone, whatever the shell has set for a daemon of its own. */
function cleanEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = Object.keys(environment).filter(
    name => !name.startsWith('GAINNET_') && name !== 'STATE_DIRECTORY',
  )
  return Object.fromEntries(names.map(name => [name, environment[name]]))
}
