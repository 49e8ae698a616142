import { expect, test } from 'vitest'
import { SampleRows } from '../../../agent/sensors/firmware/sample-rows.ts'

const samples = (firstIndex: number, ...values: number[]) => ({
  ...{ firstIndex, firstMicros: 1000 * firstIndex, periodMicros: 1000, channel: 0 },
  values: Int16Array.from(values),
})

test('samples become rows across frames, with the time of the first one', () => {
  const rows = new SampleRows(4)
  expect(rows.push(samples(0, 1, 2, 3)).rows).toEqual([])
  const { rows: found, lostRows } = rows.push(samples(3, 4, 5, 6, 7, 8, 9))
  expect(found.map(({ values }) => [...values].map(value => value * 32_768))).toEqual([
    [1, 2, 3, 4],
    [5, 6, 7, 8],
  ])
  expect(found.map(({ micros }) => micros)).toEqual([0, 4000])
  expect(lostRows).toBe(0)
})

test('a row with a hole in it is none: its samples and the missing ones are lost', () => {
  const rows = new SampleRows(4)
  rows.push(samples(0, 1, 2))
  const { rows: found, lostRows } = rows.push(samples(6, 7, 8, 9, 10))
  expect(found.map(({ micros }) => micros)).toEqual([6000])
  expect(lostRows).toBe(6 / 4)
})

test('a board that starts anew counts from zero, and nothing is lost for it', () => {
  const rows = new SampleRows(2)
  rows.push(samples(0, 1, 2, 3))
  rows.restart()
  expect(rows.push(samples(0, 1, 2)).lostRows).toBe(0)
  // Also where nobody said so: what came before is no part of the next row.
  rows.push(samples(2, 3))
  expect(rows.push(samples(0, 1, 2))).toMatchObject({ lostRows: 0.5, rows: [{ micros: 0 }] })
})
