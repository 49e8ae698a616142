import { encodeFrame } from '../../firmware-bridge/frame-codec.ts'
import { seededRandom } from '../../runtime/seeded-random.ts'

const PAYLOAD_BYTES = { least: 8, most: 250 }
const DAMAGED_RUN_MAX = 40

export interface FrameStream {
  readonly wire: Buffer
  readonly frames: number
  /** Numbers of the frames that the noise touched. */
  readonly hit: ReadonlySet<number>
}

/** Frames with their number as the first four bytes; a share of the bytes replaced in runs. */
export function frameStream(o: {
  readonly bytes: number
  readonly damagedShare: number
  readonly seed: number
}): FrameStream {
  const random = seededRandom(o.seed)
  const below = (count: number): number => Math.floor(random() * count)
  const parts: Uint8Array[] = []
  const hit = new Set<number>()
  let [bytes, frames, owed] = [0, 0, 0]
  while (bytes < o.bytes) {
    const frame = numberedFrame(frames, below)
    owed += frame.length * o.damagedShare
    const length = 1 + below(DAMAGED_RUN_MAX)
    if (owed >= length && length <= frame.length) {
      owed -= length
      damage(frame, { from: below(frame.length - length + 1), length, below })
      hit.add(frames)
      // Without its zero a frame runs into the next one.
      if (frame.at(-1) !== 0) hit.add(frames + 1)
    }
    parts.push(frame)
    bytes += frame.length
    frames += 1
  }
  hit.delete(frames)
  return { wire: Buffer.concat(parts), frames, hit }
}

type Below = (count: number) => number

function numberedFrame(number: number, below: Below): Uint8Array {
  const { least, most } = PAYLOAD_BYTES
  const payload = new Uint8Array(least + below(most - least))
  // Zeros are what stuffing is about.
  for (let at = 4; at < payload.length; at++) payload[at] = below(10) === 0 ? 0 : below(256)
  new DataView(payload.buffer).setUint32(0, number, true)
  return encodeFrame({ type: 0x42, sequence: number & 0xff, payload })
}

/** Every byte of the run becomes another. */
function damage(
  frame: Uint8Array,
  {
    from,
    length,
    below,
  }: { readonly from: number; readonly length: number; readonly below: Below },
): void {
  for (let at = from; at < from + length; at++) frame[at] = (frame[at] ?? 0) ^ (1 + below(255))
}
