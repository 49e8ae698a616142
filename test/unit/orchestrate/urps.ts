import { matrixOf } from '../../../protocol/matrix.ts'
import type { Quantity, Urp } from '../../../protocol/urp.ts'

export const NOW_MS = Date.parse('2026-01-01T00:00:00.000Z')
const at = '2026-01-01T00:00:00.000Z'

function quantity(p50: number): Quantity {
  return {
    p10: p50 / 2,
    p50,
    p90: p50 * 2,
    n: 3,
    method: 'transfer',
    measuredAt: at,
    bytesSpent: 1,
  }
}

/** Four slots of half a second, ten free blocks, one core of 1 GFLOP/s at a factor of 0.8. */
export function urpOf(): Urp {
  return {
    session: 1,
    sequence: 0,
    sentAt: at,
    crId: 7,
    slots: 4,
    slotMs: 500,
    validUntil: '2026-01-01T00:00:10.000Z',
    frequency: [
      {
        link: 'edge',
        kind: 'link-share',
        blockCount: 10,
        availability: matrixOf(4, 10, () => 1),
      },
    ],
    computing: {
      units: [{ unit: 'cpu0', kind: 'cpu-core', peakFlopsPerSecond: 1e9, sustainedFactor: 0.8 }],
      availability: matrixOf(4, 1, () => 1),
      threads: 1,
    },
    links: [
      {
        link: 'edge',
        downlinkBitsPerSecond: quantity(20_000_000),
        uplinkBitsPerSecond: quantity(10_000_000),
      },
    ],
    sensing: [],
    provenance: {},
  }
}
