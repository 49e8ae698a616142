import { describe, expect, test } from 'vitest'
import { Credibility } from '../../../controller/orchestrate/credibility.ts'
import { KeptPromises } from '../../../controller/rounds/kept-promises.ts'
import { modelOf, offerOf, plan } from './plans.ts'

/** Both see the same and train as fast; one sensor really delivers so much, whatever is claimed. */
const REAL_PER_SECOND = 20
const SENSING_SECONDS = 1.5

/** Rounds as the controller plays them: plan, sense, plan anew. `failing` rounds deliver nothing. */
function play(o: {
  readonly rounds: number
  readonly claimed: number
  readonly failing?: readonly number[]
}) {
  const promises = new KeptPromises()
  const gains: { readonly one: number; readonly honest: number; readonly limit: unknown }[] = []
  let sensed = new Map<string, { grId: number; modelId: string; sampleCount: number }>()
  for (let crId = 1; crId <= o.rounds; crId++) {
    const urps = new Map([
      ['honest', offerOf({ rowsPerSecond: REAL_PER_SECOND })],
      ['one', offerOf({ rowsPerSecond: o.claimed })],
    ])
    promises.onSensed({ urps, sensed })
    // Wide computing: what is sensed is what counts.
    const { choices, assignments } = plan({
      crId,
      urps,
      sensed: new Map(),
      models: [modelOf('prose', { flopsPerSample: 1e3 })],
      credibilityOf: id => promises.credibilityOf(id),
    })
    promises.onPlanned(assignments)
    const of = (id: string) => choices.find(({ agentId }) => agentId === id)
    gains.push({
      one: of('one')?.workload ?? 0,
      honest: of('honest')?.workload ?? 0,
      limit: of('one')?.limitedBy,
    })
    sensed = new Map(
      assignments.flatMap(({ agentId, assignment: { sense } }) => {
        if (!sense || (agentId === 'one' && o.failing?.includes(crId))) return []
        const real = Math.min(sense.samplesWanted, REAL_PER_SECOND * SENSING_SECONDS)
        const { grId, modelId } = sense
        return [[agentId, { grId, modelId, sampleCount: Math.floor(real) }]]
      }),
    )
  }
  return gains
}

describe('a device', () => {
  test('that claims a thousand times its rate loses what it won by it within three rounds', () => {
    const rounds = play({ rounds: 12, claimed: 1000 * REAL_PER_SECOND })
    expect(rounds[0]).toMatchObject({ one: 30_000, honest: 30 })
    for (const { one, honest, limit } of rounds.slice(3)) {
      expect(one).toBeGreaterThanOrEqual(1)
      expect(one).toBeLessThanOrEqual(2 * honest)
      expect(honest).toBe(30)
      expect(limit).toBe('records')
    }
  })

  test('that is honest is not hurt by one failed round or by two', () => {
    const rounds = play({ rounds: 10, claimed: REAL_PER_SECOND, failing: [2, 4] })
    expect(rounds.map(({ one }) => one)).toEqual(new Array(10).fill(30))
  })

  test('that failed for long is believed again when it delivers', () => {
    const failing = [1, 2, 3, 4, 5, 6]
    const rounds = play({ rounds: 60, claimed: REAL_PER_SECOND, failing })
    expect(rounds[6]?.one).toBe(1)
    expect(rounds.at(-1)?.one).toBe(30)
  })
})

test('a share is a number from next to nothing to one, whatever is said', () => {
  const credibility = new Credibility()
  for (const [promised, delivered] of [
    [0, 0],
    [10, Number.NaN],
    [10, -5],
    [1, 1e300],
    [Number.POSITIVE_INFINITY, 1],
  ] as const) {
    for (let round = 0; round < 6; round++) credibility.learn('a', { promised, delivered })
    expect(credibility.of('a')).toBeGreaterThan(0)
    expect(credibility.of('a')).toBeLessThanOrEqual(1)
  }
})

describe('a contribution', () => {
  const sensed = (id: string) => [id, { grId: 6, modelId: 'prose', sampleCount: 300 }] as const
  const orders = plan({
    urps: new Map([
      ['a', offerOf()],
      ['b', offerOf()],
    ]),
    sensed: new Map([sensed('a'), sensed('b')]),
  }).assignments

  function promisesAfter(
    rounds: number,
    outcomes: Readonly<Record<'a' | 'b', 'aggregated' | 'late'>>,
  ) {
    const promises = new KeptPromises()
    for (let round = 0; round < rounds; round++) {
      promises.onPlanned(orders)
      promises.onContributions(
        Object.entries(outcomes).map(([agentId, outcome]) => ({
          agentId,
          grId: 6,
          modelId: 'prose',
          outcome,
          ...(outcome === 'aggregated' ? { sampleCount: 300 } : {}),
        })),
      )
    }
    return promises
  }

  test('that is late again and again counts against who owed it, and not against others', () => {
    const promises = promisesAfter(3, { a: 'late', b: 'aggregated' })
    expect(promises.credibilityOf('a')).toBeLessThan(0.001)
    expect(promises.credibilityOf('b')).toBe(1)
    expect(promisesAfter(2, { a: 'late', b: 'aggregated' }).credibilityOf('a')).toBe(1)
  })

  test('counts against nobody where no update came, as when a broker was away', () => {
    expect(promisesAfter(5, { a: 'late', b: 'late' }).credibilityOf('a')).toBe(1)
  })
})
