import { describe, expect, test } from 'vitest'
import { ProbeTokens } from '../../../../controller/probe/probe-tokens.ts'
import { type ProbeWish, TokenSchedule } from '../../../../controller/probe/token-schedule.ts'
import { seededRandom } from '../../../../runtime/seeded-random.ts'

const SEED = 11
const DAY_MS = 86_400_000

function scheduleWith(o: { bulkProbesMax?: number; groupBytesPerDayMax?: number } = {}) {
  const random = seededRandom(SEED)
  return new TokenSchedule({ bulkProbesMax: 1, groupBytesPerDayMax: 1e9, random, ...o })
}

function wish(agentId: string, more: Partial<ProbeWish> = {}): ProbeWish {
  return { agentId, linkGroup: agentId, isBulk: true, bytes: 1e6, durationMs: 2000, ...more }
}

/** When each agent may start, all asking at once; who is refused is left out. */
function startsOf(schedule: TokenSchedule, wishes: readonly ProbeWish[]): number[] {
  return wishes.flatMap(one => {
    const decision = schedule.ask(one, 0)
    return decision.kind === 'granted' ? [decision.startAtMs] : []
  })
}

/** In order, where each asks again when it was told to. */
function startsOfPatient(schedule: TokenSchedule, agentIds: readonly string[]): number[] {
  const askAtMs = new Map(agentIds.map(id => [id, 0]))
  const starts: number[] = []
  for (let nowMs = 0; nowMs < 60_000 && askAtMs.size > 0; nowMs += 10) {
    for (const [id, atMs] of [...askAtMs].filter(([, dueMs]) => dueMs <= nowMs)) {
      const decision = schedule.ask(wish(id), Math.max(nowMs, atMs))
      if (decision.kind === 'refused') askAtMs.set(id, decision.retryAtMs)
      else if (askAtMs.delete(id)) starts.push(decision.startAtMs)
    }
  }
  return starts.toSorted((one, other) => one - other)
}

describe('the schedule of probes', () => {
  test(`keeps bulk probes of a fleet that asks until it may apart (seed ${SEED})`, () => {
    const starts = startsOfPatient(scheduleWith(), ['a', 'b', 'c', 'd', 'e'])
    expect(starts.length).toBe(5)
    for (const [index, startMs] of starts.slice(1).entries()) {
      expect(startMs - (starts[index] ?? 0)).toBeGreaterThanOrEqual(2000)
    }
  })

  test('lets several bulk probes run at once where that is allowed, but never two of a group', () => {
    const schedule = scheduleWith({ bulkProbesMax: 3 })
    const starts = startsOf(schedule, [wish('a'), wish('b'), wish('c')])
    expect(Math.max(...starts)).toBeLessThan(2000)
    const short = { linkGroup: 'barn', durationMs: 1000 }
    const ofGroup = startsOf(scheduleWith({ bulkProbesMax: 3 }), [
      wish('a', short),
      wish('b', short),
    ])
    expect(Math.abs((ofGroup[1] ?? 0) - (ofGroup[0] ?? 0))).toBeGreaterThanOrEqual(1000)
  })

  test('keeps small probes away from the bulk probe of their group only', () => {
    const schedule = scheduleWith()
    const [bulk = 0] = startsOf(schedule, [wish('a', { linkGroup: 'barn', durationMs: 1000 })])
    const small = { isBulk: false, durationMs: 500 }
    const [other] = startsOf(schedule, [wish('b', small)])
    expect(other).toBe(0)
    const [same = 0] = startsOf(schedule, [wish('c', { ...small, linkGroup: 'barn' })])
    expect(same + 500 <= bulk || same >= bulk + 1000).toBe(true)
  })

  test('gives the place of a probe that has ended to the next', () => {
    const schedule = scheduleWith()
    const first = schedule.ask(wish('a', { durationMs: 20_000 }), 0)
    if (first.kind !== 'granted') throw new Error('the first is granted')
    schedule.end(first.grant, 1000)
    const [second = Number.NaN] = startsOf(schedule, [wish('b')])
    expect(second).toBeLessThan(2000)
  })

  test('takes a place back from an agent that asks for another', () => {
    const schedule = scheduleWith()
    const long = { durationMs: 20_000 }
    const starts = startsOf(schedule, [wish('a', long), wish('a', long), wish('b', long)])
    expect(starts.length).toBe(2)
    expect(Math.max(...starts)).toBeLessThan(1000)
  })

  test('refuses who would wait too long, and has him ask again soon, but not all at once', () => {
    const schedule = scheduleWith()
    const wishes = Array.from({ length: 20 }, (_, index) => wish(`a${index}`))
    const retries = wishes
      .map(one => schedule.ask(one, 0))
      .flatMap(one => (one.kind === 'refused' ? [one.retryAtMs] : []))
    expect(retries.length).toBeGreaterThan(15)
    expect(new Set(retries).size).toBe(retries.length)
    expect(Math.max(...retries)).toBeLessThan(15_000)
  })

  test('refuses a group whose bytes of the day are spent, until they are of another day', () => {
    const schedule = scheduleWith({ groupBytesPerDayMax: 2.5e6 })
    const ask = (nowMs: number) => schedule.ask(wish('a', { durationMs: 100 }), nowMs)
    expect([ask(0).kind, ask(10_000).kind]).toEqual(['granted', 'granted'])
    const third = ask(20_000)
    expect(third).toMatchObject({ kind: 'refused', reason: expect.stringContaining('2500000') })
    if (third.kind === 'refused') expect(third.retryAtMs).toBeGreaterThanOrEqual(DAY_MS)
    expect(schedule.ask(wish('b', { durationMs: 100 }), 20_000).kind).toBe('granted')
    expect(ask(DAY_MS + 1).kind).toBe('granted')
  })

  test('counts what a probe took and not what it might have taken', () => {
    const schedule = scheduleWith({ groupBytesPerDayMax: 1.5e6 })
    for (let nowMs = 0; nowMs < 100_000; nowMs += 10_000) {
      const decision = schedule.ask(wish('a'), nowMs)
      expect(decision.kind).toBe('granted')
      if (decision.kind === 'granted') schedule.end(decision.grant, 20_000)
    }
  })
})

describe('a token', () => {
  const right = {
    agentId: 'a',
    kind: 'tcp',
    direction: 'down',
    bytesMax: 1000,
    expiresInMs: 500,
  } as const

  test('is good once', () => {
    const tokens = new ProbeTokens()
    const token = tokens.issue(right)
    expect(tokens.take(token, 'tcp')).toBe(right)
    expect(tokens.take(token, 'tcp')).toBeUndefined()
  })

  test('is good until it expires, on a clock that knows no date', () => {
    let nowMs = -1e15
    const tokens = new ProbeTokens({ now: () => nowMs })
    const [early, late] = [tokens.issue(right), tokens.issue(right)]
    nowMs += 499
    expect(tokens.take(early, 'tcp')).toBe(right)
    nowMs += 1
    expect(tokens.take(late, 'tcp')).toBeUndefined()
  })

  test('is good for its kind of probe and for no other token', () => {
    const tokens = new ProbeTokens()
    const token = tokens.issue(right)
    const other = Uint8Array.from(token, byte => byte ^ 1)
    for (const wrong of [other, token.subarray(1), new Uint8Array(0)]) {
      expect(tokens.take(wrong, 'tcp')).toBeUndefined()
    }
    expect(tokens.take(token, 'udp')).toBeUndefined()
    expect(tokens.take(token, 'tcp')).toBeUndefined()
  })
})
