import { describe, expect, test } from 'vitest'
import { type SlotPoolContext, slotPoolFromUrp } from '../../../controller/orchestrate/slot-pool.ts'
import { MatrixCodec, matrixOf } from '../../../protocol/matrix.ts'
import type { Urp } from '../../../protocol/urp.ts'
import { NOW_MS, urpOf } from './urps.ts'

/** A round of the URP's own cut. */
const contextOf = ({ slots, slotMs }: Urp): SlotPoolContext => {
  return { link: 'edge', nowMs: NOW_MS, slots, slotMs }
}

const poolOf = (urp: Urp, link = 'edge') => {
  const result = slotPoolFromUrp(urp, { ...contextOf(urp), link })
  if (!result.ok) throw new Error(result.reason)
  return result.pool
}
const reasonOf = (urp: Urp, o: Partial<SlotPoolContext> = {}) => {
  const result = slotPoolFromUrp(urp, { ...contextOf(urp), ...o })
  return result.ok ? '' : result.reason
}

describe('slot pool', () => {
  test('it counts whole blocks, FLOP and bits a slot, without the control slot', () => {
    const pool = poolOf(urpOf())
    expect([...pool.blocks]).toEqual([0, 10, 10, 10])
    expect([...pool.flops]).toEqual([0, 4e8, 4e8, 4e8])
    expect([...pool.units]).toEqual([0, 1, 1, 1])
    expect(pool).toMatchObject({
      slots: 4,
      slotSeconds: 0.5,
      blocksMax: 30,
      flopsMax: 1.2e9,
      downlinkBitsPerBlock: 1_000_000,
      uplinkBitsPerBlock: 500_000,
    })
  })

  test('what radios hear is no part of the link, in whatever order the pools come', () => {
    const urp = urpOf()
    const [share] = urp.frequency
    if (share === undefined) throw new Error('the URP has no frequency pool')
    const heard = (link: string) => ({
      ...{ link, kind: 'spectrum' as const, blockCount: 16, blockWidthHz: 150_000 },
      availability: matrixOf(4, 16, () => 1),
    })
    for (const frequency of [
      [heard('ism'), share],
      [heard('edge'), share, heard('ism')],
    ]) {
      expect([...poolOf({ ...urp, frequency }).blocks]).toEqual([0, 10, 10, 10])
    }
    expect([...poolOf({ ...urp, frequency: [heard('edge')] }).blocks]).toEqual([0, 16, 16, 16])
    const without = reasonOf({ ...urp, frequency: [heard('ism')] })
    expect(without).toContain('no resource blocks are reported for link edge')
  })

  test('parts of blocks add up and are floored once a slot', () => {
    const urp = urpOf()
    const [frequency] = urp.frequency
    if (frequency === undefined) throw new Error('the URP has no frequency pool')
    const availability = matrixOf(4, 10, (slot, block) => (block < 5 ? slot / 4 : 0))
    expect([...poolOf({ ...urp, frequency: [{ ...frequency, availability }] }).blocks]).toEqual([
      0, 1, 2, 3,
    ])
  })

  test('rounding to halves on the wire costs no block', () => {
    const urp = urpOf()
    const [frequency] = urp.frequency
    if (frequency === undefined) throw new Error('the URP has no frequency pool')
    const sent = MatrixCodec.encode(matrixOf(4, 10, () => 0.9))
    const availability = MatrixCodec.decode(sent)
    expect(poolOf({ ...urp, frequency: [{ ...frequency, availability }] }).blocks[1]).toBe(9)
  })

  test('a run uses the best units of each slot, as many as it has threads', () => {
    const unit = (name: string, peakFlopsPerSecond: number) => ({
      unit: name,
      kind: 'cpu-core' as const,
      peakFlopsPerSecond,
      sustainedFactor: 0.5,
    })
    const units = [unit('cpu0', 4e9), unit('cpu1', 2e9), unit('cpu2', 1e9)]
    const free = [
      [1, 1, 1],
      [0.125, 1, 1],
      [0, 0.5, 1],
    ]
    const availability = matrixOf(3, 3, (slot, column) => free[slot]?.[column] ?? 0)
    const computing = { units, availability, threads: 2 }
    const frequency = urpOf().frequency.map(pool => ({
      ...pool,
      availability: matrixOf(3, 10, () => 1),
    }))
    const pool = poolOf({ ...urpOf(), slots: 3, frequency, computing })
    expect([...pool.flops]).toEqual([0, 0.75e9, 0.5e9])
    expect([...pool.units]).toEqual([0, 2, 1.5])
    expect(pool.flopsMax).toBe(3e9)
  })

  test('a URP that was cut otherwise than the round is of no use', () => {
    const words = 'the URP is cut into 4 x 500 ms, the round into'
    expect(reasonOf(urpOf(), { slots: 5 })).toBe(`${words} 5 x 500 ms`)
    expect(reasonOf(urpOf(), { slotMs: 400 })).toBe(`${words} 4 x 400 ms`)
  })

  test('a URP that offers nothing says why', () => {
    const urp = urpOf()
    expect(reasonOf(urp, { nowMs: NOW_MS + 60_000 })).toBe(
      'the URP expired at 2026-01-01T00:00:10.000Z',
    )
    expect(reasonOf(urp, { link: 'other' })).toBe('no resource blocks are reported for link other')
    expect(reasonOf({ ...urp, links: [] })).toBe('no downlink goodput was measured on link edge')
    const [figures] = urp.links
    expect(
      reasonOf({ ...urp, links: [{ ...figures, link: 'edge', uplinkBitsPerSecond: undefined }] }),
    ).toBe('no uplink goodput was measured on link edge')
    expect(reasonOf({ ...urp, computing: { ...urp.computing, units: [] } })).toBe(
      'no computing unit is reported',
    )
    expect(reasonOf({ ...urp, slots: 5 })).toBe(
      'the resource block matrix is 4 x 10 for 5 slots and 10 columns',
    )
  })

  test('a link that carries nothing is of no use', () => {
    const urp = urpOf()
    const links = urp.links.map(figures => ({
      ...figures,
      uplinkBitsPerSecond: figures.uplinkBitsPerSecond && {
        ...figures.uplinkBitsPerSecond,
        p50: 0,
      },
    }))
    expect(reasonOf({ ...urp, links })).toBe('the measured goodput is 0 on link edge')
  })
})
