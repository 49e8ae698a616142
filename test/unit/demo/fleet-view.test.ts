import { describe, expect, test } from 'vitest'
import { wireBytesOf } from '../../../demo/agent-view.ts'
import { roundAt, roundsRun } from '../../../demo/fleet-view.ts'
import {
  assignment,
  clock,
  controller,
  health,
  interval,
  manifest,
  newView,
  record,
  START_MS,
  state,
  status,
  stepAll,
  time,
  urp,
} from './fleet-fixture.ts'

describe('the clock', () => {
  const view = stepAll(newView(), [clock(3)])

  test('tells which communication round runs and how far it is', () => {
    const round = roundAt(view, START_MS + 3 * 5000 + 1250)
    expect(round).toEqual({ crId: 3, progress: 0.25, startsAtMs: START_MS + 15_000 })
  })

  test('is carried on when the next announcement is late', () => {
    expect(roundAt(view, START_MS + 4 * 5000 + 2500)).toMatchObject({ crId: 4, progress: 0.5 })
  })

  test('is of the round before while the announced one has not begun', () => {
    expect(roundAt(view, START_MS + 2 * 5000 + 4500)).toMatchObject({ crId: 2, progress: 0.9 })
  })

  test('is unknown before the first announcement', () => {
    expect(roundAt(newView(), START_MS)).toBeNull()
  })
})

describe('an agent', () => {
  test('has the figures of its URP, and null for what was not measured', () => {
    const view = stepAll(newView(), [urp('agent-1')])
    expect(view.agents.get('agent-1')?.figures).toEqual({
      gflops: 11.2,
      downlinkMbps: 812,
      uplinkMbps: null,
      rttMs: 0.42,
    })
  })

  test('keeps plan and phases of the last two rounds', () => {
    const view = stepAll(newView(), [
      assignment('agent-1', 1, { sense: 'code' }),
      assignment('agent-1', 2, { sense: 'code', consume: 'code' }),
      assignment('agent-1', 3, { sense: 'licence', consume: 'code' }),
      status('agent-1', 3, { phase: 'train', sentAt: time(3, 2) }),
    ])
    const rounds = view.agents.get('agent-1')?.rounds ?? []
    expect(rounds.map(({ crId }) => crId)).toEqual([2, 3])
    expect(rounds[1]?.phases).toEqual([
      { phase: 'train', startedAtMs: START_MS + 16_000, endedAtMs: null },
    ])
  })

  test('has a phase once, from its start to its reported end', () => {
    const view = stepAll(newView(), [
      status('agent-1', 1, { phase: 'train', sentAt: time(1, 2) }),
      status('agent-1', 1, { interval: interval('train', 1, [2, 6]) }),
      status('agent-1', 1, { interval: interval('train', 1, [2, 6]) }),
    ])
    expect(view.agents.get('agent-1')?.rounds[0]?.phases).toEqual([
      { phase: 'train', startedAtMs: START_MS + 6000, endedAtMs: START_MS + 8000 },
    ])
  })

  test('ends a phase of consumption when the next one begins, and sensing goes on', () => {
    const view = stepAll(newView(), [
      status('agent-1', 1, { part: 'sense', status: 'accepted', sentAt: time(1, 0) }),
      status('agent-1', 1, { phase: 'download', sentAt: time(1, 1) }),
      status('agent-1', 1, { phase: 'train', sentAt: time(1, 2) }),
      status('agent-1', 1, { phase: 'upload', sentAt: time(1, 8) }),
    ])
    const phases = view.agents.get('agent-1')?.rounds[0]?.phases ?? []
    const ends = phases.map(({ phase, endedAtMs }) => [phase, endedAtMs && endedAtMs - START_MS])
    expect(ends).toEqual([
      ['sense', null],
      ['download', 6000],
      ['train', 9000],
      ['upload', null],
    ])
  })

  test('that fails ends its running phases and says why', () => {
    const view = stepAll(newView(), [
      status('agent-1', 1, { phase: 'train', sentAt: time(1, 2) }),
      status('agent-1', 1, { status: 'failed', reason: 'no memory', sentAt: time(1, 3) }),
    ])
    const round = view.agents.get('agent-1')?.rounds[0]
    expect(round?.problem).toBe('consume failed: no memory')
    expect(round?.phases[0]?.endedAtMs).toBe(START_MS + 6500)
  })

  test('that nobody knows changes nothing', () => {
    const view = newView()
    expect(stepAll(view, [state('stranger', 'ready')])).toBe(view)
  })

  test('counts its bytes over sessions, the latest count of each', () => {
    const view = stepAll(newView(), [
      health('agent-1', 1, 100),
      health('agent-1', 1, 400),
      health('agent-1', 2, 50),
      health('agent-2', 1, 1),
    ])
    expect(wireBytesOf(view.agents.values())).toBe(2 * (400 + 50 + 1))
  })
})

describe('a model', () => {
  test('has its bits per byte by version, whichever message tells them', () => {
    const view = stepAll(newView(), [
      manifest('code', 0, 8),
      manifest('code', 1),
      manifest('code', 1, 4.5),
      record(2, {
        models: [
          {
            modelId: 'code',
            versionBefore: 'ab'.repeat(32),
            versionAfter: 'cd'.repeat(32),
            versionNumber: 2,
            contributions: 3,
            sampleCount: 1000,
            bitsPerByte: 4,
          },
        ],
      }),
    ])
    const model = view.models.get('code')
    expect([...(model?.bitsPerByte ?? [])]).toEqual([
      [0, 8],
      [1, 4.5],
      [2, 4],
    ])
    expect(model).toMatchObject({ versionNumber: 1, updates: 3 })
  })
})

describe('a round record', () => {
  const contributions = [
    { agentId: 'agent-1', grId: 1, modelId: 'code', outcome: 'aggregated' as const },
    { agentId: 'agent-2', grId: 1, modelId: 'code', outcome: 'late' as const },
  ]
  const choices = [
    { agentId: 'agent-1', modelId: 'licence', gain: 1, workload: 10, reason: 'most to learn' },
    { agentId: 'agent-2', modelId: null, gain: 0, workload: 0, reason: 'nothing to gain' },
  ]

  test('tells whom each agent served, how often and why', () => {
    const view = stepAll(newView(), [record(2, { contributions, choices })])
    expect([...(view.agents.get('agent-1')?.served ?? [])]).toEqual([
      ['licence', { updates: 0, reason: 'most to learn' }],
      ['code', { updates: 1, reason: '' }],
    ])
    expect(view.agents.get('agent-2')?.served.size).toBe(0)
  })

  test('that comes twice counts once', () => {
    const message = record(2, { contributions })
    const view = stepAll(newView(), [message, message])
    expect(view.agents.get('agent-1')?.served.get('code')?.updates).toBe(1)
  })

  test('ends a GAI round, except for the first, in which nothing is consumed yet', () => {
    const records = [1, 2, 3].map(crId => record(crId, {}))
    expect(roundsRun(newView())).toBe(0)
    expect(roundsRun(stepAll(newView(), records.slice(0, 1)))).toBe(0)
    expect(roundsRun(stepAll(newView(), records))).toBe(2)
  })
})

test('the state of the controller is known from its last word', () => {
  const view = stepAll(newView(), [controller('waiting'), controller('running')])
  expect(view.controller).toBe('running')
})
