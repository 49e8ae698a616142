import { randomBytes } from 'node:crypto'
import type { Worker } from 'node:worker_threads'
import { TOKEN_BYTES } from '../../protocol/probe/probe-stream.ts'
import { withDeadline } from '../../runtime/deadline.ts'
import { type Deferred, deferred } from '../../runtime/deferred.ts'
import { GainnetError } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Stoppable } from '../../runtime/shutdown.ts'
import { startWorker } from '../../runtime/worker-module.ts'
import type { ProbeAnswer, ProbeRequest, ProbeStart, ServedProbe } from './probe-messages.ts'
import type { ProbeRight } from './probe-tokens.ts'

/** A thread starts within a second; a machine that is busy has more time. */
const START_MS_MAX = 30_000
const END_MS_MAX = 10_000

/**
 * The probe server in a thread of its own: the controller decides rounds and joins updates on its
 * loop, and a probe must not wait for that, or it measures the controller and not the link.
 */
export class ProbeThread implements Stoppable {
  readonly #options: ProbeStart & {
    readonly log: Logger
    readonly onServed: (served: ServedProbe) => void
  }
  #worker: Worker | undefined
  #ended: Promise<void> = Promise.resolve()
  #port: number | undefined

  constructor(options: {
    readonly host: string
    readonly port: number
    readonly log: Logger
    readonly onServed: (served: ServedProbe) => void
  }) {
    this.#options = options
  }

  /** Undefined where the server does not listen. */
  get port(): number | undefined {
    return this.#port
  }

  /** Rejects with PROBE_FAILED where the port cannot be had. */
  async start(): Promise<void> {
    const { host, port } = this.#options
    const worker = startWorker(import.meta.url, 'probe-worker', { workerData: { host, port } })
    this.#worker = worker
    const listening = deferred<number>()
    worker.on('message', (answer: ProbeAnswer) => this.#onAnswer(answer, listening))
    worker.on('error', err => {
      listening.reject(err)
      this.#options.log.warn({ err }, 'probe server')
    })
    this.#ended = new Promise(resolve => {
      worker.once('exit', () => {
        this.#port = undefined
        listening.reject(new GainnetError('PROBE_FAILED', 'the thread of the probe server ended'))
        resolve()
      })
    })
    this.#port = await withDeadline(listening.promise, {
      ms: START_MS_MAX,
      what: 'the start of the probe server',
    })
  }

  /** A token for one probe, as text for a message. */
  issue(right: ProbeRight, grant: number): string {
    const token = randomBytes(TOKEN_BYTES)
    this.#send({ is: 'issued', token: new Uint8Array(token), right, grant })
    return token.toString('base64url')
  }

  async stop(): Promise<void> {
    this.#send({ is: 'end' })
    await withDeadline(this.#ended, { ms: END_MS_MAX, what: 'the end of the probe server' })
  }

  #send(request: ProbeRequest): void {
    this.#worker?.postMessage(request)
  }

  #onAnswer(answer: ProbeAnswer, listening: Deferred<number>): void {
    const { log, onServed } = this.#options
    switch (answer.is) {
      case 'listening':
        listening.resolve(answer.port)
        break
      case 'absent':
        listening.reject(new GainnetError('PROBE_FAILED', answer.reason))
        break
      case 'served':
        onServed(answer.served)
        break
      case 'logged':
        log[answer.level](answer.fields, answer.message)
    }
  }
}
