import { describe, expect, test } from 'vitest'
import type { RoundEvent } from '../../../controller/rounds/round-machine.ts'
import {
  aggregated,
  aggregationFailed,
  contributionDiagram,
  died,
  edgesOf,
  ended,
  failed,
  outcomes,
  overdue,
  refused,
  running,
  stored,
  walk,
} from './round-events.ts'

describe('contribution', () => {
  const walks: Readonly<Record<string, RoundEvent[]>> = {
    'expected --> stored: update-stored': [stored('a')],
    'expected --> refused: contribution-refused': [refused('a')],
    'expected --> failed: contribution-failed': [failed('a')],
    'expected --> lost: agent-died': [died('a')],
    'expected --> late: cr-ended': [stored('c'), ended],
    'lost --> stored: update-stored': [died('a'), stored('a')],
    'stored --> aggregated: aggregated': [stored('a'), stored('c'), ended, aggregated('prose')],
    'stored --> failed: aggregation-failed': [stored('a'), ended, aggregationFailed('prose')],
    'stored --> failed: aggregation-overdue': [stored('a'), ended, overdue],
    'late --> late: update-stored': [stored('c'), ended, stored('a')],
  }

  test('the diagram in the documentation has the edges that are walked here', () => {
    expect(edgesOf(contributionDiagram).sort()).toEqual(Object.keys(walks).sort())
  })

  test.each(Object.entries(walks))('%s', (edge, events) => {
    const [from, to] = edge.split(':')[0]?.split(' --> ') ?? []
    const { before, state } = walk(...running, ...events)
    expect([outcomes(before).a, outcomes(state).a]).toEqual([from, to])
  })

  test('the first report counts', () => {
    const reports = [stored('a'), refused('a'), failed('a')]
    for (const first of reports) {
      const expected = outcomes(walk(...running, first).state)
      for (const second of [...reports, died('a')]) {
        expect(outcomes(walk(...running, first, second).state)).toEqual(expected)
      }
    }
  })

  test('an agent that is lost is not found again by a report of failure', () => {
    for (const report of [refused('a'), failed('a')]) {
      expect(outcomes(walk(...running, died('a'), report).state).a).toBe('lost')
    }
  })
})
