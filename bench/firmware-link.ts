import { median } from 'simple-statistics'
import { FrameParser } from '../firmware-bridge/frame-parser.ts'
import type { Bench, BenchResult, BenchRow } from './bench-report.ts'
import { type FrameStream, frameStream } from './firmware-link/frame-stream.ts'
import { throughTerminal } from './firmware-link/terminal-run.ts'

/** 921,600 baud, 8N1: ten bits a byte. */
const LINE_BYTES_PER_SECOND = 92_160
const CHUNK_BYTES = 4096

const SCALE = { codecBytes: 4_000_000, codecRuns: 9, lineBytes: 10_000_000 }
const SCALE_QUICK = { codecBytes: 2_000_000, codecRuns: 5, lineBytes: 2_000_000 }

/** How fast frames are made and read, and what a noisy line costs of them. */
export const firmwareLink: Bench = {
  name: 'firmware-link',
  description: 'frames of the firmware: their codec, and a noisy pseudo-terminal',
  minutes: 2,
  run: ({ quick }) => measureFirmwareLink(quick ? SCALE_QUICK : SCALE),
}

export async function measureFirmwareLink(scale: typeof SCALE): Promise<BenchResult> {
  const clean = frameStream({ bytes: scale.codecBytes, damagedShare: 0, seed: 1 })
  const rates = Array.from({ length: scale.codecRuns }, () => decodingRate(clean))
  const noisy = frameStream({ bytes: scale.lineBytes, damagedShare: 0.01, seed: 2 })
  const run = await throughTerminal(noisy)
  const count = (name: string, value: number, unit: string): BenchRow => ({
    name,
    value,
    unit,
    n: 1,
  })
  return {
    rows: [
      {
        name: 'codec.vs-line-rate',
        value: median(rates),
        unit: 'bytes/cpu-second',
        reference: '921,600 baud',
        referenceValue: LINE_BYTES_PER_SECOND,
        ratio: median(rates) / LINE_BYTES_PER_SECOND,
        low: Math.min(...rates),
        high: Math.max(...rates),
        n: rates.length,
      },
      count('pty.bytes', run.bytes, 'bytes'),
      count('pty.frames', noisy.frames, 'frames'),
      count('pty.hit', noisy.hit.size, 'frames'),
      count('pty.lost', run.lost, 'frames'),
      count('pty.changed', run.changed, 'frames'),
    ],
    notes: [
      'goal: codec at 40 times the line or more, pty.lost 0, pty.changed 0',
      'pty: 1 % of the bytes are replaced by others; hit: frames that were touched; lost: others that did not arrive',
    ],
  }
}

/** Bytes per second of CPU, from bytes as they come off the line to frames. */
function decodingRate({ wire, frames }: FrameStream): number {
  const parser = new FrameParser()
  let found = 0
  parser.on('data', () => {
    found += 1
  })
  parser.pause()
  const before = process.cpuUsage()
  for (let at = 0; at < wire.length; at += CHUNK_BYTES) {
    parser.write(wire.subarray(at, at + CHUNK_BYTES))
    while (parser.read() !== null);
  }
  const { user, system } = process.cpuUsage(before)
  if (found !== frames) throw new Error(`${found} frames of ${frames} were read`)
  return (wire.length * 1e6) / (user + system)
}
