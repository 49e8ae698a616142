import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { POLICIES } from '../../../controller/orchestrate/policies/registry.ts'
import { encodeBody } from '../../../protocol/body-codec.ts'
import { matrixOf } from '../../../protocol/matrix.ts'
import type { Urp } from '../../../protocol/urp.ts'
import { NOW_MS } from '../orchestrate/urps.ts'
import { CR, modelOf, offerOf, plan, sensedBy } from './plans.ts'

const one = new Map([['a', offerOf()]])

/** An offer of more slots like those of the others. */
function longer(slots: number): Urp {
  const { computing, frequency, ...same } = offerOf()
  return {
    ...same,
    slots,
    frequency: frequency.map(one => ({ ...one, availability: matrixOf(slots, 10, () => 1) })),
    computing: { ...computing, availability: matrixOf(slots, 1, () => 1) },
  }
}

describe('the plan of a round', () => {
  test('lets an agent that has sensed nothing yet only sense', () => {
    const { assignments, choices, excluded, gain, bound } = plan({ urps: one })
    expect(assignments).toEqual([
      {
        agentId: 'a',
        assignment: {
          crId: CR,
          sense: {
            grId: CR,
            modelId: 'prose',
            sensor: 'text',
            slots: [[1, 4]],
            // What the one compute slot of the next CR can train on.
            samplesWanted: 400,
          },
          consume: null,
          reason: expect.stringContaining('400 samples (limited by consumption)'),
        },
      },
    ])
    expect(choices).toMatchObject([{ agentId: 'a', modelId: 'prose', workload: 400 }])
    expect(excluded).toEqual([])
    expect([gain, bound]).toEqual([choices[0]?.gain, choices[0]?.gain])
  })

  test('consumes what was sensed: download, training and upload one after the other', () => {
    const { assignments } = plan({ urps: one, sensed: sensedBy('a', 300) })
    expect(assignments[0]?.assignment.consume).toEqual({
      grId: CR - 1,
      modelId: 'prose',
      version: 'a'.repeat(64),
      mode: 'full',
      downloadSlots: [1, 2],
      computeSlots: [2, 3],
      uploadSlots: [3, 4],
      downloadBlocks: 2,
      uploadBlocks: 2,
      // 300 of the 400 samples that one core at 0.8 of its peak trains on in the slot.
      computingShare: 0.75,
      sampleCount: 300,
      localEpochs: 1,
      batch: 32,
      learningRate: 0.01,
      downloadBitsMax: 2_000_000,
      uploadBitsMax: 1_000_000,
      seed: expect.any(Number),
    })
  })

  test('gives a serial round its parts in one CR, one after the other', () => {
    const urps = new Map([['a', longer(8)]])
    const { assignments, gain } = plan({ urps, slots: 8, schedule: 'serial' })
    const { sense, consume } = assignments[0]?.assignment ?? {}
    // A slot senses 150 samples or trains 400: three slots sense, two train what they bring.
    expect(sense).toMatchObject({ grId: CR, slots: [[1, 4]], samplesWanted: 450 })
    expect(consume).toMatchObject({
      ...{ grId: CR, sampleCount: 450 },
      ...{ downloadSlots: [4, 5], computeSlots: [5, 7], uploadSlots: [7, 8] },
    })
    const zeros = plan({ urps, slots: 8 })
    expect(zeros.assignments[0]?.assignment.consume).toBeNull()
    expect(zeros.choices[0]?.workload).toBe(1050)
    expect(gain).toBeLessThan(zeros.gain)
  })

  test('consumes no more than fits', () => {
    const { assignments } = plan({ urps: one, sensed: sensedBy('a', 450) })
    expect(assignments[0]?.assignment.consume?.sampleCount).toBe(400)
  })

  test('gives sensing only what consumption leaves of the same pool', () => {
    // A radio that senses takes nine of the ten blocks of a slot.
    const urps = new Map([['a', offerOf({ resourceBlocks: 9 })]])
    const workload = (o: Partial<Parameters<typeof plan>[0]>) =>
      plan({ urps, ...o }).choices[0]?.workload
    // Download takes two blocks of slot 1 and upload two of slot 3: 150 samples of slot 2 are left.
    expect(workload({})).toBe(400)
    expect(workload({ sensed: sensedBy('a', 300) })).toBe(150)
  })

  test('leaves out an agent whose URP is of no use, with the reason, and no other', () => {
    const stale = { ...offerOf(), validUntil: new Date(NOW_MS).toISOString() }
    const elsewhere = { ...offerOf(), frequency: [] }
    const torn = {
      ...offerOf(),
      computing: { ...offerOf().computing, availability: matrixOf(3, 1, () => 1) },
    }
    const urps = new Map([
      ['z', offerOf()],
      ['stale', stale],
      ['elsewhere', elsewhere],
      ['torn', torn],
      ['coarse', { ...offerOf(), slotMs: 1000 }],
      ['a', offerOf()],
    ])
    const { assignments, excluded } = plan({ urps, sensed: sensedBy('stale', 300) })
    expect(assignments.map(({ agentId }) => agentId)).toEqual(['a', 'z'])
    const cuts = '4 x 1000 ms, the round into 4 x 500 ms'
    expect(excluded).toEqual([
      { agentId: 'coarse', reason: `the URP is cut into ${cuts}` },
      { agentId: 'elsewhere', reason: 'no resource blocks are reported for link edge' },
      { agentId: 'stale', reason: 'the URP expired at 2026-01-01T00:00:00.000Z' },
      { agentId: 'torn', reason: 'the computing matrix is 3 x 1 for 4 slots and 1 columns' },
    ])
  })

  test('of the last round only consumes', () => {
    const { assignments, choices, gain } = plan({
      urps: new Map([
        ['a', offerOf()],
        ['b', offerOf()],
      ]),
      sensed: sensedBy('a', 300),
      maySense: false,
    })
    expect(assignments.map(({ assignment }) => assignment)).toMatchObject([
      { sense: null, consume: { sampleCount: 300 } },
      { sense: null, consume: null },
    ])
    expect([choices, gain]).toEqual([[], 0])
  })

  test('says in the assignment why something sensed is not consumed', () => {
    const { assignments } = plan({
      urps: one,
      sensed: sensedBy('a', 300),
      computeOverheadOf: () => 1000,
    })
    expect(assignments[0]?.assignment).toMatchObject({ consume: null, sense: null })
    expect(assignments[0]?.assignment.reason).toMatch(
      /idle: prose: .*; not consumed: one sample needs 1\.00e\+9 FLOP, 4\.00e\+8 are free$/,
    )
  })

  test('forgets what was sensed for a model that is no longer there', () => {
    const { assignments } = plan({ urps: one, sensed: sensedBy('a', 300, 'gone') })
    expect(assignments[0]?.assignment.consume).toBeNull()
  })

  test('draws another order of samples for each agent and round, the same when repeated', () => {
    const seedIn = (crId: number, agentId: string) =>
      plan({ urps: new Map([[agentId, offerOf()]]), sensed: sensedBy(agentId, 9), crId })
        .assignments[0]?.assignment.consume?.seed
    const seeds = [seedIn(7, 'a'), seedIn(8, 'a'), seedIn(7, 'b')]
    expect(new Set(seeds).size).toBe(3)
    expect(seedIn(7, 'a')).toBe(seeds[0])
  })
})

test.each(POLICIES)('$name plans a round of what agents really report', policy => {
  const urps = new Map(['a', 'b', 'c'].map(agentId => [agentId, offerOf()] as const))
  const models = [modelOf('prose'), modelOf('code', { value: 0.5 })]
  const { choices, assignments, gain, bound } = plan({ urps, models, policy })
  expect(choices.map(choice => choice.agentId)).toEqual(['a', 'b', 'c'])
  expect(gain).toBeLessThanOrEqual(bound)
  for (const [index, { assignment }] of assignments.entries()) {
    expect(assignment.sense?.modelId ?? null).toBe(choices[index]?.modelId)
    expect(assignment.reason).not.toBe('')
  }
})

test('a model that takes few devices is not given more', () => {
  const urps = new Map(['a', 'b', 'c'].map(agentId => [agentId, offerOf()] as const))
  const models = [modelOf('prose', { devicesMax: 1 }), modelOf('code', { value: 0.01 })]
  const served = plan({ urps, models }).choices.map(choice => choice.modelId)
  expect(served.filter(modelId => modelId === 'prose')).toHaveLength(1)
  expect(served.filter(modelId => modelId === 'code')).toHaveLength(2)
})

test('whatever is offered and was sensed, phases keep their order and their bounds', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true })
  const offer = fc
    .record({ slots: fc.integer({ min: 2, max: 8 }), seed: fc.array(share, { minLength: 88 }) })
    .map(({ slots, seed }) => ({
      ...offerOf(),
      slots,
      frequency: [
        {
          link: 'edge',
          kind: 'link-share' as const,
          blockCount: 10,
          availability: matrixOf(slots, 10, (row, column) => seed[row * 11 + column] ?? 0),
        },
      ],
      computing: {
        ...offerOf().computing,
        availability: matrixOf(slots, 1, row => seed[row * 11 + 10] ?? 0),
      },
    }))
  const model = fc.record({
    downloadBytes: fc.integer({ min: 1, max: 3_000_000 }),
    uploadBytes: fc.integer({ min: 1, max: 1_500_000 }),
    flopsPerSample: fc.integer({ min: 1e5, max: 1e8 }),
  })
  fc.assert(
    fc.property(offer, model, fc.integer({ min: 0, max: 500 }), (urp, sizes, sampleCount) => {
      const { assignments } = plan({
        urps: new Map([['a', urp]]),
        models: [modelOf('prose', sizes)],
        sensed: sensedBy('a', sampleCount),
      })
      for (const { assignment } of assignments) {
        // The wire takes it as it is.
        encodeBody('assignment', {
          session: 1,
          sequence: 0,
          sentAt: '2026-01-01T00:00:00.000Z',
          ...assignment,
        })
        const { consume } = assignment
        if (!consume) continue
        const { downloadSlots, computeSlots, uploadSlots } = consume
        const edges = [1, ...downloadSlots, ...computeSlots, ...uploadSlots, urp.slots]
        expect(edges).toEqual([...edges].sort((a, b) => a - b))
        expect(consume.sampleCount).toBeLessThanOrEqual(sampleCount)
        expect(consume.computingShare).toBeLessThanOrEqual(1)
        expect(consume.uploadBitsMax).toBeGreaterThanOrEqual(sizes.uploadBytes * 8)
      }
    }),
  )
})
