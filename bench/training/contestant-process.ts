import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { z } from 'zod'

const readySchema = z.object({ version: z.string() })
const roundSchema = z.object({ cpuSeconds: z.number(), losses: z.array(z.number()) })

export type Round = z.output<typeof roundSchema>

/** A round takes a fraction of a second; a machine under load and a slow contestant ten times that. */
const ANSWER_MS_MAX = 120_000
const STOP_MS_MAX = 5000

/** A contestant in a child process that trains when it is asked to, and waits otherwise. */
export class ContestantProcess {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  #errors = ''

  private constructor(command: string, args: readonly string[], environment: NodeJS.ProcessEnv) {
    this.#child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    })
    const { stdout, stderr } = this.#child
    if (!stdout || !stderr) throw new Error(`${command} has no pipes`)
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
    stderr.on('data', text => {
      this.#errors = `${this.#errors}${text}`.slice(-2000)
    })
    const kill = () => this.#child.kill('SIGKILL')
    process.once('exit', kill)
    this.#child.once('exit', () => process.off('exit', kill))
  }

  static async start(
    command: string,
    args: readonly string[],
    environment: NodeJS.ProcessEnv = {},
  ): Promise<ContestantProcess> {
    const started = new ContestantProcess(command, args, environment)
    readySchema.parse(await started.#answer())
    return started
  }

  async round(steps: number): Promise<Round> {
    this.#child.stdin?.write(`${steps}\n`)
    return roundSchema.parse(await this.#answer())
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS_MAX)
    const ended = once(this.#child, 'exit')
    this.#child.stdin?.end()
    await ended
    clearTimeout(timer)
  }

  async #answer(): Promise<unknown> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), ANSWER_MS_MAX)
    const { value, done } = await this.#lines.next()
    clearTimeout(timer)
    if (done) {
      throw new Error(`${this.#child.spawnargs.join(' ')} gave no answer:\n${this.#errors}`)
    }
    return JSON.parse(value)
  }
}
