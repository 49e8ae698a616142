import { describe, expect, test } from 'vitest'
import { recordedRounds } from '../../../cli/urp/recorded-rounds.ts'
import { RecordingState } from '../../../cli/urp/recording-state.ts'
import type { RecordedUrp } from '../../../protocol/urp-series/series-format.ts'
import { sampleEntry, sampleUrp } from '../../support/sample-urp.ts'

describe('what is recorded', () => {
  test('is each URP once, although the broker keeps it', () => {
    const state = new RecordingState()
    const urp = sampleUrp({ crId: 7 })
    expect(state.take('pi-04', urp)).toBe('new')
    expect(state.take('pi-04', urp)).toBe('known')
    expect(state.take('pi-05', urp)).toBe('new')
    // A new life of the agent counts its messages anew.
    expect(state.take('pi-04', { ...urp, session: urp.session + 1, sequence: 0 })).toBe('new')
  })

  test('is nothing that rounds before have left on the broker', () => {
    const state = new RecordingState()
    state.clock(9)
    expect(state.take('dead', sampleUrp({ crId: 3 }))).toBe('stale')
    expect(state.take('pi-04', sampleUrp({ crId: 9 }))).toBe('new')
    expect(state.staleCount).toBe(1)
  })

  test('is what comes, where no controller has a clock', () => {
    expect(new RecordingState().take('pi-04', sampleUrp({ crId: 0 }))).toBe('new')
  })

  test('ends when the round after the last wanted one begins, late URPs included', () => {
    const state = new RecordingState({ roundsMax: 2 })
    expect(state.clock(5)).toBe('running')
    expect(state.take('pi-04', sampleUrp({ crId: 6 }))).toBe('new')
    expect(state.clock(6)).toBe('running')
    expect(state.clock(7)).toBe('running')
    expect(state.take('pi-04', sampleUrp({ crId: 7 }))).toBe('new')
    expect(state.take('pi-05', sampleUrp({ crId: 7 }))).toBe('new')
    expect(state.clock(8)).toBe('over')
  })

  test('ends without a clock when a URP says so', () => {
    const state = new RecordingState({ roundsMax: 1 })
    state.take('pi-04', sampleUrp({ crId: 6 }))
    expect(state.take('pi-04', sampleUrp({ crId: 7 }))).toBe('over')
  })
})

describe('a series in rounds', () => {
  async function roundsOf(entries: readonly RecordedUrp[]) {
    const rounds: [number, string[]][] = []
    for await (const { crId, entries: own } of recordedRounds(asAsync(entries))) {
      rounds.push([crId, own.map(({ agentId }) => agentId)])
    }
    return rounds
  }
  async function* asAsync(entries: readonly RecordedUrp[]) {
    yield* entries
  }
  const entry = (crId: number, agentId = 'a') => sampleEntry({ crId, agentId })

  test('has those together that describe one round, also a late one', async () => {
    const entries = [entry(7), entry(7, 'b'), entry(8), entry(9), entry(8, 'b'), entry(9, 'b')]
    expect(await roundsOf(entries)).toEqual([
      [7, ['a', 'b']],
      [8, ['a', 'b']],
      [9, ['a', 'b']],
    ])
  })

  test('has the last of what an agent said of a round', async () => {
    const again = { ...entry(7), receivedAt: '2026-03-01T13:00:00.000Z' }
    const rounds: RecordedUrp[] = []
    for await (const round of recordedRounds(asAsync([entry(7), again]))) {
      rounds.push(...round.entries)
    }
    expect(rounds).toEqual([again])
  })

  test('goes on where another controller counts from the beginning', async () => {
    const entries = [entry(90), entry(91), entry(1), entry(2), entry(3)]
    expect((await roundsOf(entries)).map(([crId]) => crId)).toEqual([90, 91, 1, 2, 3])
  })

  test('of nothing is nothing', async () => {
    expect(await roundsOf([])).toEqual([])
  })
})
