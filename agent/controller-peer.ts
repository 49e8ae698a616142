import type { ClockTell, ProbeTell } from '../protocol/life.ts'
import type { TokenTell } from '../protocol/probe/probe-token.ts'
import type { WireSession } from '../protocol/wire-session.ts'
import { type Clock, systemClock, until } from '../runtime/clock.ts'
import { withDeadline } from '../runtime/deadline.ts'
import { GainnetError } from '../runtime/errors.ts'
import { exchangeOf, type SessionExchange } from './clock/clock-exchange.ts'
import { type LinkPeer, retryInMsOf } from './measure/link/link-probe.ts'
import type { ProbeGrant, TokenWish } from './measure/link/measure-link.ts'
import type { Train, TrainResult } from './measure/link/mqtt-trains.ts'

const EXCHANGE_MS_MAX = 5000
/** For others to end their probes, of which each takes some seconds. */
const GRANT_MS_MAX = 40_000
/** A train that takes longer tells nothing more about the link; 2G would carry 300 kB in it. */
const TRAIN_MS_MAX = 30_000

interface Arrivals {
  readonly id: number
  readonly blocks: number
  received: number
  bytesAfterFirst: number
  firstAtMs: number
  readonly done: (result: TrainResult) => void
}

/** The controller as the other end of clock exchanges and link probes; one probe at a time. */
export class ControllerPeer implements LinkPeer {
  readonly #wire: WireSession
  readonly #agentId: string
  readonly #linkGroup: string
  readonly #probeHost: string
  readonly #clock: Clock
  readonly #clockWaits = new Map<number, (tell: ClockTell) => void>()
  readonly #probeWaits = new Map<number, (tell: ProbeTell) => void>()
  readonly #tokenWaits = new Map<number, (tell: TokenTell) => void>()
  readonly #answersAwaited = new Set<(error: Error) => void>()
  #arrivals: Arrivals | null = null
  #nextId: number

  constructor(options: {
    readonly wire: WireSession
    readonly agentId: string
    readonly clock: Clock
    /** Left out: nobody else is behind this uplink. */
    readonly linkGroup?: string | undefined
    /** Where the probe port is when the controller does not say. */
    readonly probeHost?: string | undefined
    /** Of the questions of this peer; others of the same agent count elsewhere. */
    readonly firstId?: number
  }) {
    this.#wire = options.wire
    this.#agentId = options.agentId
    this.#linkGroup = options.linkGroup ?? options.agentId
    this.#probeHost = options.probeHost ?? '127.0.0.1'
    this.#clock = options.clock
    this.#nextId = options.firstId ?? 0
  }

  /**
   * The right to one probe, when its time has come. Asks again while others are measuring. Rejects
   * with the reason of a refusal, and with `retryInMs` in the details where it is one for now.
   */
  async grant(wish: TokenWish, signal?: AbortSignal): Promise<ProbeGrant> {
    const endsAtMs = systemClock.now() + GRANT_MS_MAX
    for (;;) {
      try {
        return await this.#grant(wish, signal)
      } catch (error) {
        const retryAtMs = systemClock.now() + (retryInMsOf(error) ?? Number.POSITIVE_INFINITY)
        if (retryAtMs > endsAtMs) throw error
        await until(systemClock, retryAtMs, signal)
      }
    }
  }

  async #grant(wish: TokenWish, signal?: AbortSignal): Promise<ProbeGrant> {
    const id = this.#nextId++
    const told = new Promise<TokenTell>(resolve => {
      this.#tokenWaits.set(id, resolve)
    })
    const { kind, direction, bytesMax: bytes, durationMs } = wish
    const ask = { id, kind, direction, bytes, durationMs, linkGroup: this.#linkGroup }
    try {
      await this.#wire.publish('tokenAsk', { agentId: this.#agentId }, ask)
      const tell = await this.#answer(told, {
        ms: EXCHANGE_MS_MAX,
        what: 'answer of the probe port',
      })
      return await grantOf(tell, { host: this.#probeHost, signal })
    } finally {
      this.#tokenWaits.delete(id)
    }
  }

  async start(): Promise<void> {
    const own = { agentId: this.#agentId }
    this.#wire.connection.onDisconnected(reason => {
      const error = new GainnetError('BROKER_UNREACHABLE', reason)
      for (const giveUp of this.#answersAwaited) giveUp(error)
    })
    await this.#wire.on('clockTell', own, tell => this.#clockWaits.get(tell.id)?.(tell))
    await this.#wire.on('tokenTell', own, tell => this.#tokenWaits.get(tell.id)?.(tell))
    await this.#wire.on('probeTell', own, tell => this.#probeWaits.get(tell.id)?.(tell))
    await this.#wire.onBytes('probeDown', own, (bytes, { probeId }) =>
      this.#onBlock(Number(probeId), bytes.length),
    )
  }

  async exchangeClock(): Promise<SessionExchange> {
    const id = this.#nextId++
    const t1 = this.#clock.now()
    const told = new Promise<SessionExchange>(resolve => {
      this.#clockWaits.set(id, ({ t2, t3, session }) =>
        resolve({ ...exchangeOf({ t1, t2, t3, t4: this.#clock.now() }), session }),
      )
    })
    try {
      await this.#wire.publish('clockAsk', { agentId: this.#agentId }, { id, t1 })
      return await this.#answer(told, { ms: EXCHANGE_MS_MAX, what: 'clock exchange' })
    } finally {
      this.#clockWaits.delete(id)
    }
  }

  async download({ blocks, blockBytes }: Train): Promise<TrainResult> {
    const id = this.#nextId++
    const arrived = new Promise<TrainResult>((resolve, reject) => {
      this.#arrivals = {
        id,
        blocks,
        received: 0,
        bytesAfterFirst: 0,
        firstAtMs: 0,
        done: resolve,
      }
      this.#probeWaits.set(id, tell => reject(refusal(tell)))
    })
    // A refusal may come before the question's own acknowledgement.
    arrived.catch(() => undefined)
    try {
      await this.#ask({ id, direction: 'down', blocks, blockBytes })
      return await this.#answer(arrived, { ms: TRAIN_MS_MAX, what: 'downlink probe' })
    } finally {
      this.#probeWaits.delete(id)
      this.#arrivals = null
    }
  }

  async upload({ blocks, blockBytes }: Train): Promise<TrainResult> {
    const id = this.#nextId++
    const { promise: ready, settle: onReady } = told()
    const { promise: done, settle: onDone } = told()
    this.#probeWaits.set(id, tell => (tell.status === 'ready' ? onReady(tell) : onDone(tell)))
    try {
      await this.#ask({ id, direction: 'up', blocks, blockBytes })
      // A refusal comes instead of 'ready'.
      const first = await this.#answer(Promise.race([ready, done]), {
        ms: EXCHANGE_MS_MAX,
        what: 'answer to an uplink probe',
      })
      if (first.status !== 'ready') throw refusal(first)
      const block = new Uint8Array(blockBytes)
      for (let index = 0; index < blocks; index++) {
        const topic = { agentId: this.#agentId, probeId: id, index }
        await this.#wire.publishBytes('probeUp', topic, block)
      }
      const tell = await this.#answer(done, { ms: TRAIN_MS_MAX, what: 'uplink probe' })
      if (tell.status !== 'done') throw refusal(tell)
      return { receivedBytes: tell.receivedBytes ?? 0, durationMs: tell.durationMs ?? 0 }
    } finally {
      this.#probeWaits.delete(id)
    }
  }

  /** Or why none comes: with the connection everything under way is lost. */
  async #answer<T>(answer: Promise<T>, limit: Parameters<typeof withDeadline>[1]): Promise<T> {
    let giveUp: (error: Error) => void = () => undefined
    const lost = new Promise<never>((_, reject) => {
      giveUp = reject
    })
    this.#answersAwaited.add(giveUp)
    try {
      return await withDeadline(Promise.race([answer, lost]), limit)
    } finally {
      this.#answersAwaited.delete(giveUp)
    }
  }

  async #ask(ask: {
    readonly id: number
    readonly direction: 'down' | 'up'
    readonly blocks: number
    readonly blockBytes: number
  }): Promise<void> {
    await this.#wire.publish('probeAsk', { agentId: this.#agentId }, ask)
  }

  #onBlock(id: number, bytes: number): void {
    const arrivals = this.#arrivals
    if (!arrivals || arrivals.id !== id) return
    const now = this.#clock.now()
    if (arrivals.received === 0) arrivals.firstAtMs = now
    else arrivals.bytesAfterFirst += bytes
    arrivals.received += 1
    if (arrivals.received === arrivals.blocks) {
      arrivals.done({
        receivedBytes: arrivals.bytesAfterFirst,
        durationMs: now - arrivals.firstAtMs,
      })
    }
  }
}

function told(): { promise: Promise<ProbeTell>; settle: (tell: ProbeTell) => void } {
  let settle: (tell: ProbeTell) => void = () => undefined
  const promise = new Promise<ProbeTell>(resolve => {
    settle = resolve
  })
  return { promise, settle }
}

async function grantOf(
  tell: TokenTell,
  { host, signal }: { readonly host: string; readonly signal: AbortSignal | undefined },
): Promise<ProbeGrant> {
  const { token, port, bytesMax, startInMs = 0, reason = 'no reason given', retryInMs } = tell
  if (tell.status !== 'granted' || !token || !port || !bytesMax) {
    const details = retryInMs === undefined ? {} : { retryInMs }
    throw new GainnetError('PROBE_FAILED', `the controller refused: ${reason}`, details)
  }
  await until(systemClock, systemClock.now() + startInMs, signal)
  return { host: tell.host ?? host, port, token, bytesMax }
}

function refusal({ reason }: ProbeTell): GainnetError {
  return new GainnetError('PROBE_FAILED', `the controller refused: ${reason ?? 'no reason given'}`)
}
