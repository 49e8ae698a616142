import { median } from 'simple-statistics'
import { GainnetError } from '../../../runtime/errors.ts'

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

export interface TrainsGoodput {
  /** Median of the last trains. */
  readonly bitsPerSecond: number
  readonly trains: readonly { readonly bytes: number; readonly bitsPerSecond: number }[]
  readonly bytesSpent: number
}

/** Through the broker, for where the probe port cannot be reached: coarse, and said to be so. */
export const TRAINS_METHOD = 'receiver-timed trains through the broker'

const TRAIN_BYTES_FIRST = 32 * 1024
const BLOCK_BYTES = 8 * 1024
const BLOCKS_MAX = 64
/** A shorter train is told too high by token-bucket bursts and too low by one late wake-up. */
const TRAIN_MS_ENOUGH = 250
const TRAINS_COUNTED = 3

/**
 * Trains that double until one takes long enough; then its size is repeated until three took long
 * enough. Ends earlier when the next train would exceed the budget.
 */
export async function goodputOf(
  send: (train: Train) => Promise<TrainResult>,
  { bytesMax, signal }: { readonly bytesMax: number; readonly signal: AbortSignal },
): Promise<TrainsGoodput> {
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
