import { expect, test } from 'vitest'
import { DeliveredRows } from '../../../../agent/samples/delivered-rows.ts'

function factorAfter(...shares: readonly number[]): number {
  const rows = new DeliveredRows()
  for (const share of shares) rows.note('csi', { delivered: share * 100, promised: 100 })
  return rows.factor('csi')
}

test('what a sensor promises next is what it delivered of late, never more, and never nothing', () => {
  expect(new DeliveredRows().factor('csi')).toBe(1)
  expect(factorAfter(0.5)).toBe(0.5)
  expect(factorAfter(1.4)).toBe(1)
  expect(factorAfter(0)).toBe(0.1)
})

test('one bad round among good ones changes nothing, and what is mended is soon forgotten', () => {
  expect(factorAfter(1, 1, 0, 1)).toBe(1)
  expect(factorAfter(0.2, 0.2, 0.2, 0.2, 0.2, 1, 1, 1)).toBe(1)
})

test('a round whose slots were over says nothing', () => {
  const rows = new DeliveredRows()
  rows.note('csi', { delivered: 0, promised: 0 })
  expect(rows.factor('csi')).toBe(1)
})
