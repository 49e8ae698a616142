import { type ChildProcess, fork } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { childModule } from '../runtime/child-module.ts'
import { withDeadline } from '../runtime/deadline.ts'
import { ERRORS, type ErrorCode, GainnetError } from '../runtime/errors.ts'
import type { Generation, ModelVersion } from './evaluator.ts'
import type { Kernel, KernelRate } from './kernel-rate.ts'
import type { LearningRate } from './learning-rate.ts'
import type { Samples } from './samples.ts'
import type {
  StepResult,
  TrainerReply,
  TrainerRequest,
  TrainerRequestKind,
  TrainerRequests,
} from './trainer-messages.ts'
import type { TrainingJob } from './training-run.ts'

export interface TrainerStartOptions {
  /** 0 to 19: how far the child stands back behind other processes. */
  readonly niceness?: number
  /** Of the child's JavaScript heap; tensors of ONNX Runtime come on top. */
  readonly heapMegabytesMax?: number
  /** Cores that the child may use, where `taskset` is installed. */
  readonly cpus?: readonly number[]
  /** Until the child is ready. */
  readonly deadlineMs?: number
}

export interface DeadlineOption {
  readonly deadlineMs?: number
}

export interface TrainerExit {
  readonly code: number | null
  readonly signal: string | null
}

/** Where the caller sets none: far above what a slow board needs, far below for ever. */
const DEADLINE_MS = {
  start: 60_000,
  load: 120_000,
  step: 600_000,
  parameters: 60_000,
  averages: 60_000,
  evaluate: 600_000,
  generate: 600_000,
  kernelRate: 300_000,
  unload: 60_000,
} as const satisfies Record<TrainerRequestKind | 'start', number>

const STOP_MS_MAX = 2000
const LAST_WORDS_MS = 20
/** The child's last words, for the error when it dies. */
const STDERR_CHARACTERS_MAX = 4096

interface Pending {
  resolve(reply: unknown): void
  reject(error: Error): void
}

/**
 * A process that trains, evaluates and measures; see trainer-child.ts. Its crash, its end by the
 * kernel for want of memory or by kill() reject what is pending with TRAINING_FAILED, and nothing
 * else happens to the caller. A request whose deadline passes is given up, but the child still works
 * on it: kill() it if the core is needed.
 */
export class TrainerProcess {
  readonly exited: Promise<TrainerExit>
  /** Whether the child is bound to the cores asked for. */
  readonly isPinned: boolean
  readonly #child: ChildProcess
  readonly #pending = new Map<number, Pending>()
  readonly #ready: Promise<void>
  #exit: TrainerExit | undefined
  #stderr = ''
  #lastId = 0

  private constructor(child: ChildProcess, isPinned: boolean) {
    this.#child = child
    this.isPinned = isPinned
    this.#ready = new Promise((resolve, reject) => {
      this.#pending.set(0, { resolve: () => resolve(), reject })
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARACTERS_MAX)
    })
    // Only trainer-child.ts writes to this channel.
    child.on('message', message => this.#receive(message as TrainerReply))
    this.exited = new Promise(resolve => {
      const end = (exit: TrainerExit, why: string): void => {
        if (this.#exit) return
        this.#exit = exit
        this.#failPending(why)
        resolve(exit)
      }
      child.on('error', error => {
        // A child that is there reports its end by `exit`; without a pid it never was.
        if (child.pid === undefined) end({ code: null, signal: null }, `cannot start: ${error}`)
      })
      // Not `close`: it never comes where this side closed the channel. Standard error may hold last
      // words, which are at hand at the next turn of the loop.
      child.on('exit', (code, signal) => {
        setTimeout(() => end({ code, signal }, endWords({ code, signal })), LAST_WORDS_MS)
      })
    })
  }

  /** Resolves when the child is ready for requests. */
  static async start(options: TrainerStartOptions = {}): Promise<TrainerProcess> {
    const { niceness = 0, heapMegabytesMax, cpus = [] } = options
    const { path, execArgv } = childModule(import.meta.url, 'trainer-child')
    const isPinned = cpus.length > 0 && isInstalled('taskset')
    const nodeArguments = [
      ...(heapMegabytesMax ? [`--max-old-space-size=${heapMegabytesMax}`] : []),
      ...execArgv,
    ]
    const child = fork(path, [String(niceness)], {
      ...(isPinned ? { execPath: 'taskset' } : {}),
      execArgv: isPinned
        ? ['--cpu-list', cpus.join(','), process.execPath, ...nodeArguments]
        : nodeArguments,
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    const trainer = new TrainerProcess(child, isPinned)
    try {
      const ms = options.deadlineMs ?? DEADLINE_MS.start
      await withDeadline(trainer.#ready, { ms, what: 'starting the trainer process' })
    } catch (error) {
      trainer.kill()
      throw error
    }
    return trainer
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Takes a model and its data into the child, in place of what was loaded before. */
  load(job: TrainingJob, options?: DeadlineOption): Promise<{ readonly stepsPerEpoch: number }> {
    return this.#request('load', job, options)
  }

  /** Trains on by some steps. Samples are taken in the order that load's seed gives. */
  step(
    { steps, learningRate }: { readonly steps: number; readonly learningRate: LearningRate },
    options?: DeadlineOption,
  ): Promise<StepResult> {
    return this.#request('step', { steps, learningRate }, options)
  }

  parameters(options?: DeadlineOption): Promise<Float32Array> {
    return this.#request('parameters', null, options)
  }

  /** The average over the steps, of an artifact that keeps one. */
  averages(options?: DeadlineOption): Promise<Float32Array> {
    return this.#request('averages', null, options)
  }

  /** Mean loss over the samples, by their weights. Independent of what is loaded. */
  evaluate(
    ask: ModelVersion & Samples,
    options?: DeadlineOption,
  ): Promise<{ readonly lossMean: number; readonly sampleCount: number }> {
    return this.#request('evaluate', ask, options)
  }

  /** Bytes that follow the prompt. Independent of what is loaded. */
  generate(ask: Generation, options?: DeadlineOption): Promise<Uint8Array> {
    return this.#request('generate', ask, options)
  }

  kernelRate(
    ask: { readonly kernel: Kernel; readonly runs: number },
    options?: DeadlineOption,
  ): Promise<KernelRate> {
    return this.#request('kernelRate', ask, options)
  }

  /** Frees what load and evaluate keep in the child. */
  async unload(options?: DeadlineOption): Promise<void> {
    await this.#request('unload', null, options)
  }

  /** Lets the child end by itself, and ends it when it does not. */
  async stop(): Promise<void> {
    if (this.#exit) return
    if (this.#child.connected) this.#child.disconnect()
    const timer = setTimeout(() => this.kill(), STOP_MS_MAX)
    await this.exited
    clearTimeout(timer)
  }

  /** Ends the child at once, in the middle of whatever it does. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #request<Kind extends TrainerRequestKind>(
    kind: Kind,
    ask: TrainerRequests[Kind]['ask'],
    { deadlineMs = DEADLINE_MS[kind] }: DeadlineOption = {},
  ): Promise<TrainerRequests[Kind]['reply']> {
    const id = ++this.#lastId
    const reply = new Promise<unknown>((resolve, reject) => {
      if (this.#exit || !this.#child.connected) {
        reject(this.#failure(this.#exit ? endWords(this.#exit) : 'was stopped'))
        return
      }
      this.#pending.set(id, { resolve, reject })
      const request: TrainerRequest<Kind> = { id, kind, ask }
      // A failed write is a child that is ending; `close` rejects what is pending.
      this.#child.send(request, () => {})
    })
    const timed = withDeadline(reply, { ms: deadlineMs, what: `the trainer's ${kind}` })
    // The child answers each kind with its reply: the handlers there are typed by the same table.
    return timed.finally(() => this.#pending.delete(id)) as Promise<TrainerRequests[Kind]['reply']>
  }

  #receive(message: TrainerReply): void {
    const id = message.kind === 'ready' ? 0 : message.id
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    if (message.kind === 'ready') pending?.resolve(undefined)
    else if (message.kind === 'done') pending?.resolve(message.reply)
    else {
      const code = Object.hasOwn(ERRORS, message.code)
        ? (message.code as ErrorCode)
        : 'TRAINING_FAILED'
      pending?.reject(new GainnetError(code, message.message, message.details))
    }
  }

  #failPending(why: string): void {
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { reject } of pending) reject(this.#failure(why))
  }

  #failure(why: string): GainnetError {
    return new GainnetError('TRAINING_FAILED', `the trainer process ${why}`, {
      ...this.#exit,
      stderr: this.#stderr,
    })
  }
}

function endWords({ code, signal }: TrainerExit): string {
  return signal ? `was ended by ${signal}` : `ended with exit code ${code}`
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some(directory => {
    try {
      accessSync(join(directory, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
