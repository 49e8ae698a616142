import { expect, test } from 'vitest'
import { heardPieces } from '../../../agent/radio/heard-pieces.ts'
import { StreamTime } from '../../../agent/radio/stream-time.ts'

const SHAPE = { rowBytes: 100, heardBytes: 30 }

const pieces = (at: number, bytes: number) =>
  [...heardPieces(at, bytes, SHAPE)].map(({ from, to, isHeard }) => [from, to, isHeard])

test('of each row the beginning is heard, however the stream is cut', () => {
  expect(pieces(0, 250)).toEqual([
    [0, 30, true],
    [30, 100, false],
    [100, 130, true],
    [130, 200, false],
    [200, 230, true],
    [230, 250, false],
  ])
  expect(pieces(20, 30)).toEqual([
    [0, 10, true],
    [10, 30, false],
  ])
})

test('what comes while a tuner settles is in no piece', () => {
  expect(pieces(-40, 60)).toEqual([[40, 60, true]])
  expect(pieces(-100, 60)).toEqual([])
})

test('the time of a sample is that of the quickest way', () => {
  const time = new StreamTime()
  // Sent from 5000 on; late by 80, 20 and 300.
  for (const [streamMs, late] of [
    [100, 80],
    [200, 20],
    [300, 300],
  ] as const) {
    time.note(streamMs, 5000 + streamMs + late)
  }
  expect(time.at(250)).toBe(5000 + 250 + 20)
})

test('and follows a clock that is a little slow', () => {
  const time = new StreamTime()
  // 1000 ms of the stream take 1001 ms.
  for (let second = 0; second < 600; second++) time.note(second * 1000, second * 1001)
  expect(Math.abs(time.at(599_000) - 599 * 1001)).toBeLessThan(100)
})
