import { matrixOf } from '../../protocol/matrix.ts'
import type { Urp } from '../../protocol/urp.ts'
import type { RecordedUrp } from '../../protocol/urp-series/series-format.ts'

const STARTED_MS = Date.parse('2026-03-01T12:00:00.000Z')

export interface SampleOptions {
  readonly agentId?: string
  readonly crId?: number
  readonly slots?: number
  readonly slotMs?: number
  readonly cores?: number
  readonly blocks?: number
  /** Of every cell of the computing matrix. */
  readonly free?: number
}

/** A URP as a board would publish it, whole in every part, with matrices that halves hold exactly. */
export function sampleUrp(options: SampleOptions = {}): Urp {
  const { crId = 7, slots = 5, slotMs = 600, cores = 2, blocks = 4, free = 0.5 } = options
  const startsAtMs = STARTED_MS + crId * slots * slotMs
  const measuredAt = new Date(startsAtMs - 12_000).toISOString()
  const rate = { n: 3, method: 'receiver-timed trains', measuredAt, bytesSpent: 400_000 }
  const cell = (row: number, column: number) => ((row + column) % 4) / 4
  return {
    session: 3,
    sequence: crId,
    sentAt: new Date(startsAtMs - 300).toISOString(),
    crId,
    slots,
    slotMs,
    validUntil: new Date(startsAtMs + slots * slotMs).toISOString(),
    frequency: [
      {
        link: 'edge',
        kind: 'link-share',
        blockCount: blocks,
        availability: matrixOf(slots, blocks, cell),
      },
    ],
    computing: {
      units: Array.from({ length: cores }, (_, core) => ({
        unit: `cpu${core}`,
        kind: 'cpu-core' as const,
        peakFlopsPerSecond: 6e9,
        sustainedFactor: 0.9,
      })),
      availability: matrixOf(slots, cores, () => free),
      threads: 1,
      runtime: 'native',
    },
    memory: {
      totalBytes: 4e9,
      availableBytes: 5e8,
      availability: matrixOf(slots, 1, () => 0.625),
    },
    links: [
      {
        link: 'edge',
        downlinkBitsPerSecond: { ...rate, p10: 7.9e6, p50: 8e6, p90: 8.2e6 },
        rttMs: { ...rate, min: 10, p10: 11, p50: 12, p90: 14, bytesSpent: 0 },
      },
    ],
    sensing: [
      {
        sensor: 'text',
        kind: 'text-folder',
        form: { element: 'uint8', shape: [] },
        rowsPerSecond: 8,
        bytesPerSecond: 2000,
        dropShare: 0,
        resourceBlocks: 0,
        labelled: false,
      },
    ],
    clock: { offsetMs: -3.2, errorMs: 0.8, measuredAt, driftPpm: 4.1 },
    cost: {
      bytesSpent: 1234,
      cpuSecondsSpent: 1.5,
      lastRound: { bytesSpent: 255, cpuSecondsSpent: 0.01 },
    },
    provenance: {
      compute: { status: 'ok', method: 'training steps', measuredAt, durationMs: 4000, samples: 9 },
      thermal: { status: 'absent', reason: 'no zones', measuredAt, durationMs: 1 },
    },
  }
}

/** The same as one of a recorded series, received half a slot before its round. */
export function sampleEntry(options: SampleOptions = {}): RecordedUrp {
  const urp = sampleUrp(options)
  return { agentId: options.agentId ?? 'pi-04', receivedAt: urp.sentAt, urp }
}
