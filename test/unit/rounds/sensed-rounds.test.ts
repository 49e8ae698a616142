import { describe, expect, test } from 'vitest'
import { SensedRounds } from '../../../controller/rounds/sensed-rounds.ts'
import type { AssignmentStatus } from '../../../protocol/assignment.ts'

const order = (grId: number) => ({
  grId,
  modelId: 'prose',
  sensor: 'text',
  slots: [[1, 10]] as [number, number][],
  samplesWanted: 100,
})

function statusOf(status: AssignmentStatus['status'], o: Partial<AssignmentStatus> = {}) {
  return {
    session: 1,
    sequence: 0,
    sentAt: '2026-01-01T00:00:00.000Z',
    crId: 7,
    grId: 7,
    part: 'sense' as const,
    modelId: 'prose',
    status,
    ...o,
  }
}

/** Two agents sense for GR 7. */
function sensing(): SensedRounds {
  const rounds = new SensedRounds()
  rounds.begin(
    new Map([
      ['a', order(7)],
      ['b', order(7)],
    ]),
  )
  return rounds
}

describe('what was sensed', () => {
  test('can be consumed once it is reported, and is waited for until then', () => {
    const rounds = sensing()
    expect(rounds.unsettled).toEqual(['a', 'b'])
    expect(rounds.take()).toEqual(new Map())
    rounds.onStatus('a', statusOf('accepted'))
    expect(rounds.unsettled).toEqual(['a', 'b'])
    rounds.onStatus('a', statusOf('done', { sampleCount: 90 }))
    expect(rounds.unsettled).toEqual(['b'])
    expect(rounds.take()).toEqual(new Map([['a', { grId: 7, modelId: 'prose', sampleCount: 90 }]]))
  })

  test.each(['refused', 'failed'] as const)('is nothing when sensing was %s', status => {
    const rounds = sensing()
    rounds.onStatus('a', statusOf(status))
    expect(rounds.unsettled).toEqual(['b'])
    expect(rounds.take()).toEqual(new Map())
  })

  test('without a sample is settled, and nothing to consume', () => {
    const rounds = sensing()
    rounds.onStatus('a', statusOf('done', { sampleCount: 0 }))
    rounds.onStatus('b', statusOf('done'))
    expect(rounds.unsettled).toEqual([])
    expect(rounds.take()).toEqual(new Map())
  })

  test('dies with its agent', () => {
    const rounds = sensing()
    rounds.onStatus('a', statusOf('done', { sampleCount: 90 }))
    rounds.forget('a')
    rounds.forget('b')
    expect([rounds.unsettled, rounds.take()]).toEqual([[], new Map()])
  })

  test('is replaced by the orders of the next CR', () => {
    const rounds = sensing()
    rounds.onStatus('a', statusOf('done', { sampleCount: 90 }))
    rounds.begin(new Map([['b', order(8)]]))
    expect([rounds.unsettled, rounds.take()]).toEqual([['b'], new Map()])
  })

  test.each([
    ['of an earlier GAI round', { grId: 6 }],
    ['of consumption', { part: 'consume' as const }],
  ])('is not touched by a report %s', (_, change) => {
    const rounds = sensing()
    rounds.onStatus('a', statusOf('done', { sampleCount: 90, ...change }))
    expect(rounds.unsettled).toEqual(['a', 'b'])
  })

  test('is not touched by an agent that has no order', () => {
    const rounds = sensing()
    rounds.onStatus('c', statusOf('done', { sampleCount: 90 }))
    expect(rounds.take()).toEqual(new Map())
  })
})

test('when an agent sensed is known by GAI round, while later ones are sensed already', () => {
  const rounds = sensing()
  const interval = (second: number) => ({
    phase: 'sense' as const,
    startedAt: `2026-01-01T00:00:0${second}.000Z`,
    endedAt: `2026-01-01T00:00:0${second}.900Z`,
  })
  for (const grId of [7, 8, 9]) {
    rounds.begin(new Map([['a', order(grId)]]))
    rounds.onStatus('a', statusOf('done', { grId, sampleCount: 1, interval: interval(grId - 5) }))
  }
  const told = { agentId: 'a', modelId: 'prose', sampleCount: 1 }
  expect(rounds.sensedFor(7)).toEqual([{ ...told, interval: interval(2) }])
  expect(rounds.sensedFor(9)).toEqual([{ ...told, interval: interval(4) }])
  expect(rounds.sensedFor(10)).toEqual([])
})
