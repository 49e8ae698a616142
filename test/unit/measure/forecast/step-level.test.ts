import { expect, test } from 'vitest'
import { StepLevel } from '../../../../agent/urp/forecast/step-level.ts'

function levelAfter(parts: readonly number[]): number {
  const level = new StepLevel(4)
  for (const part of parts) level.push(part)
  return level.value
}

const NEAR_FIVE = [5, 5.1, 4.9, 5, 5.1, 4.9, 5, 5.1, 4.9, 5]

test('a level is not moved by a dip of one part or two', () => {
  expect(levelAfter([...NEAR_FIVE, 0.1])).toBeCloseTo(5, 1)
  expect(levelAfter([...NEAR_FIVE, 0.1, 0.2, 5])).toBeCloseTo(5, 1)
})

test('three parts in turn on one side are another level, at once', () => {
  expect(levelAfter([...NEAR_FIVE, 8, 8, 8])).toBeCloseTo(8, 6)
})

test('parts that are off on both sides are no other level', () => {
  expect(levelAfter([...NEAR_FIVE, 8, 2, 8])).toBeCloseTo(5, 1)
})

test('there is no level before the first part', () => {
  expect(levelAfter([])).toBeNaN()
  expect(levelAfter([7])).toBe(7)
})
