import { join } from 'node:path'
import { GainnetError, messageOf } from '../../../runtime/errors.ts'
import { readKernelText } from '../kernel-file.ts'
import type { Probe } from '../probe.ts'
import type { BulkOutcome, BulkProbeOptions } from './bulk-probe.ts'
import type { DatagramOutcome } from './datagram-probe.ts'
import { readingOf } from './link-figures.ts'
import {
  type LinkMeasurement,
  measureGranted,
  type ProbeGrant,
  type TokenWish,
} from './measure-link.ts'
import { goodputOf, TRAINS_METHOD, type Train, type TrainResult } from './mqtt-trains.ts'
import { parseTcpCounters, retransmittedShareOf, type TcpCounters } from './tcp-counters.ts'
import type { TcpInfo } from './tcp-info.ts'
import type { WifiLink } from './wifi-link.ts'

/** The other end of a link. */
export interface LinkPeer {
  exchangeClock(): Promise<{ readonly rttMs: number; readonly offsetMs: number }>
  download(train: Train): Promise<TrainResult>
  upload(train: Train): Promise<TrainResult>
  /**
   * The right to one probe at the probe port, when its time has come. Rejects where there is none:
   * with `retryInMs` in the details, where there is none now. Left out by peers without such a port.
   */
  grant?(wish: TokenWish, signal?: AbortSignal): Promise<ProbeGrant>
}

export interface Goodput {
  readonly bitsPerSecond: number
  readonly bytesSpent: number
  readonly method: string
  /** Half of the 95 % interval over the rate, where it is known. */
  readonly ciShare?: number
}

export type Datagrams = Extract<DatagramOutcome, { status: 'ok' }>

export interface LinkValues {
  readonly rttsMs: readonly number[]
  readonly downlink: Goodput
  readonly uplink: Goodput
  /** Absent where UDP does not get through; `missing` says why. */
  readonly datagrams?: Datagrams
  /** TCP segments of this machine that were sent again while the uplink was filled. */
  readonly retransmittedShare?: number
  /** Of this machine's TCP, which the uplink was filled with: cubic, bbr. */
  readonly congestionControl?: string
  /** What the kernel said of the connection that filled the uplink, where it was asked. */
  readonly tcp?: TcpInfo
  readonly wifi?: WifiLink
  /** What could not be measured, by part, and why. */
  readonly missing?: Readonly<Record<string, string>>
}

export interface LinkProbeOptions {
  /** The peer to measure with, or undefined while there is none. */
  readonly peer: () => LinkPeer | undefined
  /** Budget of one measurement, both directions together. */
  readonly bytesMax: number
  /**
   * What takes a tool of the system, for who asked for a measurement. An agent at work leaves them out:
   * it starts no process.
   */
  readonly tools?: {
    readonly readTcpInfo: NonNullable<BulkProbeOptions['readTcpInfo']>
    readonly readWifiLink: () => Promise<WifiLink | undefined>
  }
  /** Left out: whoever asks for a measurement may spend `bytesMax`. */
  readonly budget?: {
    /** Bytes that may be spent now, of so many; or why none. */
    allow(bytes: number): Promise<number | { readonly reason: string }>
    spend(bytes: number): void
  }
}

const EXCHANGES = 10
export const BULK_METHOD = 'TCP bulk, timed at the receiver'

/**
 * Goodput by one TCP transfer each way and round trips by UDP at the probe port, timed at the
 * receiver; through the broker, by clock exchanges and trains of blocks, what cannot be had there.
 */
export function linkProbe({ peer, bytesMax, tools, budget }: LinkProbeOptions): Probe<LinkValues> {
  return {
    name: 'link',
    durationMsMax: 120_000,
    async read({ procRoot, signal, spend }) {
      const other = peer()
      if (!other) {
        return { status: 'absent', reason: 'no controller at the other end of the link' }
      }
      const allowed = budget ? await budget.allow(bytesMax) : bytesMax
      if (typeof allowed === 'object') return { status: 'absent', ...allowed }
      const reading = new LinkReading(other, { bytesMax: allowed / 2, procRoot, tools, signal })
      try {
        const read = await reading.read()
        return 'reason' in read ? { status: 'absent', ...read } : readingOf(read)
      } finally {
        const { sentBytes, receivedBytes } = reading.spent
        budget?.spend(sentBytes + receivedBytes)
        spend?.({ sentBytes, receivedBytes })
      }
    },
  }
}

interface Limits {
  readonly bytesMax: number
  readonly procRoot: string
  readonly tools: LinkProbeOptions['tools']
  readonly signal: AbortSignal
}

class LinkReading {
  readonly #peer: LinkPeer
  readonly #limits: Limits
  readonly #missing: Record<string, string> = {}
  readonly spent = { sentBytes: 0, receivedBytes: 0 }
  #notNow: string | undefined

  constructor(peer: LinkPeer, limits: Limits) {
    this.#peer = peer
    this.#limits = limits
  }

  /** Or why not now: that does not mean through the broker instead. */
  async read(): Promise<LinkValues | { readonly reason: string }> {
    const before = await this.#tcpCounters()
    const { datagrams, downlink, uplink } = await this.#atProbePort()
    const retransmittedShare =
      uplink?.status === 'ok' ? retransmittedShareOf(before, await this.#tcpCounters()) : undefined
    if (this.#notNow !== undefined && downlink?.status !== 'ok' && uplink?.status !== 'ok') {
      return { reason: this.#notNow }
    }
    const congestionControl = await this.#congestionControl()
    const wifi = await this.#limits.tools?.readWifiLink()
    const told = datagrams?.status === 'ok' ? datagrams : undefined
    if (datagrams?.status === 'failed') this.#missing.datagrams = datagrams.reason
    const rttsMs = told ? told.rttsMs : await this.#exchanges()
    return {
      rttsMs,
      downlink: await this.#goodput('downlink', downlink),
      uplink: await this.#goodput('uplink', uplink),
      ...(told ? { datagrams: told } : {}),
      ...(retransmittedShare === undefined ? {} : { retransmittedShare }),
      ...(congestionControl === undefined ? {} : { congestionControl }),
      ...(uplink?.status === 'ok' && uplink.tcp ? { tcp: uplink.tcp } : {}),
      ...(wifi ? { wifi } : {}),
      ...(Object.keys(this.#missing).length > 0 ? { missing: this.#missing } : {}),
    }
  }

  async #atProbePort(): Promise<LinkMeasurement> {
    const { bytesMax, tools, signal } = this.#limits
    const readTcpInfo = tools?.readTcpInfo
    const peer = this.#peer
    if (!peer.grant) return {}
    const grant = async (wish: TokenWish): Promise<ProbeGrant> => {
      try {
        return await (peer.grant?.(wish, signal) ?? noProbePort())
      } catch (error) {
        if (retryInMsOf(error) !== undefined) this.#notNow = messageOf(error)
        throw error
      }
    }
    const measured = await measureGranted(grant, {
      bytesMax: Math.floor(bytesMax),
      readTcpInfo,
      signal,
    })
    const { datagrams, downlink, uplink } = measured
    // Echoes and trains are as long one way as the other.
    const each = Math.round((datagrams?.bytesSpent ?? 0) / 2)
    this.spent.receivedBytes += each + (downlink?.bytesSpent ?? 0)
    this.spent.sentBytes += each + (uplink?.bytesSpent ?? 0)
    return measured
  }

  /** Which way of using a link the kernel has for TCP; Node.js cannot choose it. */
  #congestionControl(): Promise<string | undefined> {
    return readKernelText(join(this.#limits.procRoot, 'sys/net/ipv4/tcp_congestion_control'))
  }

  async #tcpCounters(): Promise<TcpCounters | undefined> {
    const text = await readKernelText(join(this.#limits.procRoot, 'net/snmp'))
    return text === undefined ? undefined : parseTcpCounters(text)
  }

  async #goodput(
    direction: 'downlink' | 'uplink',
    outcome: BulkOutcome | undefined,
  ): Promise<Goodput> {
    if (outcome?.status === 'ok') {
      const { bitsPerSecond, bytesSpent, ciShare } = outcome
      return { bitsPerSecond, bytesSpent, ciShare, method: BULK_METHOD }
    }
    if (outcome) this.#missing[`${direction} by TCP`] = outcome.reason
    const send = (train: Train): Promise<TrainResult> =>
      direction === 'downlink' ? this.#peer.download(train) : this.#peer.upload(train)
    const { bitsPerSecond, bytesSpent } = await goodputOf(send, this.#limits)
    this.spent[direction === 'downlink' ? 'receivedBytes' : 'sentBytes'] += bytesSpent
    const spent = bytesSpent + (outcome?.bytesSpent ?? 0)
    return { bitsPerSecond, bytesSpent: spent, method: TRAINS_METHOD }
  }

  async #exchanges(): Promise<number[]> {
    const rttsMs: number[] = []
    while (rttsMs.length < EXCHANGES) {
      this.#limits.signal.throwIfAborted()
      rttsMs.push((await this.#peer.exchangeClock()).rttMs)
    }
    return rttsMs
  }
}

function noProbePort(): never {
  throw new GainnetError('PROBE_FAILED', 'the peer has no probe port')
}

/** Of a refusal that is only for now. */
export function retryInMsOf(error: unknown): number | undefined {
  if (!(error instanceof GainnetError)) return undefined
  const { retryInMs } = error.details
  return typeof retryInMs === 'number' ? retryInMs : undefined
}
