import { describe, expect, test } from 'vitest'
import { planConsumption } from '../../../controller/orchestrate/plan-consumption.ts'
import { poolOf } from './pools.ts'

const pool = poolOf({
  blocks: [0, 2, 2, 2, 2],
  flops: [0, 100, 100, 100, 100],
  bitsPerBlock: 10,
})

const pending = {
  samplesSensed: 20,
  downloadBits: 15,
  uploadBits: 25,
  flopsPerSample: 2,
  localEpochs: 2,
  computeOverhead: 1,
}

describe('consumption plan', () => {
  test('all that was sensed is consumed where it fits', () => {
    const plan = planConsumption(pool, pending)
    if (!plan.ok) throw new Error(plan.reason)
    const { residual, ...rest } = plan
    expect(rest).toEqual({
      ok: true,
      sampleCount: 20,
      limitedBy: 'sensing',
      allocation: {
        downloadSlots: [1, 2],
        computeSlots: [2, 3],
        uploadSlots: [3, 5],
        downloadBlocks: 2,
        uploadBlocks: 3,
        computingShare: 0.8,
      },
      uploadBitsMax: 30,
      needs: { downloadBits: 15, uploadBits: 25, flopsPerSample: 4 },
    })
    expect([...residual.blocks]).toEqual([0, 0, 2, 1, 0])
    expect([...residual.flops]).toEqual([0, 100, 20, 100, 100])
  })

  test('what does not fit any more is left out', () => {
    expect(planConsumption(pool, { ...pending, samplesSensed: 26 })).toMatchObject({
      ok: true,
      sampleCount: 25,
      limitedBy: 'consumption',
    })
  })

  test('a plan that cannot be carried out is refused with the number, and takes nothing', () => {
    expect(planConsumption(pool, { ...pending, uploadBits: 85 })).toEqual({
      ok: false,
      reason: 'the upload needs 9 resource blocks, 8 are free',
      residual: pool,
    })
    expect(planConsumption(pool, { ...pending, computeOverhead: 60 })).toMatchObject({
      reason: 'one sample needs 240 FLOP, 100 are free',
    })
    expect(planConsumption(pool, { ...pending, samplesSensed: 0 })).toMatchObject({
      ok: false,
      reason: 'no sample was sensed',
    })
  })
})
