import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type CrSchedule,
  crEndMs,
  rangeMs,
  scheduleAt,
  scheduleFrom,
  scheduleOf,
  slotAt,
  slotStartMs,
} from '../../../agent/cr-schedule.ts'

const STARTS_AT = '2026-01-01T00:00:10.000Z'
const START_MS = Date.parse(STARTS_AT)
const cut = { slots: 10, slotMs: 300 }
const schedule: CrSchedule = { crId: 7, startsAtMs: START_MS, ...cut }

const anySchedule = fc.record({
  crId: fc.integer({ min: 1, max: 1e6 }),
  startsAtMs: fc.integer({ min: 1e12, max: 2e12 }),
  slots: fc.integer({ min: 2, max: 60 }),
  slotMs: fc.integer({ min: 10, max: 10_000 }),
})

describe("the controller's clock message", () => {
  test.each([
    ['behind the controller', 2500],
    ['ahead of the controller', -2500],
    ['on the same time', 0],
  ])('means the same moment to an agent that is %s', (_, offsetMs) => {
    const own = scheduleFrom({ crId: 7, startsAt: STARTS_AT, ...cut }, offsetMs)
    expect(own).toEqual({ ...schedule, startsAtMs: START_MS - offsetMs })
    // When the CR starts, the controller's clock shows this agent's time plus the offset.
    expect(own.startsAtMs + offsetMs).toBe(START_MS)
  })
})

describe('slots', () => {
  test('follow each other from the start to the end of the CR', () => {
    expect(slotStartMs(schedule, 0)).toBe(START_MS)
    expect(rangeMs(schedule, [1, 4])).toEqual([START_MS + 300, START_MS + 1200])
    expect(crEndMs(schedule)).toBe(START_MS + 3000)
  })

  test.each([
    [-1, 0],
    [0, 0],
    [299, 0],
    [300, 1],
    [2999, 9],
    [3000, 9],
  ])('%d ms after the start slot %d runs', (ms, slot) => {
    expect(slotAt(schedule, START_MS + ms)).toBe(slot)
  })
})

describe('the CR that runs', () => {
  test.each([
    [-5000, 7, 0],
    [0, 7, 0],
    [2999, 7, 0],
    [3000, 8, 3000],
    [9100, 10, 9000],
  ])('%d ms after the announced start it is CR %d', (ms, crId, startMs) => {
    expect(scheduleAt(schedule, START_MS + ms)).toEqual({
      crId,
      startsAtMs: START_MS + startMs,
      ...cut,
    })
  })

  test('goes on by itself without drift, whatever the cut', () => {
    fc.assert(
      fc.property(anySchedule, fc.integer({ min: 0, max: 1e9 }), (announced, laterMs) => {
        const nowMs = announced.startsAtMs + laterMs
        const round = scheduleAt(announced, nowMs)
        expect(round.startsAtMs).toBeLessThanOrEqual(nowMs)
        expect(crEndMs(round)).toBeGreaterThan(nowMs)
        const slot = slotAt(round, nowMs)
        expect(slotStartMs(round, slot)).toBeLessThanOrEqual(nowMs)
        expect(slotStartMs(round, slot + 1)).toBeGreaterThan(nowMs)
        // The announcement of any round tells the same as that of a later one.
        expect(scheduleAt(round, nowMs + 12_345)).toEqual(scheduleAt(announced, nowMs + 12_345))
      }),
    )
  })
})

test('the times of a CR are known by its id, before and after the announced one', () => {
  expect(scheduleOf(schedule, 7)).toEqual(schedule)
  expect(scheduleOf(schedule, 9)).toEqual({ ...schedule, crId: 9, startsAtMs: START_MS + 6000 })
  expect(scheduleOf(schedule, 5)).toEqual({ ...schedule, crId: 5, startsAtMs: START_MS - 6000 })
})
