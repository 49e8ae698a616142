import { z } from 'zod'
import { type Random, seededRandom, standardNormal } from '../../runtime/seeded-random.ts'
import { readShared, unpackShared } from './shared-file.ts'
import { type LabelledSamples, labelledSamples, type Trial } from './trial.ts'

const SUBCARRIERS = 56
const WINDOW = 50
/** Of windows that judge; those that train lie closer. */
const STEP = 25
const TRAINING_STEP = 5
/** D1's first 80 %: recordings are as good as equally long. */
const TRAINING_RECORDINGS = 16

/** Each window is trained on as often, each time with a drift of its own. */
const COPIES = 3
/** In deviations of a sub-carrier. */
const DRIFT = { waves: 4, waveDeviation: 0.4, deviation: 0.3 }

const indexSchema = z.object({
  classes: z.array(z.string()),
  recordings: z.array(
    z.object({
      samples: z.int(),
      offset: z.int(),
      labels: z.array(z.tuple([z.string(), z.int()])),
    }),
  ),
})

type CsiSet = 'D1' | 'D2' | 'D3'

interface Recording {
  /** [samples, subcarriers] */
  readonly amplitudes: Float32Array
  /** One a sample. */
  readonly labels: Int32Array
}

/**
 * Amplitudes of the sub-carriers of a WiFi link, ten activities of a person between two chairs (Matey-
 * Sanz et al. 2023). D2 was recorded ten minutes after D1, D3 another twenty later: the channel drifts.
 */
export const csiWindows: Trial = {
  name: 'csi.cnn-1d',
  folder: 'wifi-csi-esp32',
  model: { kind: 'cnn-1d', inputChannels: SUBCARRIERS, length: WINDOW, classes: 10 },
  epochs: 5,
  batch: 32,
  learningRate: 0.002,
  load: seed => {
    const first = readRecordings('D1')
    const trained = first.slice(0, TRAINING_RECORDINGS)
    const scale = scaleOf(trained)
    const windows = (recordings: readonly Recording[], step: number) =>
      labelledSamples(recordings.flatMap(recording => cutWindows(recording, { scale, step })))
    const test = (name: string, recordings: readonly Recording[], floor: number) => {
      const samples = windows(recordings, STEP)
      return { name, samples, floor, reference: '5-nearest-neighbour' }
    }
    return {
      training: withDrift(windows(trained, TRAINING_STEP), seededRandom(seed)),
      tests: [
        test('same-hour', first.slice(TRAINING_RECORDINGS), 0.881),
        test('10-minutes-later', readRecordings('D2'), 0.423),
        test('30-minutes-later', readRecordings('D3'), 0.392),
      ],
    }
  },
}

function readRecordings(set: CsiSet): readonly Recording[] {
  const folder = 'wifi-csi-esp32'
  const index = indexSchema.parse(JSON.parse(readShared(`${folder}/${set}.index.json`).toString()))
  const bytes = unpackShared(`${folder}/${set}.int16.gz`)
  return index.recordings.map(({ samples, offset, labels: runs }) => {
    const amplitudes = Float32Array.from(
      { length: samples * SUBCARRIERS },
      (_, place) => bytes.readInt16LE(offset + 2 * place) / 256,
    )
    const labels = new Int32Array(samples)
    for (const [name, start] of runs) labels.fill(index.classes.indexOf(name), start)
    return { amplitudes, labels }
  })
}

interface Scale {
  readonly means: readonly number[]
  readonly deviations: readonly number[]
}

/** Mean and deviation of each sub-carrier. */
function scaleOf(recordings: readonly Recording[]): Scale {
  const columns = Array.from({ length: SUBCARRIERS }, (_, subcarrier) => {
    const column = recordings.flatMap(({ amplitudes }) =>
      Array.from(
        { length: amplitudes.length / SUBCARRIERS },
        (_, sample) => amplitudes[sample * SUBCARRIERS + subcarrier] ?? 0,
      ),
    )
    const mean = column.reduce((sum, value) => sum + value, 0) / column.length
    const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length
    return { mean, deviation: Math.sqrt(variance) }
  })
  return {
    means: columns.map(({ mean }) => mean),
    deviations: columns.map(({ deviation }) => deviation),
  }
}

/** Windows of one label throughout, as [subcarriers, samples]. */
function cutWindows(
  { amplitudes, labels }: Recording,
  { scale, step }: { readonly scale: Scale; readonly step: number },
) {
  const windows = []
  for (let start = 0; start + WINDOW <= labels.length; start += step) {
    const label = labels[start] ?? 0
    if (labels.subarray(start, start + WINDOW).some(other => other !== label)) continue
    const values = Float32Array.from({ length: SUBCARRIERS * WINDOW }, (_, place) => {
      const [subcarrier, sample] = [Math.floor(place / WINDOW), place % WINDOW]
      const amplitude = amplitudes[(start + sample) * SUBCARRIERS + subcarrier] ?? 0
      return (amplitude - (scale.means[subcarrier] ?? 0)) / (scale.deviations[subcarrier] ?? 1)
    })
    windows.push({ values, label })
  }
  return windows
}

/**
 * What half an hour does to a link, so that a model learns to look past it: fading is smooth over the
 * sub-carriers, so the offset of each is a sum of a few cosines over them with random heights, and a
 * little of its own.
 */
function withDrift(samples: LabelledSamples, random: Random): LabelledSamples {
  const { inputs, inputWidth, labels } = samples
  const drifted = new Float32Array(inputs.length * COPIES)
  for (let row = 0; row < labels.length * COPIES; row++) {
    const offsets = drawDrift(random)
    const start = (row % labels.length) * inputWidth
    for (let place = 0; place < inputWidth; place++) {
      const offset = offsets[Math.floor(place / WINDOW)] ?? 0
      drifted[row * inputWidth + place] = (inputs[start + place] ?? 0) + offset
    }
  }
  const repeated = new Int32Array(labels.length * COPIES)
  for (let copy = 0; copy < COPIES; copy++) repeated.set(labels, copy * labels.length)
  return { inputs: drifted, inputWidth, labels: repeated }
}

function drawDrift(random: Random): readonly number[] {
  const { waves, waveDeviation, deviation } = DRIFT
  const heights = Array.from({ length: waves }, () => waveDeviation * standardNormal(random))
  return Array.from({ length: SUBCARRIERS }, (_, subcarrier) =>
    heights.reduce(
      (sum, height, wave) =>
        sum + height * Math.cos((Math.PI * (wave + 1) * subcarrier) / SUBCARRIERS),
      deviation * standardNormal(random),
    ),
  )
}
