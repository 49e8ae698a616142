import { median, quantile } from 'simple-statistics'
import type { TrainArrival } from '../../../protocol/probe/probe-datagram.ts'

/** One echo that came back; times of each end on its own monotonic clock. */
export interface Echo {
  readonly sequence: number
  readonly sentAtMs: number
  /** At the server, and there again when it was sent back. */
  readonly receivedAtMs: number
  readonly returnedAtMs: number
  readonly backAtMs: number
  /** Echoes that had come up by then. */
  readonly receivedCount: number
}

export interface OneWay {
  /** RFC 3550, 6.4.1: differences of transit times, smoothed by 1/16. */
  readonly jitterMs: number
  /** 95th percentile of the delay above its least: queueing. */
  readonly delayVariationMs: number
  readonly sent: number
  readonly lost: number
}

export interface EchoFigures {
  /** Without the time that the server held the echo. */
  readonly rttsMs: readonly number[]
  readonly down: OneWay
  readonly up: OneWay
}

/** Undefined where no echo came back. Clocks may differ by anything that is constant. */
export function figuresOfEchoes(echoes: readonly Echo[]): EchoFigures | undefined {
  const inOrder = echoes.toSorted((one, other) => one.sequence - other.sequence)
  const last = inOrder.at(-1)
  if (!last) return undefined
  // Those after the last that came back are not counted: nobody knows which way they were lost.
  const sentUp = last.sequence + 1
  const cameUp = Math.min(sentUp, Math.max(last.receivedCount, inOrder.length))
  return {
    rttsMs: inOrder.map(
      ({ sentAtMs, receivedAtMs, returnedAtMs, backAtMs }) =>
        backAtMs - sentAtMs - Math.max(0, returnedAtMs - receivedAtMs),
    ),
    up: {
      ...variationOf(inOrder.map(({ sentAtMs, receivedAtMs }) => receivedAtMs - sentAtMs)),
      sent: sentUp,
      lost: sentUp - cameUp,
    },
    down: {
      ...variationOf(inOrder.map(({ returnedAtMs, backAtMs }) => backAtMs - returnedAtMs)),
      sent: cameUp,
      lost: cameUp - inOrder.length,
    },
  }
}

function variationOf(transitsMs: readonly number[]): Pick<OneWay, 'jitterMs' | 'delayVariationMs'> {
  let jitterMs = 0
  for (const [index, transitMs] of transitsMs.entries()) {
    const before = transitsMs[index - 1]
    // J(i) = J(i-1) + (|D(i-1, i)| - J(i-1)) / 16
    if (before !== undefined) jitterMs += (Math.abs(transitMs - before) - jitterMs) / 16
  }
  const least = Math.min(...transitsMs)
  const above = transitsMs.map(transitMs => transitMs - least)
  return { jitterMs, delayVariationMs: quantile(above, 0.95) }
}

/** IPv4 and UDP: what a packet is longer than its payload on the link. */
const HEADER_BYTES = 28
/** The first half may ride on tokens that the shaper had saved. */
const COUNTED_SHARE = 0.5
const COUNTED_MIN = 4

/**
 * Capacity by dispersion of one train (Dovrolis et al. 2004): bits of a packet over the median slope
 * of arrival time over rank (Theil and Sen) in the later half, so that a late wake-up of the receiver
 * does not tell. `received` packets arrived, of which `arrivals` are some, in order. Undefined where
 * too little arrived or it all came at once.
 */
export function capacityOfTrain(
  arrivals: readonly TrainArrival[],
  { received, bytes }: { readonly received: number; readonly bytes: number },
): number | undefined {
  const counted = arrivals.filter(({ rank }) => rank >= received * (1 - COUNTED_SHARE))
  if (counted.length < COUNTED_MIN) return undefined
  const slopes = counted.flatMap((one, position) =>
    counted.slice(position + 1).map(other => (other.atMs - one.atMs) / (other.rank - one.rank)),
  )
  const msPerPacket = median(slopes)
  return msPerPacket > 0 ? ((bytes + HEADER_BYTES) * 8000) / msPerPacket : undefined
}
