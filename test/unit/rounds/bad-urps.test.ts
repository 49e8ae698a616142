import { describe, expect, test } from 'vitest'
import { ExecutedPolicy } from '../../../controller/orchestrate/execute/executed-policy.ts'
import { POLICIES } from '../../../controller/orchestrate/policies/registry.ts'
import { encodeBody } from '../../../protocol/body-codec.ts'
import { matrixOf } from '../../../protocol/matrix.ts'
import type { Urp } from '../../../protocol/urp.ts'
import { testLog } from '../../support/test-log.ts'
import { CR, modelOf, offerOf, plan, sensedBy } from './plans.ts'

const { NaN: NONE, POSITIVE_INFINITY: ENDLESS } = Number

/** An offer in which something is not as it should be. */
function offerWith(change: (urp: Urp) => Partial<Urp>): Urp {
  const urp = offerOf()
  return { ...urp, ...change(urp) }
}

const blocksOf = (value: number) =>
  offerWith(({ frequency }) => ({
    frequency: frequency.map(one => ({ ...one, availability: matrixOf(4, 10, () => value) })),
  }))
const computingOf = (value: number) =>
  offerWith(({ computing }) => ({
    computing: { ...computing, availability: matrixOf(4, 1, () => value) },
  }))
const ratesOf = (value: number) =>
  offerWith(({ computing }) => ({
    computing: {
      ...computing,
      units: computing.units.map(unit => ({ ...unit, peakFlopsPerSecond: value })),
    },
  }))
const goodputOf = (p50: number) =>
  offerWith(({ links }) => ({
    links: links.map(({ uplinkBitsPerSecond: up, ...link }) => ({
      ...link,
      ...(up ? { uplinkBitsPerSecond: { ...up, p50 } } : {}),
    })),
  }))
const sketchOf = (counts: readonly number[]) =>
  offerOf({ sketch: { kind: 'byte-histogram', counts: [...counts], sampleCount: 1 } })

const BAD: readonly (readonly [string, Urp])[] = [
  ['no slots', offerWith(() => ({ slots: 0 }))],
  ['slots without length', offerWith(() => ({ slotMs: 0 }))],
  ['slots of no number', offerWith(() => ({ slotMs: NONE }))],
  ['an end of no date', offerWith(() => ({ validUntil: 'soon' }))],
  ['no blocks', blocksOf(0)],
  ['less than no blocks', blocksOf(-1)],
  ['blocks of no number', blocksOf(NONE)],
  ['blocks without end', blocksOf(ENDLESS)],
  ['computing below zero', computingOf(-1)],
  ['computing of no number', computingOf(NONE)],
  ['computing without end', computingOf(ENDLESS)],
  ['a negative rate of computing', ratesOf(-1e9)],
  ['a rate of computing of no number', ratesOf(NONE)],
  ['a rate of computing without end', ratesOf(ENDLESS)],
  ['threads of no number', offerWith(urp => ({ computing: { ...urp.computing, threads: NONE } }))],
  ['a negative uplink', goodputOf(-1)],
  ['an uplink of no number', goodputOf(NONE)],
  ['an uplink without end', goodputOf(ENDLESS)],
  ['a negative rate of sensing', offerOf({ rowsPerSecond: -300 })],
  ['a rate of sensing of no number', offerOf({ rowsPerSecond: NONE })],
  ['a rate of sensing without end', offerOf({ rowsPerSecond: ENDLESS })],
  ['sensing that takes less than no blocks', offerOf({ resourceBlocks: -1 })],
  ['sensing that takes blocks of no number', offerOf({ resourceBlocks: NONE })],
  ['a sketch of no numbers', sketchOf(new Array<number>(256).fill(NONE))],
  ['a sketch below zero', sketchOf(new Array<number>(256).fill(-1))],
  ['a sketch without end', sketchOf(new Array<number>(256).fill(ENDLESS))],
  ['a sketch of other bins', sketchOf([1, 2, 3])],
]

test.each(BAD)('every policy plans for the others where one offers %s', (_, bad) => {
  const urps = new Map([
    ['bad', bad],
    ['good', offerOf()],
  ])
  for (const policy of POLICIES) {
    for (const schedule of ['zeros', 'serial'] as const) {
      const executed = new ExecutedPolicy(policy, { log: testLog().log, nowMs: () => 0 })
      const planned = plan({ urps, schedule, sensed: sensedBy('bad', 300), policy: executed })
      expect(planned.decision?.failure, `${policy.name}, ${schedule}`).toBeUndefined()
      expectUsable(planned)
      const known = [...planned.choices, ...planned.excluded].map(({ agentId }) => agentId)
      expect(known.sort()).toEqual(['bad', 'good'])
    }
  }
})

/** The wire takes the assignments, and the record the figures. */
function expectUsable({ assignments, choices, gain, bound, gap }: ReturnType<typeof plan>): void {
  const envelope = { session: 1, sequence: 0, sentAt: '2026-01-01T00:00:00.000Z' }
  for (const { assignment } of assignments) encodeBody('assignment', { ...envelope, ...assignment })
  const figures = choices.flatMap(one => [one.gain, one.workload, one.correlation ?? 0])
  for (const figure of [gain, bound, gap, ...figures]) {
    expect(figure).toBeGreaterThanOrEqual(0)
    expect(figure).toBeLessThan(ENDLESS)
  }
}

describe.each(['zeros', 'serial'] as const)('in %s rounds', schedule => {
  test('an empty fleet has an empty plan', () => {
    const { assignments, choices, gain, bound, gap } = plan({ urps: new Map(), schedule })
    expect({ assignments, choices, gain, bound, gap }).toEqual({
      ...{ assignments: [], choices: [] },
      ...{ gain: 0, bound: 0, gap: 0 },
    })
  })

  test('a model that nobody can reach is served by nobody, and the reason is given', () => {
    const models = [
      modelOf('vast', { downloadBytes: 1e12 }),
      modelOf('far', { sensorKinds: ['camera'] }),
    ]
    const { assignments } = plan({ urps: new Map([['a', offerOf()]]), models, schedule })
    expect(assignments[0]?.assignment).toMatchObject({ crId: CR, sense: null, consume: null })
    expect(assignments[0]?.assignment.reason).toMatch(/vast: the download needs .*far: no sensor/)
  })
})
