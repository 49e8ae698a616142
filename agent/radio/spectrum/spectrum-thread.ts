import type { Worker } from 'node:worker_threads'
import { withDeadline } from '../../../runtime/deadline.ts'
import { type Deferred, deferred } from '../../../runtime/deferred.ts'
import { startWorker } from '../../../runtime/worker-module.ts'
import type { SpectrumAnswer, SpectrumRequest } from './spectrum-messages.ts'
import { type SpectrumPlan, slotShape } from './spectrum-plan.ts'
import type { SpectrumRound } from './spectrum-rounds.ts'

/** What lives for one transform only needs no more; without it, the space for such grows to 32 MiB. */
const YOUNG_MIB = 4
const PIECE_BYTES = 64 * 1024
/** Pieces on their way to the thread: 0.4 s of 2.4 MS/s, more than it needs to stay busy. */
const UNDERWAY_MAX = 32
/** It has at most that to do before it ends. */
const END_MS_MAX = 30_000

/** SpectrumRounds in a thread of its own, so that a daemon's loop stays free. */
export class SpectrumThread {
  readonly #worker: Worker
  readonly #ended: Promise<void>
  #underway = 0
  readonly #spare: Uint8Array<ArrayBuffer>[] = []
  #room: Deferred<void> | undefined
  #failure: Error | undefined
  #isEnding = false

  /** USAGE where the plan is none. */
  constructor(plan: SpectrumPlan, onRound: (round: SpectrumRound) => void) {
    slotShape(plan)
    this.#worker = startWorker(import.meta.url, 'spectrum-worker', {
      workerData: plan,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
    })
    this.#worker.on('message', (answer: SpectrumAnswer) => {
      if (answer.is === 'round') onRound(answer.round)
      else this.#take(answer.piece)
    })
    this.#ended = new Promise(resolve => {
      this.#worker.once('error', error => {
        this.#failure = error instanceof Error ? error : new Error(String(error))
      })
      this.#worker.once('exit', () => {
        this.#failure ??= this.#isEnding ? undefined : new Error('the spectrum thread has ended')
        this.#room?.resolve()
        resolve()
      })
    })
  }

  /** Time in which the thread had something to do: what it took of a core at most. */
  get busySeconds(): number {
    return this.#worker.performance.eventLoopUtilization().active / 1000
  }

  /** Resolves when there is room for more; copies the bytes. */
  async push(bytes: Uint8Array): Promise<void> {
    if (this.#isEnding) return
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      await this.#pushPiece(bytes.subarray(at, at + PIECE_BYTES))
    }
  }

  /** So many bytes of the stream are lost here. */
  skip(bytes: number): void {
    this.#send({ is: 'gap', bytes })
  }

  /** Resolves when the last round was handed over. */
  async finish(): Promise<void> {
    if (!this.#isEnding) {
      this.#isEnding = true
      this.#send({ is: 'end' })
    }
    await withDeadline(this.#ended, { ms: END_MS_MAX, what: 'the end of the spectrum thread' })
    if (this.#failure) throw this.#failure
  }

  async #pushPiece(bytes: Uint8Array): Promise<void> {
    if (this.#failure) throw this.#failure
    const piece = this.#spare.pop() ?? new Uint8Array(PIECE_BYTES)
    piece.set(bytes)
    this.#underway += 1
    this.#send({ is: 'bytes', piece, bytes: bytes.length }, [piece.buffer])
    if (this.#underway < UNDERWAY_MAX) return
    this.#room ??= deferred()
    await this.#room.promise
    if (this.#failure) throw this.#failure
  }

  #take(piece: Uint8Array<ArrayBuffer>): void {
    this.#spare.push(piece)
    this.#underway -= 1
    this.#room?.resolve()
    this.#room = undefined
  }

  #send(request: SpectrumRequest, moved: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(request, [...moved])
  }
}
