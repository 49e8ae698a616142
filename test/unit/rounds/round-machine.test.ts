import { describe, expect, test } from 'vitest'
import type { RoundEffect, RoundEvent } from '../../../controller/rounds/round-machine.ts'
import {
  aggregated,
  aggregationFailed,
  CR,
  died,
  ENDED_MS,
  edgesOf,
  ended,
  failed,
  machineDiagram,
  matched,
  outcomes,
  overdue,
  refused,
  reported,
  running,
  started,
  stored,
  urp,
  walk,
} from './round-events.ts'

/** For each edge of the diagram the events that lead over it, the last one being the edge. */
const WALKS: Readonly<Record<string, { events: RoundEvent[]; effects: RoundEffect['type'][] }>> = {
  'collecting --> collecting: urp-received': { events: [reported('a')], effects: [] },
  'collecting --> collecting: agent-died': { events: [reported('a'), died('a')], effects: [] },
  'collecting --> matching: cr-started': { events: [reported('a'), started], effects: ['match'] },
  'collecting --> done: cr-ended': { events: [ended], effects: ['publish-record'] },
  'matching --> matching: agent-died': { events: [started, died('a')], effects: [] },
  'matching --> running: matched': { events: running, effects: ['publish-assignments'] },
  'matching --> done: cr-ended': { events: [started, ended], effects: ['publish-record'] },
  'running --> running: update-stored': { events: [...running, stored('a')], effects: [] },
  'running --> running: contribution-refused': { events: [...running, refused('a')], effects: [] },
  'running --> running: contribution-failed': { events: [...running, failed('a')], effects: [] },
  'running --> running: agent-died': { events: [...running, died('a')], effects: [] },
  'running --> closing: cr-ended, updates stored': {
    events: [...running, stored('a'), stored('c'), ended],
    effects: ['aggregate', 'aggregate'],
  },
  'running --> done: cr-ended, none stored': {
    events: [...running, failed('a'), ended],
    effects: ['publish-record'],
  },
  'closing --> closing: aggregated, models left': {
    events: [...running, stored('a'), stored('c'), ended, aggregated('code')],
    effects: [],
  },
  'closing --> closing: aggregation-failed, models left': {
    events: [...running, stored('a'), stored('c'), ended, aggregationFailed('code')],
    effects: [],
  },
  'closing --> closing: update-stored': {
    events: [...running, stored('a'), ended, stored('b', { atMs: ENDED_MS + 40 })],
    effects: ['answer-late'],
  },
  'closing --> done: aggregated, none left': {
    events: [...running, stored('a'), ended, aggregated('prose')],
    effects: ['publish-record'],
  },
  'closing --> done: aggregation-failed, none left': {
    events: [...running, stored('a'), ended, aggregationFailed('prose')],
    effects: ['publish-record'],
  },
  'closing --> done: aggregation-overdue': {
    events: [...running, stored('a'), stored('c'), ended, overdue],
    effects: ['publish-record'],
  },
  'done --> done: update-stored': {
    events: [...running, ended, stored('b', { atMs: ENDED_MS + 40 })],
    effects: ['answer-late'],
  },
}

describe('round machine', () => {
  test('the diagram in the documentation has the edges that are walked here', () => {
    expect(edgesOf(machineDiagram).sort()).toEqual(Object.keys(WALKS).sort())
  })

  test.each(Object.entries(WALKS))('%s', (edge, { events, effects }) => {
    const [from, to] = edge.split(':')[0]?.split(' --> ') ?? []
    const last = walk(...events)
    expect([last.before.phase, last.state.phase]).toEqual([from, to])
    expect(last.effects.map(effect => effect.type)).toEqual(effects)
    expect(edge.split(': ')[1]?.split(',')[0]).toBe(events.at(-1)?.type)
    expect(last.state).not.toEqual(last.before)
  })

  test('the URPs of those alive when the round starts are matched', () => {
    const newer = { ...urp, sequence: 5 }
    const { effects } = walk(
      reported('a'),
      reported('b'),
      { type: 'urp-received', crId: CR, agentId: 'a', urp: newer },
      died('b'),
      started,
    )
    expect(effects).toEqual([{ type: 'match', crId: CR, urps: new Map([['a', newer]]) }])
  })

  test('assignments to consume are expected back, assignments to sense only are not', () => {
    expect(outcomes(walk(...running).state)).toEqual({
      a: 'expected',
      b: 'expected',
      c: 'expected',
    })
  })

  test('who died during matching is lost from the start', () => {
    const { state } = walk(started, died('b'), matched({ a: 'prose', b: 'prose' }))
    expect(outcomes(state)).toEqual({ a: 'expected', b: 'lost' })
  })

  test('a round in which nobody reports ends with an empty record', () => {
    expect(walk(started, matched({}), ended).effects).toEqual([
      { type: 'publish-record', crId: CR, contributions: [] },
    ])
  })

  test('a matching that comes after the end of its round goes nowhere', () => {
    const late = walk(started, ended, matched({ a: 'prose' }))
    expect(late.state).toBe(late.before)
    expect(late.effects).toEqual([])
  })

  test('each model is averaged over its own stored updates', () => {
    const { effects } = walk(...running, stored('c'), stored('b'), stored('a'), ended)
    const summary = effects.map(effect =>
      effect.type === 'aggregate'
        ? [effect.modelId, effect.contributions.map(one => one.agentId)]
        : effect.type,
    )
    expect(summary).toEqual([
      ['code', ['c']],
      ['prose', ['a', 'b']],
    ])
  })

  test('an update of another round, of another GR or of nobody asked changes nothing', () => {
    for (const event of [stored('a', { crId: 2 }), stored('a', { grId: 1 }), stored('d')]) {
      const step = walk(...running, event)
      expect(outcomes(step.state)).toEqual(outcomes(step.before))
      expect(step.effects).toEqual([])
    }
  })

  test('timers of another round change nothing', () => {
    const other: RoundEvent[] = [
      { type: 'cr-started', crId: 2 },
      { type: 'cr-ended', crId: 4, endedAtMs: 1 },
      { type: 'aggregation-overdue', crId: 2 },
    ]
    for (const event of other) {
      for (const events of [[], [started], running, [...running, stored('a'), ended]]) {
        const step = walk(...events, event)
        expect(step.state).toBe(step.before)
      }
    }
  })

  test('a second start or end of the same round changes nothing', () => {
    for (const events of [
      [...running, started],
      [...running, stored('a'), ended, ended],
      [...running, ended, overdue],
    ]) {
      const step = walk(...events)
      expect(step.effects).toEqual([])
      expect(step.state).toEqual(step.before)
    }
  })

  test('an average that is reported twice, or was never asked for, settles nothing more', () => {
    const closing = [...running, stored('a'), stored('c'), ended, aggregated('code')]
    for (const event of [aggregated('code'), aggregated('poems'), aggregationFailed('code')]) {
      const step = walk(...closing, event)
      expect(step.state).toEqual(step.before)
      expect(step.effects).toEqual([])
    }
  })

  test('the record states what became of each contribution', () => {
    const { effects } = walk(
      started,
      matched({ a: 'prose', b: 'prose', c: 'code', e: 'prose', f: 'code', g: 'prose' }),
      stored('a'),
      refused('b'),
      stored('c'),
      died('e'),
      ended,
      stored('g', { atMs: ENDED_MS + 12 }),
      aggregationFailed('code'),
      aggregated('prose'),
    )
    const [record] = effects
    if (record?.type !== 'publish-record') throw new Error('no record was published')
    const part = { grId: 2, modelId: 'prose' }
    expect(record.contributions).toEqual([
      {
        agentId: 'a',
        ...part,
        outcome: 'aggregated',
        sampleCount: 40,
        lossBefore: 3,
        lossAfter: 2,
        bytes: 400,
        phases: [],
      },
      {
        agentId: 'b',
        ...part,
        outcome: 'refused',
        reason: 'needs 4 MiB of memory, 1 MiB is free',
      },
      { agentId: 'c', grId: 2, modelId: 'code', outcome: 'failed', reason: 'parameter 3 is NaN' },
      { agentId: 'e', ...part, outcome: 'lost', reason: 'its will' },
      { agentId: 'f', grId: 2, modelId: 'code', outcome: 'late' },
      { agentId: 'g', ...part, outcome: 'late', lateMs: 12 },
    ])
  })

  test('a late update is answered once, and never averaged', () => {
    const late = stored('b', { atMs: ENDED_MS + 70 })
    const { allEffects } = walk(
      ...running,
      stored('a'),
      ended,
      late,
      late,
      aggregated('prose'),
      late,
    )
    const answers = allEffects.filter(effect => effect.type === 'answer-late')
    expect(answers).toEqual([{ type: 'answer-late', crId: CR, agentId: 'b', grId: 2, lateMs: 70 }])
    const averaged = allEffects.filter(effect => effect.type === 'aggregate')
    expect(averaged.flatMap(effect => effect.contributions.map(one => one.agentId))).toEqual(['a'])
  })
})
