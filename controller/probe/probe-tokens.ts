import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { TOKEN_BYTES } from '../../protocol/probe/probe-stream.ts'

/** What the holder of a token may do, once. */
export interface ProbeRight {
  readonly agentId: string
  readonly kind: 'tcp' | 'udp'
  /** Where the bytes go, seen from the agent. */
  readonly direction: 'down' | 'up' | 'both'
  /** Of this probe, on the wire, both directions together. */
  readonly bytesMax: number
  /** Until the token is presented. */
  readonly expiresInMs: number
}

interface Issued {
  readonly token: Uint8Array
  readonly right: ProbeRight
  readonly expiresAtMs: number
}

/** Tokens that were not presented yet; beyond it the oldest lose theirs. */
const TOKENS_MAX = 4096

/**
 * Tokens that are good for one probe each. They are found by a keyed hash, so that the time of the
 * search says nothing of a token, and compared in constant time.
 */
export class ProbeTokens {
  readonly #key = randomBytes(32)
  readonly #now: () => number
  readonly #issued = new Map<string, Issued>()

  /** `now` is monotonic: tokens must not expire because a board learned the date. */
  constructor({ now = () => performance.now() }: { readonly now?: () => number } = {}) {
    this.#now = now
  }

  issue(right: ProbeRight, token: Uint8Array = randomBytes(TOKEN_BYTES)): Uint8Array {
    const now = this.#now()
    for (const [key, { expiresAtMs }] of this.#issued) {
      if (expiresAtMs <= now || this.#issued.size >= TOKENS_MAX) this.#issued.delete(key)
    }
    this.#issued.set(this.#keyOf(token), { token, right, expiresAtMs: now + right.expiresInMs })
    return token
  }

  /** The right that the token stands for; it is used up, also where the kind is another one. */
  take(token: Uint8Array, kind: ProbeRight['kind']): ProbeRight | undefined {
    const key = this.#keyOf(token)
    const issued = this.#issued.get(key)
    if (!issued || issued.token.length !== token.length) return undefined
    if (!timingSafeEqual(issued.token, token)) return undefined
    this.#issued.delete(key)
    return issued.expiresAtMs > this.#now() && issued.right.kind === kind ? issued.right : undefined
  }

  #keyOf(token: Uint8Array): string {
    return createHmac('sha256', this.#key).update(token).digest('base64')
  }
}
