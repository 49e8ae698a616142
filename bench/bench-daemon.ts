import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { childModule } from '../runtime/child-module.ts'

const STOP_MS_MAX = 10_000
const LOG_CHARACTERS_SHOWN = 2000

/** Starts a program, like `spawn` of Node; another one starts it elsewhere, e.g. on a host of a lab. */
type Spawn = (command: string, args: readonly string[], options: SpawnOptions) => ChildProcess

/** `gainnet agent` or `gainnet controller` as a process of its own, with its files in a folder. */
export class BenchDaemon {
  readonly pid: number
  readonly #child: ChildProcess
  readonly #logFile: string

  constructor(
    daemon: 'agent' | 'controller',
    config: object,
    folder: string,
    start: Spawn = spawn,
  ) {
    const configFile = join(folder, `${daemon}.yaml`)
    // JSON is YAML.
    writeFileSync(configFile, JSON.stringify(config), { mode: 0o600 })
    this.#logFile = join(folder, `${daemon}.log`)
    const { path, execArgv } = childModule(import.meta.url, '../cli/main')
    const log = openSync(this.#logFile, 'a')
    const args = [...execArgv, path, daemon, '--config', configFile]
    this.#child = start(process.execPath, args, { stdio: ['ignore', log, log] })
    closeSync(log)
    this.pid = this.#child.pid ?? 0
    process.once('exit', () => this.#child.kill('SIGKILL'))
  }

  /** Throws with the end of its log when it has ended. */
  assertAlive(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) return
    const log = readFileSync(this.#logFile, 'utf8').slice(-LOG_CHARACTERS_SHOWN)
    throw new Error(`${this.#child.spawnargs.slice(2).join(' ')} ended:\n${log}`)
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS_MAX)
    this.#child.kill('SIGTERM')
    await once(this.#child, 'exit')
    clearTimeout(timer)
  }
}
