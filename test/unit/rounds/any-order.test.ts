import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openRound, type RoundEvent, stepRound } from '../../../controller/rounds/round-machine.ts'
import { RoundContribution } from '../../../protocol/round-record.ts'
import {
  CR,
  died,
  ENDED_MS,
  edgesOf,
  ended,
  machineDiagram,
  matched,
  overdue,
  running,
  stored,
  urp,
  walk,
} from './round-events.ts'

describe('any order of events', () => {
  const agent = fc.constantFrom('a', 'b', 'c', 'd', 'x')
  const crId = fc.constantFrom(CR, CR, CR, CR - 1, CR + 1)
  const model = fc.constantFrom('prose', 'code', 'poems')
  const report = fc.record({ crId, agentId: agent, grId: fc.constantFrom(2, 2, 1) })
  const event: fc.Arbitrary<RoundEvent> = fc.oneof(
    fc.record({
      type: fc.constant('urp-received' as const),
      crId,
      agentId: agent,
      urp: fc.constant(urp),
    }),
    fc.record({ type: fc.constant('cr-started' as const), crId }),
    crId.map(id => matched({ a: 'prose', b: 'prose', c: 'code', d: null }, id)),
    report.map(one => ({ ...stored(one.agentId), ...one })),
    report.map(one => ({ ...one, type: 'contribution-refused' as const, reason: 'r' })),
    report.map(one => ({ ...one, type: 'contribution-failed' as const, reason: 'f' })),
    agent.map(died),
    fc.record({ type: fc.constant('cr-ended' as const), crId, endedAtMs: fc.constant(ENDED_MS) }),
    fc.record({ type: fc.constant('aggregated' as const), crId, modelId: model }),
    fc.record({
      type: fc.constant('aggregation-failed' as const),
      crId,
      modelId: model,
      reason: fc.constant('n'),
    }),
    fc.record({ type: fc.constant('aggregation-overdue' as const), crId }),
  )
  /** Starts many runs where updates matter. */
  const start = fc.constantFrom<RoundEvent[]>([], running, [...running, stored('a'), stored('c')])
  const events = fc.tuple(start, fc.array(event, { maxLength: 40 })).map(lists => lists.flat())

  test('ends when the clock has ended the round and the aggregation, with one record', () => {
    fc.assert(
      fc.property(events, list => {
        const { state, allEffects } = walk(...list, ended, overdue)
        expect(state.phase).toBe('done')
        const records = allEffects.filter(effect => effect.type === 'publish-record')
        expect(records).toHaveLength(1)
        for (const one of records.flatMap(record => record.contributions)) {
          RoundContribution.parse(one)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('averages no update twice, and records as aggregated only what was averaged', () => {
    fc.assert(
      fc.property(events, list => {
        const { allEffects } = walk(...list, ended, overdue)
        const averaged = allEffects.flatMap(effect =>
          effect.type === 'aggregate'
            ? effect.contributions.map(one => `${one.agentId}/${one.grId}`)
            : [],
        )
        expect(new Set(averaged).size).toBe(averaged.length)
        const settled = allEffects.flatMap(effect =>
          effect.type === 'publish-record'
            ? effect.contributions.filter(one => one.outcome === 'aggregated')
            : [],
        )
        for (const one of settled) expect(averaged).toContain(`${one.agentId}/${one.grId}`)
      }),
      { numRuns: 1000 },
    )
  })

  test('changes the phase only along the edges of the diagram', () => {
    const edges = new Set(edgesOf(machineDiagram).map(edge => edge.split(',')[0]))
    fc.assert(
      fc.property(events, list => {
        let state = openRound(CR)
        for (const one of list) {
          const next = stepRound(state, one).state
          if (next.phase !== state.phase) {
            expect(edges).toContain(`${state.phase} --> ${next.phase}: ${one.type}`)
          }
          state = next
        }
      }),
      { numRuns: 1000 },
    )
  })
})
