import { expect, test } from 'vitest'
import { BAR_COLUMNS, consumeBar, senseBar } from '../../../demo/slot-bars.ts'
import { plainText } from '../../../demo/styled-text.ts'
import {
  assignment,
  interval,
  newView,
  SLOT_MS,
  SLOTS,
  START_MS,
  status,
  stepAll,
  time,
} from './fleet-fixture.ts'

const times = { startsAtMs: START_MS + 2 * SLOTS * SLOT_MS, slots: SLOTS, slotMs: SLOT_MS }

function bars(slot: number, reports: Parameters<typeof stepAll>[1]): string[] {
  const plan = assignment('agent-1', 2, { sense: 'licence', consume: 'code' })
  const round = stepAll(newView(), [plan, ...reports]).agents.get('agent-1')?.rounds[0]
  const nowMs = Date.parse(time(2, slot))
  return [senseBar(round, times, nowMs), consumeBar(round, times, nowMs)].map(plainText)
}

test('a plan is pale over its slots', () => {
  expect(bars(0, [])).toEqual(['···░░░░░░░░░░░░░░░░░░░░░░░░░░░', '···dddttttttttttttttttttuuuuuu'])
})

test('sensing stands above the training of what was sensed before: Zeros', () => {
  expect(
    bars(5, [
      status('agent-1', 2, { part: 'sense', phase: 'sense', sentAt: time(2, 1) }),
      status('agent-1', 2, { interval: interval('download', 2, [1, 1.3]) }),
      status('agent-1', 2, { phase: 'train', sentAt: time(2, 2) }),
    ]),
  ).toEqual(['···▒▒▒▒▒▒▒▒▒▒▒▒░░░░░░░░░░░░░░░', '···D··TTTTTTTTTtttttttttuuuuuu'])
})

test('a phase that was announced early waits for its slots', () => {
  const [sense, consume] = bars(4, [
    status('agent-1', 2, { part: 'sense', status: 'accepted', sentAt: time(2, 0.3) }),
    status('agent-1', 2, { phase: 'download', sentAt: time(2, 0.3) }),
    status('agent-1', 2, { phase: 'train', sentAt: time(2, 1.2) }),
  ])
  expect(sense).toBe('···▒▒▒▒▒▒▒▒▒░░░░░░░░░░░░░░░░░░')
  expect(consume).toBe('···D··TTTTTTttttttttttttuuuuuu')
})

test('a phase that is shorter than a column shows all the same', () => {
  const upload = status('agent-1', 2, { interval: interval('upload', 2, [8, 8.01]) })
  expect(bars(9, [upload])[1]).toBe('···dddttttttttttttttttttU·····')
})

test('without a plan a bar is empty and as long as ever', () => {
  expect(plainText(senseBar(undefined, times, 0))).toBe('·'.repeat(BAR_COLUMNS))
})
