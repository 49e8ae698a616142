import { describe, expect, test } from 'vitest'
import { outcomeOf } from '../../../cases/hardware-in-the-loop/outcome.ts'
import { reportText } from '../../../cases/hardware-in-the-loop/report.ts'
import type { RoundRecord } from '../../../protocol/round-record.ts'

const HASH = 'a'.repeat(64)

/** A round in which both models were judged, before and after. */
function record(
  crId: number,
  losses: Readonly<Record<string, readonly [number, number]>>,
): RoundRecord {
  const models = Object.entries(losses).map(([modelId, [before, after]]) => ({
    modelId,
    versionBefore: HASH,
    versionAfter: HASH,
    versionNumber: crId,
    contributions: 1,
    sampleCount: 50,
    judgementBefore: { lossMean: before },
    judgement: { lossMean: after },
  }))
  const at = '2026-01-01T00:00:00.000Z'
  return {
    ...{ session: 1, sequence: crId, sentAt: at, crId, startedAt: at, endedAt: at },
    ...{ policy: 'greedy-gain', gain: 1, bound: 1, gap: 0, choices: [], excluded: [] },
    contributions: [
      { agentId: 'camera-board', grId: crId, modelId: 'visual', outcome: 'aggregated' },
    ],
    models,
  }
}

const none = { losses: [], events: [] }

describe('a run of the fleet with everything attached', () => {
  test('passes where both models end better than they began', () => {
    const records = [
      record(1, { wireless: [3, 2], visual: [9, 8] }),
      record(2, { wireless: [2, 2.5], visual: [8, 5] }),
    ]
    const outcome = outcomeOf(records, { ...none, rounds: 2 })
    expect(outcome.faults).toEqual([])
    expect(outcome.models).toMatchObject([
      { modelId: 'wireless', versions: 2, samples: 100, lossFirst: 3, lossLast: 2.5, agents: [] },
      { modelId: 'visual', lossFirst: 9, lossLast: 5, agents: ['camera-board'] },
    ])
    expect(reportText(outcome)).toContain('passed: no daemon was restarted')
  })

  test.each([
    [
      'that is no better',
      [record(1, { wireless: [2, 2], visual: [2, 1] })],
      'wireless did not get',
    ],
    ['that nobody trained', [record(1, { wireless: [2, 1] })], 'visual did not get better'],
    ['with a round too few', [], '0 of 1 rounds were played'],
  ])('fails with a model or run %s, and says so', (_, records, words) => {
    const outcome = outcomeOf(records, { ...none, rounds: 1 })
    expect(outcome.faults.join()).toContain(words)
    expect(reportText(outcome)).toContain('failed')
  })
})
