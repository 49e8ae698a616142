import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { withDeadline } from '../../runtime/deadline.ts'
import { cpuSecondsOf } from '../urp/own-cpu-time.ts'
import { LineTail } from './line-tail.ts'

/** A program of a chain with its place on this machine. */
export interface PlacedStage {
  readonly program: string
  readonly args: readonly string[]
}

/** How one program of the chain ended. */
export interface StageEnd {
  readonly program: string
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** It was ended by us, because another one had ended or nobody wants pictures any more. */
  readonly wasAsked: boolean
  /** The last ones of its standard error. */
  readonly lines: readonly string[]
}

/** What a program says about why it ends, with some lines around it. */
const LINES_MAX = 40
/** ffmpeg closes a camera within tenths of a second; one that hangs in a driver does not at all. */
const KILL_MS = 1000
const STOP_MS_MAX = 3000

/**
 * Programs that write into each other, started without a shell. When one ends all are ended: a camera
 * is there as a whole or not. The kernel carries what is between them; we read the last one's output.
 */
export class StageChain {
  readonly #children: ChildProcess[] = []
  readonly #tails: LineTail[] = []
  readonly #ended: Promise<readonly StageEnd[]>
  /** Of programs that have ended no counter can be read any more. */
  #cpuSeconds = 0
  #isStopped = false

  /** `onLine`: each line that the last program writes to standard error. */
  constructor(
    stages: readonly PlacedStage[],
    on: { readonly bytes: (bytes: Buffer) => void; readonly line: (line: string) => void },
  ) {
    let input: Readable | 'ignore' = 'ignore'
    for (const [index, { program, args }] of stages.entries()) {
      const isLast = index === stages.length - 1
      const stdio: SpawnOptions['stdio'] = [input, 'pipe', 'pipe']
      const child: ChildProcess = spawn(program, args, { stdio })
      // The program has its own copy of the pipe: with ours closed, each sees the other's end.
      if (input !== 'ignore') input.destroy()
      input = child.stdout ?? 'ignore'
      this.#children.push(child)
      const tail = new LineTail({ linesMax: LINES_MAX, ...(isLast ? { onLine: on.line } : {}) })
      this.#tails.push(tail)
      child.stderr?.setEncoding('utf8').on('data', (text: string) => tail.push(text))
      if (isLast) child.stdout?.on('data', on.bytes)
    }
    this.#ended = Promise.all(stages.map(({ program }, index) => this.#endOf(index, program)))
  }

  get pids(): readonly number[] {
    return this.#children.flatMap(({ pid }) => pid ?? [])
  }

  /** CPU time of all programs so far, as it was when it was last looked at where they have ended. */
  cpuSeconds(): number {
    const now = this.pids.reduce((sum, pid) => sum + cpuSecondsOf('/proc', pid), 0)
    this.#cpuSeconds = Math.max(this.#cpuSeconds, now)
    return this.#cpuSeconds
  }

  /** Resolves when all have ended, in the order of the chain. */
  get ended(): Promise<readonly StageEnd[]> {
    return this.#ended
  }

  /** Ends all programs and waits for them, but not for one that hangs in a driver. */
  async stop(): Promise<void> {
    this.#end()
    const limit = { ms: STOP_MS_MAX, what: 'the end of the programs of a camera' }
    await withDeadline(this.#ended, limit).catch(() => undefined)
  }

  #end(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.cpuSeconds()
    for (const child of this.#children) child.kill('SIGTERM')
    const timer = setTimeout(() => {
      for (const child of this.#children) child.kill('SIGKILL')
    }, KILL_MS)
    void this.#ended.finally(() => clearTimeout(timer))
  }

  async #endOf(index: number, program: string): Promise<StageEnd> {
    const child = this.#children[index]
    const tail = this.#tails[index]
    if (!child || !tail) throw new RangeError(`no stage ${index}`)
    let wasAsked = false
    child.once('exit', () => {
      wasAsked = this.#isStopped
      this.#end()
    })
    const failed = await closeOf(child)
    this.#end()
    const { exitCode: code, signalCode: signal } = child
    return { program, code, signal, wasAsked, lines: failed ? [failed.message] : tail.lines }
  }
}

/** Resolves when the process has ended and all that it wrote is read; with why it was not started. */
async function closeOf(child: ChildProcess): Promise<Error | undefined> {
  try {
    await once(child, 'close')
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
