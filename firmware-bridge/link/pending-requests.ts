import { GainnetError } from '../../runtime/errors.ts'
import type { Frame } from '../frame-codec.ts'

const SEQUENCES = 256

interface Pending {
  readonly settle: (reply: Frame) => void
  readonly fail: (error: GainnetError) => void
}

/** Requests whose reply has not come, by their sequence: at most as many as there are sequences. */
export class PendingRequests {
  readonly #pending = new Map<number, Pending>()
  #next = 0

  get size(): number {
    return this.#pending.size
  }

  /** Resolves with the reply; DEADLINE_PASSED where none comes in time. */
  async ask(
    send: (sequence: number) => boolean,
    { deadlineMs, what }: { readonly deadlineMs: number; readonly what: string },
  ): Promise<Frame> {
    if (this.#pending.size >= SEQUENCES) {
      throw new GainnetError('DEADLINE_PASSED', `${SEQUENCES} requests wait for the board already`)
    }
    while (this.#pending.has(this.#next)) this.#next = (this.#next + 1) % SEQUENCES
    const sequence = this.#next
    this.#next = (sequence + 1) % SEQUENCES
    return new Promise<Frame>((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#pending.delete(sequence)
      }
      const fail = (error: GainnetError): void => {
        end()
        reject(error)
      }
      const timer = setTimeout(() => {
        const message = `the board did not answer ${what} within ${deadlineMs} ms`
        fail(new GainnetError('DEADLINE_PASSED', message))
      }, deadlineMs)
      const settle = (reply: Frame): void => {
        end()
        resolve(reply)
      }
      this.#pending.set(sequence, { settle, fail })
      if (!send(sequence)) {
        fail(new GainnetError('SENSOR_UNAVAILABLE', 'the serial line takes no bytes'))
      }
    })
  }

  /** False for a reply that nobody waits for: it came too late, or noise made it up. */
  settle(reply: Frame): boolean {
    const waiting = this.#pending.get(reply.sequence)
    waiting?.settle(reply)
    return waiting !== undefined
  }

  failAll(reason: string): void {
    for (const { fail } of [...this.#pending.values()]) {
      fail(new GainnetError('SENSOR_UNAVAILABLE', reason))
    }
  }
}
