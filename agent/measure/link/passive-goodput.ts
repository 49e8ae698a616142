import { type Arrival, GoodputEstimator } from './goodput-estimator.ts'

/** A transfer that somebody wanted anyway, as a measurement. */
export interface PassiveSample {
  readonly bitsPerSecond: number
  /** That the sample is of. */
  readonly bytes: number
  readonly durationMs: number
}

/** Less tells slow start, bursts and one late wake-up. */
const BYTES_MIN = 64 * 1024
const DURATION_MS_MIN = 150
/** Without a byte for so long the sender had nothing to send, or the link was away. */
const GAP_MS = 400

/**
 * Goodput from a real transfer: arrivals at the receiver of a download, acknowledgements of an
 * upload. The longest span without a pause counts, in which the link was what held it up; its slow
 * start does not. Undefined where the transfer was too short to tell. Pure.
 */
export function passiveGoodput(arrivals: readonly Arrival[]): PassiveSample | undefined {
  const spans = spansOf(arrivals)
  const longest = spans.reduce<readonly Arrival[]>(
    (best, span) => (bytesOf(span) > bytesOf(best) ? span : best),
    [],
  )
  const estimator = new GoodputEstimator()
  for (const { atMs, bytesTotal } of longest) estimator.add(atMs, bytesTotal)
  const estimate = estimator.estimate()
  if (!estimate || estimate.keptBytes < BYTES_MIN || estimate.keptMs < DURATION_MS_MIN) return
  const { bitsPerSecond, keptBytes: bytes, keptMs: durationMs } = estimate
  return { bitsPerSecond, bytes, durationMs }
}

function spansOf(arrivals: readonly Arrival[]): Arrival[][] {
  const spans: Arrival[][] = []
  let last: Arrival | undefined
  for (const arrival of arrivals) {
    if (last && arrival.bytesTotal === last.bytesTotal) continue
    if (!last || arrival.atMs - last.atMs > GAP_MS) spans.push([])
    spans.at(-1)?.push(arrival)
    last = arrival
  }
  return spans
}

function bytesOf(span: readonly Arrival[]): number {
  return (span.at(-1)?.bytesTotal ?? 0) - (span[0]?.bytesTotal ?? 0)
}
