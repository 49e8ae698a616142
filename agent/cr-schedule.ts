import type { SlotRange } from '../protocol/assignment.ts'
import type { CrClock } from '../protocol/life.ts'

/** One communication round on this agent's own clock. */
export interface CrSchedule {
  readonly crId: number
  readonly startsAtMs: number
  readonly slots: number
  readonly slotMs: number
}

/** The controller's clock message on the agent's clock; `offsetMs` = controller - agent. */
export function scheduleFrom(
  clock: Pick<CrClock, 'crId' | 'startsAt' | 'slots' | 'slotMs'>,
  offsetMs: number,
): CrSchedule {
  const { crId, startsAt, slots, slotMs } = clock
  return { crId, startsAtMs: Date.parse(startsAt) - offsetMs, slots, slotMs }
}

export function slotStartMs(schedule: CrSchedule, slot: number): number {
  return schedule.startsAtMs + slot * schedule.slotMs
}

export function crEndMs(schedule: CrSchedule): number {
  return slotStartMs(schedule, schedule.slots)
}

/** Start and end of slots [from, to). */
export function rangeMs(schedule: CrSchedule, [from, to]: SlotRange): readonly [number, number] {
  return [slotStartMs(schedule, from), slotStartMs(schedule, to)]
}

/** The CR that runs at a time, carried on from the last one that the controller announced. */
export function scheduleAt(announced: CrSchedule, nowMs: number): CrSchedule {
  const lengthMs = announced.slots * announced.slotMs
  const passed = Math.max(0, Math.floor((nowMs - announced.startsAtMs) / lengthMs))
  return scheduleOf(announced, announced.crId + passed)
}

/** Another CR of the same cut, before or after the announced one. */
export function scheduleOf(announced: CrSchedule, crId: number): CrSchedule {
  const { startsAtMs, slots, slotMs } = announced
  const passed = crId - announced.crId
  return { ...announced, crId, startsAtMs: startsAtMs + passed * slots * slotMs }
}

/** Slot that runs at a time, counted from 0; the last one after the end. */
export function slotAt(schedule: CrSchedule, nowMs: number): number {
  const slot = Math.floor((nowMs - schedule.startsAtMs) / schedule.slotMs)
  return Math.min(schedule.slots - 1, Math.max(0, slot))
}
