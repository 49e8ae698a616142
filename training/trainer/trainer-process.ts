import type { ChildProcess } from 'node:child_process'
import { resolve } from 'node:path'
import { withDeadline } from '../../runtime/deadline.ts'
import { ERRORS, type ErrorCode, GainnetError, messageOf } from '../../runtime/errors.ts'
import { checkMemory } from '../memory/memory-limit.ts'
import type { Evaluation, EvaluationOptions, Generation } from './evaluator.ts'
import type { KernelRun } from './kernels/kernel-bench.ts'
import type { KernelAsk, KernelName } from './kernels/registry.ts'
import { ORT_VARIABLE, type OrtRuntime } from './ort-runtime.ts'
import { endWords, isCrash, type TrainerExit } from './trainer-exit.ts'
import { type ForkOptions, forkTrainer } from './trainer-fork.ts'
import type {
  CheckpointResult,
  LoadResult,
  StepResult,
  TrainerCancel,
  TrainerReply,
  TrainerRequest,
  TrainerRequestKind,
  TrainerRequests,
} from './trainer-messages.ts'
import type { StepOptions, TrainingJob } from './training-run.ts'

export interface TrainerStartOptions extends ForkOptions {
  /** Jobs that would take more are refused by load, with MEMORY_EXCEEDED and the number. */
  readonly memoryBytesMax?: number
  /** Until the child is ready. */
  readonly deadlineMs?: number
  /** Ends a child that is still starting. */
  readonly signal?: AbortSignal
  /** Told at once of each child, so that limits are around it before it has taken anything. */
  readonly onForked?: (pid: number) => void
  /** A better reason for an end than its signal, where the caller knows one. */
  readonly explainEnd?: (exit: TrainerExit) => GainnetError | undefined
}

export interface DeadlineOption {
  readonly deadlineMs?: number
}

export interface FollowOptions extends DeadlineOption {
  /** Ends the step early: it resolves within 200 ms, or one step where that is longer. */
  readonly signal?: AbortSignal
  /** The losses of each run, some ten times a second. */
  readonly onProgress?: (losses: Float32Array) => void
}

/** Where the caller sets none: far above what a slow board needs, far below for ever. */
const DEADLINE_MS = {
  start: 60_000,
  load: 120_000,
  step: 600_000,
  parameters: 60_000,
  checkpoint: 120_000,
  averages: 60_000,
  evaluate: 600_000,
  generate: 600_000,
  openKernel: 120_000,
  runKernel: 120_000,
  cpuTime: 60_000,
  unload: 60_000,
} as const satisfies Record<TrainerRequestKind | 'start', number>

const STOP_MS_MAX = 2000
const LAST_WORDS_MS = 20
/** The child's last words, for the error when it dies. */
const STDERR_CHARACTERS_MAX = 4096

interface Pending {
  resolve(reply: unknown): void
  reject(error: Error): void
  readonly onProgress?: ((losses: Float32Array) => void) | undefined
}

/** The native library ended a child of this process at once: the next need not try. */
let isNativeBroken = false

function endedByCrash(error: unknown): boolean {
  const { signal } = error instanceof GainnetError ? error.details : {}
  return typeof signal === 'string' && isCrash({ code: null, signal })
}

/**
 * A process that trains, evaluates and measures; see trainer-child.ts. Its crash, its end by the
 * kernel for want of memory or by kill() reject what is pending with TRAINING_FAILED, and nothing
 * else happens to the caller. A step whose deadline passes is cancelled; any other request is given
 * up, but the child still works on it: kill() it if the core is needed.
 */
export class TrainerProcess {
  readonly exited: Promise<TrainerExit>
  /** Whether the child is bound to the cores asked for. */
  readonly isPinned: boolean
  readonly #memoryBytesMax: number | undefined
  readonly #explainEnd: TrainerStartOptions['explainEnd']
  readonly #child: ChildProcess
  readonly #pending = new Map<number, Pending>()
  readonly #ready: Promise<void>
  #runtime: OrtRuntime = 'native'
  #runtimeReason: string | undefined
  #exit: TrainerExit | undefined
  #stderr = ''
  #lastId = 0

  private constructor(
    child: ChildProcess,
    o: Pick<TrainerStartOptions, 'memoryBytesMax' | 'explainEnd'> & { readonly isPinned: boolean },
  ) {
    this.#child = child
    this.isPinned = o.isPinned
    this.#memoryBytesMax = o.memoryBytesMax
    this.#explainEnd = o.explainEnd
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

  /**
   * Resolves when the child is ready for requests. Where the native ONNX Runtime ends it at once, as
   * one does that is built for another processor, a second child has it as WebAssembly.
   */
  static async start(options: TrainerStartOptions = {}): Promise<TrainerProcess> {
    try {
      return await TrainerProcess.#startOnce(options, isNativeBroken ? 'wasm' : undefined)
    } catch (error) {
      const mayFallBack = process.env[ORT_VARIABLE] === undefined && !isNativeBroken
      if (!mayFallBack || options.signal?.aborted || !endedByCrash(error)) throw error
      const trainer = await TrainerProcess.#startOnce(options, 'wasm')
      isNativeBroken = true
      trainer.#runtimeReason = messageOf(error)
      return trainer
    }
  }

  static async #startOnce(
    options: TrainerStartOptions,
    runtime: OrtRuntime | undefined,
  ): Promise<TrainerProcess> {
    options.signal?.throwIfAborted()
    const { child, isPinned } = forkTrainer(options, runtime)
    if (child.pid !== undefined) options.onForked?.(child.pid)
    const trainer = new TrainerProcess(child, { ...options, isPinned })
    const kill = (): void => trainer.kill()
    options.signal?.addEventListener('abort', kill, { once: true })
    try {
      const ms = options.deadlineMs ?? DEADLINE_MS.start
      await withDeadline(trainer.#ready, { ms, what: 'starting the trainer process' })
    } catch (error) {
      trainer.kill()
      throw error
    } finally {
      options.signal?.removeEventListener('abort', kill)
    }
    return trainer
  }

  /** Which ONNX Runtime computes in the child. */
  get runtime(): OrtRuntime {
    return this.#runtime
  }

  /** Why it is WebAssembly, where nobody asked for it. */
  get runtimeReason(): string | undefined {
    return this.#runtimeReason
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Takes a model and its data into the child, in place of what was loaded before. */
  async load(job: TrainingJob, options?: DeadlineOption): Promise<LoadResult> {
    if (this.#memoryBytesMax !== undefined) checkMemory(job, this.#memoryBytesMax)
    return this.#request('load', job, options)
  }

  /**
   * Trains on by some steps. Samples are taken in the order that load's seed gives. A step that is
   * cancelled resolves with the losses of what was done, and the next goes on from there.
   */
  step({ steps, learningRate }: StepOptions, options: FollowOptions = {}): Promise<StepResult> {
    const reportsProgress = options.onProgress !== undefined
    return this.#request('step', { steps, learningRate, reportsProgress }, options)
  }

  /**
   * Writes where training stands to a file, whole or not at all; `load` goes on from it by `resume`.
   * Fails with CHECKPOINT_UNWRITABLE, and training goes on.
   */
  checkpoint(path: string, options?: DeadlineOption): Promise<CheckpointResult> {
    return this.#request('checkpoint', { path: resolve(path) }, options)
  }

  parameters(options?: DeadlineOption): Promise<Float32Array> {
    return this.#request('parameters', null, options)
  }

  /** The average over the steps, of an artifact that keeps one. */
  averages(options?: DeadlineOption): Promise<Float32Array> {
    return this.#request('averages', null, options)
  }

  /** Mean loss over the samples, by their weights. Independent of what is loaded. */
  evaluate(ask: EvaluationOptions, options?: DeadlineOption): Promise<Evaluation> {
    return this.#request('evaluate', ask, options)
  }

  /** Bytes that follow the prompt. Independent of what is loaded. */
  generate(ask: Generation, options?: DeadlineOption): Promise<Uint8Array> {
    return this.#request('generate', ask, options)
  }

  /** Makes a kernel ready to be measured. It stays open until `unload`. */
  async openKernel(ask: KernelAsk, options?: DeadlineOption): Promise<void> {
    await this.#request('openKernel', ask, options)
  }

  /** Computes an open kernel so many times over, and says what that took. */
  runKernel(
    ask: { readonly kernel: KernelName; readonly turns: number },
    options?: DeadlineOption,
  ): Promise<KernelRun> {
    return this.#request('runKernel', ask, options)
  }

  /** User and system time of the child since its start. */
  async cpuSeconds(options?: DeadlineOption): Promise<number> {
    const { cpuSeconds } = await this.#request('cpuTime', null, options)
    return cpuSeconds
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
    options: FollowOptions = {},
  ): Promise<TrainerRequests[Kind]['reply']> {
    const { deadlineMs = DEADLINE_MS[kind], signal, onProgress } = options
    const id = ++this.#lastId
    const cancel = (): void => this.#send({ kind: 'cancel', id })
    // Ahead of the request, which would else be done before the child hears of it.
    if (signal?.aborted) cancel()
    const reply = new Promise<unknown>((done, failed) => {
      if (this.#exit || !this.#child.connected) {
        failed(this.#failure(this.#exit ? endWords(this.#exit) : 'was stopped'))
        return
      }
      this.#pending.set(id, { resolve: done, reject: failed, onProgress })
      this.#send({ id, kind, ask })
    })
    signal?.addEventListener('abort', cancel, { once: true })
    const timed = withDeadline(reply, { ms: deadlineMs, what: `the trainer's ${kind}` })
    const ended = timed.finally(() => {
      signal?.removeEventListener('abort', cancel)
      // What still waits here was given up by its deadline.
      if (this.#pending.delete(id) && kind === 'step') cancel()
    })
    // The child answers each kind with its reply: the handlers there are typed by the same table.
    return ended as Promise<TrainerRequests[Kind]['reply']>
  }

  #send(message: TrainerRequest | TrainerCancel): void {
    // A failed write is a child that is ending; its exit rejects what is pending.
    if (this.#child.connected) this.#child.send(message, () => {})
  }

  #receive(message: TrainerReply): void {
    const id = message.kind === 'ready' ? 0 : message.id
    const pending = this.#pending.get(id)
    if (message.kind === 'progress') {
      pending?.onProgress?.(message.losses)
      return
    }
    this.#pending.delete(id)
    if (message.kind === 'ready') {
      this.#runtime = message.runtime
      this.#runtimeReason = message.reason
      pending?.resolve(undefined)
    } else if (message.kind === 'done') pending?.resolve(message.reply)
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
    const explained = this.#exit && this.#explainEnd?.(this.#exit)
    if (explained) return explained
    return new GainnetError('TRAINING_FAILED', `the trainer process ${why}`, {
      ...this.#exit,
      stderr: this.#stderr,
    })
  }
}
