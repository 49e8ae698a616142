import { median, quantile } from 'simple-statistics'
import { GainnetError } from '../../runtime/errors.ts'
import type { Figure, Probe } from './probe.ts'
import { writtenBytes, writtenNumber, writtenSi } from './written.ts'

/** A train of blocks that follow each other without a pause. */
export interface Train {
  readonly blocks: number
  readonly blockBytes: number
}

/**
 * What the receiver of a train saw. Timing at the sender measures its socket buffer: 64 kB over a
 * 1 Mbit/s link looked like 224 Mbit/s.
 */
export interface TrainResult {
  /** Bytes after the first block, which only starts the time. */
  readonly receivedBytes: number
  readonly durationMs: number
}

/** The other end of a link. */
export interface LinkPeer {
  exchangeClock(): Promise<{ readonly rttMs: number; readonly offsetMs: number }>
  download(train: Train): Promise<TrainResult>
  upload(train: Train): Promise<TrainResult>
}

export interface Goodput {
  /** Median of the last trains. */
  readonly bitsPerSecond: number
  readonly trains: readonly { readonly bytes: number; readonly bitsPerSecond: number }[]
  readonly bytesSpent: number
}

export interface LinkValues {
  readonly rttsMs: readonly number[]
  readonly downlink: Goodput
  readonly uplink: Goodput
}

export interface LinkProbeOptions {
  /** The peer to measure with, or undefined while there is none. */
  readonly peer: () => LinkPeer | undefined
  /** Budget of one measurement, both directions together. */
  readonly bytesMax: number
}

const EXCHANGES = 10
const TRAIN_BYTES_FIRST = 32 * 1024
const BLOCK_BYTES = 8 * 1024
const BLOCKS_MAX = 64
/** A shorter train is told too high by token-bucket bursts and too low by one late wake-up. */
const TRAIN_MS_ENOUGH = 250
const TRAINS_COUNTED = 3

/** Round-trip time by clock exchanges and goodput by trains of blocks, timed at the receiver. */
export function linkProbe({ peer, bytesMax }: LinkProbeOptions): Probe<LinkValues> {
  return {
    name: 'link',
    durationMsMax: 120_000,
    async read({ signal }) {
      const other = peer()
      if (!other) {
        return { status: 'absent', reason: 'no controller at the other end of the link' }
      }
      const rttsMs: number[] = []
      while (rttsMs.length < EXCHANGES) {
        signal.throwIfAborted()
        rttsMs.push((await other.exchangeClock()).rttMs)
      }
      const budget = { bytesMax: bytesMax / 2, signal }
      const downlink = await goodputOf(train => other.download(train), budget)
      const uplink = await goodputOf(train => other.upload(train), budget)
      const values: LinkValues = { rttsMs, downlink, uplink }
      return { status: 'ok', values, figures: figuresOf(values), method: LINK_METHOD }
    },
  }
}

export const LINK_METHOD = 'receiver-timed trains'

/**
 * Trains that double until one takes long enough; then its size is repeated until three took long
 * enough. Ends earlier when the next train would exceed the budget.
 */
export async function goodputOf(
  send: (train: Train) => Promise<TrainResult>,
  { bytesMax, signal }: { readonly bytesMax: number; readonly signal: AbortSignal },
): Promise<Goodput> {
  const trains: { bytes: number; bitsPerSecond: number }[] = []
  let bytesSpent = 0
  let bytes = Math.min(TRAIN_BYTES_FIRST, bytesMax)
  for (let longTrains = 0; longTrains < TRAINS_COUNTED && bytesSpent + bytes <= bytesMax; ) {
    signal.throwIfAborted()
    const train = trainOf(bytes)
    const { receivedBytes, durationMs } = await send(train)
    bytesSpent += train.blocks * train.blockBytes
    if (durationMs > 0) trains.push({ bytes, bitsPerSecond: (receivedBytes * 8000) / durationMs })
    if (durationMs >= TRAIN_MS_ENOUGH) longTrains += 1
    else bytes *= 2
  }
  if (trains.length === 0) {
    throw new GainnetError('PROBE_FAILED', `no train took any time in ${bytesSpent} bytes`)
  }
  const counted = trains.slice(-TRAINS_COUNTED).map(train => train.bitsPerSecond)
  return { bitsPerSecond: median(counted), trains, bytesSpent }
}

/** At least four blocks, so that the untimed first one is no large part; larger blocks beyond 64. */
function trainOf(bytes: number): Train {
  const blocks = Math.min(BLOCKS_MAX, Math.max(4, Math.floor(bytes / BLOCK_BYTES)))
  return { blocks, blockBytes: Math.floor(bytes / blocks) }
}

function figuresOf({ rttsMs, downlink, uplink }: LinkValues): Figure[] {
  const ms = (value: number) => ({ value: writtenNumber(value), unit: 'ms' })
  return [
    { name: 'downlink goodput', ...writtenSi(downlink.bitsPerSecond, 'bit/s') },
    { name: 'uplink goodput', ...writtenSi(uplink.bitsPerSecond, 'bit/s') },
    { name: 'round trip, median', ...ms(quantile([...rttsMs], 0.5)) },
    { name: 'round trip, least', ...ms(Math.min(...rttsMs)) },
    { name: 'spent on measuring', ...writtenBytes(downlink.bytesSpent + uplink.bytesSpent) },
  ]
}
