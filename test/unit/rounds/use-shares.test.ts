import { expect, test } from 'vitest'
import { useShares } from '../../../controller/rounds/use-shares.ts'
import type { PhaseInterval, PhaseUse } from '../../../protocol/assignment.ts'

function phase(name: PhaseInterval['phase'], use?: PhaseUse): PhaseInterval {
  const [startedAt, endedAt] = ['2026-01-01T00:00:00.000Z', '2026-01-01T00:00:01.000Z']
  return { phase: name, startedAt, endedAt, ...(use ? { use } : {}) }
}
const slots = { used: 2, granted: 2 }

test('each kind of resource has its share of what was granted, and overruns add up', () => {
  const phases = [
    phase('download', { slots, bytes: { used: 500, granted: 1000 }, overrunMs: 30 }),
    phase('train', {
      ...{ slots, cpuSeconds: { used: 0.98, granted: 1 }, overrunMs: 12 },
      memoryBytes: { used: 2 ** 27, granted: 2 ** 29 },
    }),
    phase('upload', { slots, bytes: { used: 1010, granted: 1000 } }),
  ]
  const shares = { download: 0.5, computing: 0.98, memory: 0.25, upload: 1.01, overrunMs: 42 }
  expect(useShares(phases)).toEqual(shares)
})

test('nothing is said where nothing was granted or nothing is known', () => {
  const nothing = { slots, bytes: { used: 10, granted: 0 } }
  expect(useShares([phase('download', nothing), phase('train')])).toEqual({})
  expect(useShares([])).toEqual({})
})
