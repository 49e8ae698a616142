import { expect, test } from 'vitest'
import { consumptionRefusal } from '../../../agent/assignment/consumption.ts'
import { SensedRounds } from '../../../agent/assignment/sensing.ts'
import { consumeOf, manifestOf } from './orders.ts'

const sensed = {
  grId: 7,
  modelId: 'prose',
  sensor: 'text',
  form: { element: 'uint8' as const, shape: [] },
  sequence: 1,
  segments: null,
  sampleCount: 500,
  startedAtMs: 0,
  endedAtMs: 500,
}
const fine = {
  order: consumeOf(),
  manifest: manifestOf(),
  sensed,
  nowMs: 1000,
  deadlineMs: 5000,
  memoryBytesMax: 512 * 2 ** 20,
}

test('what can be carried out is not refused', () => {
  expect(consumptionRefusal(fine)).toBeNull()
})

test.each([
  [{ sensed: undefined }, 'nothing was sensed for GAI round 7 in this life of the agent'],
  [{ sensed: { ...sensed, sampleCount: 0 } }, 'no sample was sensed for GAI round 7'],
  [{ manifest: undefined }, 'no manifest of model prose has come'],
  [
    { manifest: manifestOf({ version: 'b'.repeat(64) }) },
    'version aaaaaaaa is asked, bbbbbbbb is current',
  ],
  [{ nowMs: 6234.4 }, 'the deadline passed 1234 ms ago'],
  // 130 MiB for the trainer, 8 x 4,000 bytes of parameters and moments, 400 rows of 5 numbers.
  [{ memoryBytesMax: 64 * 2 ** 20 }, 'needs 136354880 bytes of memory, limit 67108864'],
])('a refusal names the number that does not fit: %#', (change, sentence) => {
  expect(consumptionRefusal({ ...fine, ...change })).toBe(sentence)
})

test('memory is counted for the samples that are there, where fewer were sensed than ordered', () => {
  const order = consumeOf({ sampleCount: 10 ** 9 })
  expect(consumptionRefusal({ ...fine, order })).toBeNull()
})

test('a sensed round is taken once, and only the last three are kept', () => {
  const rounds = new SensedRounds()
  for (const grId of [5, 6, 7, 8]) rounds.put({ ...sensed, grId })
  expect(rounds.take(5)).toBeUndefined()
  expect(rounds.take(7)).toEqual(sensed)
  expect(rounds.take(7)).toBeUndefined()
  expect(rounds.take(8)?.grId).toBe(8)
})
