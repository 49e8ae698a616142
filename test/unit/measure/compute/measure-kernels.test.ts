import { describe, expect, test } from 'vitest'
import {
  type MeasureKernelsOptions,
  measureKernels,
  USUAL_EFFORT,
} from '../../../../agent/measure/compute/measure-kernels.ts'
import type { Conditions } from '../../../../agent/measure/probe.ts'
import { seededRandom } from '../../../../runtime/seeded-random.ts'
import { NO_WORK } from '../../../../training/cost/work-counts.ts'

/** A core on which a turn of each kernel takes a millisecond, and more with the noise. */
function core({ noise = 0 }: { readonly noise?: number } = {}) {
  const random = seededRandom(3)
  const ran: { readonly kernel: string; readonly turns: number }[] = []
  const runner: MeasureKernelsOptions['runner'] = {
    openKernel: async () => undefined,
    runKernel: async ({ kernel, turns }) => {
      ran.push({ kernel, turns })
      const cpuSeconds = turns * 1e-3 * (1 + noise * random())
      const work = { ...NO_WORK, flops: turns * 1e6, sweptBytes: turns * 1e6 }
      return { work, cpuSeconds, wallSeconds: cpuSeconds }
    },
  }
  return { runner, ran }
}

const quiet = async (): Promise<Conditions> => ({})
const { signal } = new AbortController()

describe('measuring kernels', () => {
  test('stops as soon as the medians are known, after the runs it makes at least', async () => {
    const { runner, ran } = core()
    const { kernels } = await measureKernels({
      ...{ runner, readConditions: quiet, signal },
      kernels: ['gemm', 'adam'],
    })
    expect(kernels.map(({ figure }) => figure)).toMatchObject([
      { kernel: 'gemm', unit: 'FLOP/s', n: 8, width: 0 },
      { kernel: 'adam', unit: 'B/s', n: 8, width: 0 },
    ])
    expect(kernels[0]?.figure.p50).toBeCloseTo(1e9, 0)
    expect(kernels[0]?.cpuSeconds).toBeCloseTo(0.01, 9)
    // Found by growing, then in turn: a run of one, a run of the other.
    const measured = ran.filter(({ turns }) => turns === 10).map(({ kernel }) => kernel)
    expect(measured.slice(-4)).toEqual(['gemm', 'adam', 'gemm', 'adam'])
  })

  test('goes on with what is noisy, no further than it may', async () => {
    const { runner, ran } = core({ noise: 3 })
    const effort = { ...USUAL_EFFORT, runsMax: 15 }
    const { kernels } = await measureKernels({
      ...{ runner, readConditions: quiet, signal, effort },
      kernels: ['gemm'],
    })
    const [figure] = kernels.map(({ figure }) => figure)
    expect(figure?.width).toBeGreaterThan(effort.widthMax)
    const warmUp = figure?.discarded[0]?.count ?? 0
    expect((figure?.n ?? 0) + warmUp).toBe(15)
    expect(ran.length).toBeLessThan(15 + 10)
  })

  test('leaves out the runs during which the board was throttled', async () => {
    const { runner } = core()
    let reads = 0
    const readConditions = async (): Promise<Conditions> => ({ throttled: ++reads === 6 })
    const { kernels, conditions } = await measureKernels({
      ...{ runner, readConditions, signal },
      kernels: ['gemm'],
    })
    // The run before the reading and the one after it.
    expect(kernels[0]?.figure).toMatchObject({ isFlagged: false })
    expect(kernels[0]?.figure.discarded).toContainEqual({ reason: 'board was throttled', count: 2 })
    expect(conditions.some(({ throttled }) => throttled)).toBe(true)
  })

  test('begins no run any more once it is given up', async () => {
    const { runner, ran } = core()
    const ending = new AbortController()
    const readConditions = async (): Promise<Conditions> => {
      ending.abort(new Error('the agent stops'))
      return {}
    }
    const measuring = measureKernels({
      ...{ runner, readConditions, signal: ending.signal },
      kernels: ['gemm'],
    })
    await expect(measuring).rejects.toThrow('the agent stops')
    expect(ran.filter(({ turns }) => turns === 10).length).toBeLessThan(3)
  })
})
