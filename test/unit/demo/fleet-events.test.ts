import { expect, test } from 'vitest'
import { eventsOf, percentBelow } from '../../../demo/fleet-events.ts'
import type { FleetMessage } from '../../../demo/fleet-view.ts'
import { stepView } from '../../../demo/fleet-view.ts'
import {
  assignment,
  clock,
  controller,
  health,
  manifest,
  newView,
  record,
  state,
  status,
} from './fleet-fixture.ts'

function tell(messages: readonly FleetMessage[]): string[] {
  let view = newView()
  return messages.flatMap(message => {
    const events = eventsOf(view, message)
    view = stepView(view, message)
    return events.map(({ tone, text }) => `${tone}: ${text}`)
  })
}

test('a run is told line by line', () => {
  const contribution = { agentId: 'agent-1', grId: 1, modelId: 'code' }
  expect(
    tell([
      controller('waiting'),
      state('agent-1', 'ready'),
      health('agent-1', 1, 5),
      clock(1),
      assignment('agent-1', 1, { sense: 'code' }),
      state('agent-1', 'busy'),
      state('agent-1', 'ready'),
      clock(2),
      assignment('agent-1', 2, { sense: 'licence', consume: 'code' }),
      status('agent-1', 2, { phase: 'train' }),
      record(2, {
        contributions: [
          { ...contribution, outcome: 'aggregated', sampleCount: 9, lossBefore: 3, lossAfter: 2.5 },
          { ...contribution, agentId: 'agent-2', outcome: 'late', lateMs: 120.4 },
        ],
      }),
      manifest('code', 1),
      manifest('code', 1, 4.02),
      state('agent-1', 'lost'),
      controller('finished'),
    ]),
  ).toEqual([
    'note: controller is waiting',
    'note: agent-1 is ready',
    'routine: communication round 1 starts',
    'routine: agent-1 senses for code (gain 0.31 of code, correlation 0.93, 11,400 samples)',
    'routine: communication round 2 starts',
    'routine: agent-1 senses for licence, trains code with 11400 samples ' +
      '(gain 0.31 of licence, correlation 0.93, 11,400 samples)',
    'good: update of code by agent-1 averaged in: 9 samples, its loss 3.00 → 2.50 nats',
    'bad: update of code by agent-2 late by 120 ms',
    'good: code version 1: 4.02 bits per byte, 20 % below unigram 5.05',
    'bad: agent-1 is lost',
    'note: controller is finished',
  ])
})

test('what comes again is not told again', () => {
  const messages = [
    controller('running'),
    clock(1),
    assignment('agent-1', 1, { sense: 'code' }),
    manifest('code', 1, 4),
    record(1, { contributions: [{ agentId: 'a', grId: 1, modelId: 'code', outcome: 'lost' }] }),
  ]
  expect(tell([...messages, ...messages])).toHaveLength(messages.length)
})

test('refusals and failures are told with their reason', () => {
  expect(
    tell([
      status('agent-1', 2, { status: 'refused', reason: '9 MB of memory are missing' }),
      status('agent-1', 2, { status: 'failed', part: 'sense' }),
    ]),
  ).toEqual([
    'bad: agent-1 refused training code (9 MB of memory are missing)',
    'bad: agent-1 failed sensing for code',
  ])
})

test('percentBelow says on which side of the unigram entropy a model is', () => {
  expect(percentBelow(4, 5)).toBe('20 % below unigram 5.00')
  expect(percentBelow(6, 5)).toBe('20 % above unigram 5.00')
})
