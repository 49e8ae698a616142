import FFT from 'fft.js'
import { median } from 'simple-statistics'
import { FFT_POINTS, type SpectrumPlan } from '../agent/radio/spectrum/spectrum-plan.ts'
import { SpectrumRounds } from '../agent/radio/spectrum/spectrum-rounds.ts'
import { SpectrumThread } from '../agent/radio/spectrum/spectrum-thread.ts'
import { fillStandardNormal, seededRandom } from '../runtime/seeded-random.ts'
import { keepHeapSmall } from '../runtime/small-heap.ts'
import type { Bench, BenchResult, BenchRow } from './bench-report.ts'

/** What an RTL2832U sends without losses on most hosts. */
const RATE_HZ = 2_400_000
const PLAN: SpectrumPlan = { format: 'cu8', rateHz: RATE_HZ, blocks: 16, slots: 10, slotMs: 100 }
/** As rtl_tcp hands it over. */
const CHUNK_BYTES = 65_536
/** Of one second, a tenth of which is made: making more leaves garbage that memory is judged by. */
const STREAM_BYTES = 2 * RATE_HZ

export interface SpectrumScale {
  readonly runs: number
  readonly runSeconds: number
  readonly streamSeconds: number
}

const SCALE: SpectrumScale = { runs: 9, runSeconds: 4, streamSeconds: 1200 }
const SCALE_QUICK: SpectrumScale = { runs: 5, runSeconds: 2, streamSeconds: 400 }

/** How fast samples of a radio become occupied and free blocks, and what a long stream costs. */
export const spectrum: Bench = {
  name: 'spectrum',
  description: 'samples of a radio to occupancy of blocks: speed on one core, memory',
  minutes: 4,
  run: ({ quick }) => measureSpectrum(quick ? SCALE_QUICK : SCALE),
}

export async function measureSpectrum(scale: SpectrumScale): Promise<BenchResult> {
  // As the agent does.
  keepHeapSmall()
  const stream = radioNoise()
  // Before the runs below leave their garbage in this process.
  const { growthMib, startMib } = await longStream(stream, scale.streamSeconds)
  // The first runs warm the compiler up.
  wholeSeconds(stream, 1)
  transformSeconds(1)
  const runs = Array.from({ length: scale.runs }, () => ({
    whole: wholeSeconds(stream, scale.runSeconds),
    transforms: transformSeconds(scale.runSeconds),
  }))
  const ratio = spanned(runs.map(({ whole }) => scale.runSeconds / whole))
  return {
    rows: [
      {
        name: 'realtime.ratio',
        ...ratio,
        unit: 'times real time',
        reference: '2.4 MS/s',
        referenceValue: 1,
        ratio: ratio.value,
      },
      {
        name: 'fft.share',
        ...spanned(runs.map(({ whole, transforms }) => transforms / whole)),
        unit: 'of the time',
      },
      { name: 'rss.growth', value: Number(growthMib.toFixed(2)), unit: 'MiB', n: 1 },
    ],
    notes: [
      'goals: realtime.ratio 3 or more, rss.growth about 0',
      'realtime: seconds of a stream by seconds of CPU time, from bytes to availability, one thread',
      `fft.share: CPU time of as many transforms of ${FFT_POINTS} points by fft.js alone, by that of the whole`,
      `rss: ${scale.streamSeconds} s of 2.4 MS/s through the thread of the agent; median of the last tenth less that of the tenth before the middle, ${startMib.toFixed(0)} MiB`,
    ],
  }
}

function radioNoise(): Uint8Array {
  const noise = fillStandardNormal(new Float32Array(STREAM_BYTES / 10), seededRandom(1))
  // Rounds and stays between 0 and 255, as a converter does.
  const bytes = new Uint8ClampedArray(noise.map(value => 127.5 + 6 * value))
  const stream = new Uint8Array(STREAM_BYTES)
  for (let at = 0; at < stream.length; at += bytes.length) stream.set(bytes, at)
  return stream
}

function* chunks(stream: Uint8Array, seconds: number): Generator<Uint8Array> {
  for (let second = 0; second < seconds; second++) {
    for (let at = 0; at < stream.length; at += CHUNK_BYTES) {
      yield stream.subarray(at, at + CHUNK_BYTES)
    }
  }
}

function wholeSeconds(stream: Uint8Array, seconds: number): number {
  let rounds = 0
  const measured = new SpectrumRounds(PLAN, () => {
    rounds += 1
  })
  const taken = cpuSeconds(() => {
    for (const chunk of chunks(stream, seconds)) measured.push(chunk)
  })
  if (rounds !== seconds) throw new Error(`${rounds} rounds of ${seconds} were measured`)
  return taken
}

function transformSeconds(seconds: number): number {
  const fft = new FFT(FFT_POINTS)
  const samples = Float64Array.from(fillStandardNormal(new Float32Array(1024), seededRandom(2)))
  const out = new Float64Array(2 * FFT_POINTS)
  const count = Math.floor((seconds * RATE_HZ) / FFT_POINTS)
  return cpuSeconds(() => {
    for (let index = 0; index < count; index++) fft.transform(out, samples)
  })
}

function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

async function longStream(
  stream: Uint8Array,
  seconds: number,
): Promise<{ readonly growthMib: number; readonly startMib: number }> {
  const thread = new SpectrumThread(PLAN, () => undefined)
  const rss: number[] = []
  for (let second = 0; second < seconds; second++) {
    for (const chunk of chunks(stream, 1)) await thread.push(chunk)
    rss.push(process.memoryUsage.rss() / 2 ** 20)
  }
  await thread.finish()
  const tenth = Math.ceil(seconds / 10)
  const middle = Math.floor(seconds / 2)
  // The heap of a new thread takes some minutes of stream to find its size.
  const startMib = median(rss.slice(middle - tenth, middle))
  return { growthMib: median(rss.slice(-tenth)) - startMib, startMib }
}

function spanned(values: readonly number[]): Pick<BenchRow, 'value' | 'low' | 'high' | 'n'> {
  const rounded = values.map(value => Number(value.toFixed(3)))
  return {
    value: median(rounded),
    low: Math.min(...rounded),
    high: Math.max(...rounded),
    n: values.length,
  }
}
