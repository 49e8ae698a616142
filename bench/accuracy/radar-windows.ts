import { z } from 'zod'
import { type Random, seededRandom, standardNormal } from '../../runtime/seeded-random.ts'
import { readShared, unpackShared } from './shared-file.ts'
import { type LabelledSamples, labelledSamples, type Trial } from './trial.ts'

/** Frames: two seconds. */
const WINDOW = 60
const STEP = 20
const TRAINING_STEP = 5

/** What a point of the cloud is counted by: forward, left and up in metres, doppler as an index. */
const HISTOGRAMS = [
  { from: 0, to: 5, bins: 10 },
  { from: -1, to: 1, bins: 10 },
  { from: -2, to: 2, bins: 16 },
  { from: -4.5, to: 4.5, bins: 9 },
] as const
const CHANNELS = HISTOGRAMS.reduce((sum, { bins }) => sum + bins, 0)
/** Metres by which people stand elsewhere than in the recordings. */
const SHIFT_DEVIATIONS = [0.2, 0.1, 0.1] as const
/** Points that count as 1 before the root. */
const POINTS_UNIT = 10

const indexSchema = z.object({
  captures: z.array(z.object({ label: z.string(), offset: z.int(), bytes: z.int() })),
})

/** x, y, z and doppler. */
type Point = readonly [number, number, number, number]
type Frame = readonly Point[]

interface Capture {
  readonly label: number
  readonly frames: readonly Frame[]
}

/**
 * Point clouds of a millimetre-wave radar, five activities (RadHAR, Singh et al. 2019). A frame becomes
 * histograms of its points, in place of the voxels of that paper: 45 numbers and not 10,240.
 */
export const radarWindows: Trial = {
  name: 'radhar.cnn-1d',
  folder: 'radhar-mmwave',
  model: { kind: 'cnn-1d', inputChannels: CHANNELS, length: WINDOW, classes: 5 },
  epochs: 5,
  batch: 32,
  learningRate: 0.002,
  load: seed => {
    const random = seededRandom(seed)
    const training = cutWindows(readCaptures('train'), TRAINING_STEP, () => placed(random))
    const samples = cutWindows(readCaptures('test'), STEP, () => point => point)
    const test = { name: 'accuracy', samples, floor: 0.816, reference: '5-nearest-neighbour' }
    return { training, tests: [test] }
  },
}

function readCaptures(part: 'train' | 'test'): readonly Capture[] {
  const folder = 'radhar-mmwave'
  const json = readShared(`${folder}/${part}.index.json`).toString()
  const { captures } = indexSchema.parse(JSON.parse(json))
  const bytes = unpackShared(`${folder}/${part}.bin.gz`)
  const classes = [...new Set(captures.map(({ label }) => label))].sort()
  return captures.map(({ label, offset, bytes: length }) => ({
    label: classes.indexOf(label),
    frames: readFrames(bytes.subarray(offset, offset + length)),
  }))
}

/** A frame: uint32 microseconds, uint16 n, n points of int16 x, y, z, doppler and uint16 peak. */
function readFrames(bytes: Buffer): readonly Frame[] {
  const frames: Frame[] = []
  for (let at = 0; at < bytes.length; ) {
    const count = bytes.readUInt16LE(at + 4)
    const start = at + 6
    frames.push(
      Array.from({ length: count }, (_, index): Point => {
        const metres = (axis: number) => bytes.readInt16LE(start + 10 * index + 2 * axis) / 512
        return [metres(0), metres(1), metres(2), bytes.readInt16LE(start + 10 * index + 6)]
      }),
    )
    at = start + 10 * count
  }
  return frames
}

type Placement = (point: Point) => Point

/** Somebody who stands a little elsewhere, or the other way round. */
function placed(random: Random): Placement {
  const [dx, dy, dz] = SHIFT_DEVIATIONS.map(deviation => deviation * standardNormal(random))
  const side = random() < 0.5 ? -1 : 1
  return ([x, y, z, doppler]) => [x + (dx ?? 0), side * y + (dy ?? 0), z + (dz ?? 0), doppler]
}

/** Windows as [channels, frames]; each has a placement of its own. */
function cutWindows(
  captures: readonly Capture[],
  step: number,
  placement: () => Placement,
): LabelledSamples {
  return labelledSamples(
    captures.flatMap(({ label, frames }) => {
      const count = Math.max(0, Math.floor((frames.length - WINDOW) / step) + 1)
      return Array.from({ length: count }, (_, index) => {
        const place = placement()
        const values = new Float32Array(CHANNELS * WINDOW)
        for (let at = 0; at < WINDOW; at++) {
          const frame = frames[index * step + at] ?? []
          for (const [channel, points] of countPoints(frame.map(place)).entries()) {
            values[channel * WINDOW + at] = Math.sqrt(points / POINTS_UNIT)
          }
        }
        return { values, label }
      })
    }),
  )
}

/** How many points fall into each bin of each histogram; what is outside counts at the edge. */
function countPoints(frame: Frame): Float32Array {
  const counts = new Float32Array(CHANNELS)
  for (const point of frame) {
    let first = 0
    for (const [axis, { from, to, bins }] of HISTOGRAMS.entries()) {
      const bin = Math.floor((((point[axis] ?? 0) - from) / (to - from)) * bins)
      const channel = first + Math.min(bins - 1, Math.max(0, bin))
      counts[channel] = (counts[channel] ?? 0) + 1
      first += bins
    }
  }
  return counts
}
