import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { computeProbe } from '../../../../agent/measure/compute/compute-probe.ts'
import { runProbe } from '../../../../agent/measure/probe.ts'
import { createLogger } from '../../../../runtime/logger.ts'
import { NO_WORK } from '../../../../training/cost/work-counts.ts'
import { CALIBRATION_KERNELS } from '../../../../training/trainer/kernels/registry.ts'

const log = createLogger({ daemon: 'test', level: 'silent' })
const board = join(import.meta.dirname, '../../../fixtures/boards/raspberry-pi-4')
const roots = { procRoot: join(board, 'proc'), sysRoot: join(board, 'sys') }
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gainnet-compute-'))
})

afterEach(() => rm(folder, { recursive: true }))

/**
 * Stands in for a board's cores, which are not here: every kernel does a gigabyte, 10^9 operations and a
 * million starts in a turn of 0.1 s, but training steps are slower, and differ. Notes where it was
 * bound and its end.
 */
function boardTrainers() {
  const started: (readonly number[])[] = []
  let stopped = 0
  const startTrainer = async ({ cpus }: { readonly cpus: readonly number[] }) => {
    started.push(cpus)
    let runs = 0
    return {
      runtime: 'native' as const,
      openKernel: async () => undefined,
      runKernel: async ({ kernel }: { readonly kernel: string }) => {
        const slow = kernel.endsWith('-step') ? [2, 2.5][runs++ % 2] : 1
        const work = { ...NO_WORK, flops: 1e9, sweptBytes: 1e9, operators: 1e6, stateBytes: 1e9 }
        const cpuSeconds = 0.1 * (slow ?? 1)
        return { work, cpuSeconds, wallSeconds: cpuSeconds }
      },
      cpuSeconds: async () => 1.5,
      stop: async () => void (await Promise.resolve(stopped++)),
      kill: () => undefined,
    }
  }
  return { startTrainer, started, stoppedCount: () => stopped }
}

describe('the compute probe', () => {
  test('measures one core of a class in a child bound to it and gives all cores its rate', async () => {
    const trainers = boardTrainers()
    const lockPath = join(folder, 'lock')
    const result = await runProbe(computeProbe({ ...trainers, lockPath }), { roots, log })
    expect(trainers.started).toEqual([[3]])
    expect(trainers.stoppedCount()).toBe(1)
    expect(result).toMatchObject({
      status: 'ok',
      values: {
        classes: [
          {
            units: ['cpu0', 'cpu1', 'cpu2', 'cpu3'],
            measuredUnit: 'cpu3',
            peakFlopsPerSecond: 5e9,
            gemmFlopsPerSecond: 1e10,
          },
        ],
        before: { temperatureCelsius: 61.345, throttled: true },
      },
      conditions: { temperatureCelsius: 61.345, frequencyHz: 1.5e9, throttled: true },
    })
    expect(await readdir(folder)).toEqual([])
  })

  test('is absent, with the reason, while another process measures', async () => {
    const lockPath = join(folder, 'lock')
    await writeFile(lockPath, String(process.pid))
    const trainers = boardTrainers()
    const probe = computeProbe({ ...trainers, lockPath, lockWaitMsMax: 0 })
    expect(await runProbe(probe, { roots, log })).toMatchObject({
      status: 'absent',
      reason: 'another process was measuring for 0 s',
    })
    expect(trainers.started).toEqual([])
  })

  test('has failed, and lets others measure, when the child does not start', async () => {
    const lockPath = join(folder, 'lock')
    const startTrainer = async () => {
      throw new Error('no such program')
    }
    const result = await runProbe(computeProbe({ startTrainer, lockPath }), { roots, log })
    expect(result).toMatchObject({ status: 'failed', reason: 'no such program' })
    expect(await readdir(folder)).toEqual([])
  })

  test('given up while its child starts, it ends that child and lets others measure', async () => {
    const lockPath = join(folder, 'lock')
    const ending = new AbortController()
    const startTrainer = async ({ signal }: { readonly signal: AbortSignal }) => {
      ending.abort(new Error('the agent stops'))
      signal.throwIfAborted()
      throw new Error('it was not told')
    }
    const probe = computeProbe({ startTrainer, lockPath })
    const result = await runProbe(probe, { roots, log, signal: ending.signal })
    expect(result).toMatchObject({ status: 'failed', reason: 'the agent stops' })
    expect(await readdir(folder)).toEqual([])
  })

  test('is of flagged runs, and says so, where a board is throttled all the time', async () => {
    const lockPath = join(folder, 'lock')
    const result = await runProbe(computeProbe({ ...boardTrainers(), lockPath }), { roots, log })
    if (result.status !== 'ok') throw new Error(result.reason)
    const [kernels] = result.values.classes.map(({ kernels }) => kernels)
    expect(kernels?.map(({ isFlagged }) => isFlagged)).toEqual([true, true])
    expect(result.conditions?.throttled).toBe(true)
  })

  test('is short at first, so that an agent starts soon, and full from then on', async () => {
    const probe = computeProbe({ ...boardTrainers(), lockPath: join(folder, 'lock') })
    const extents = []
    for (let reading = 0; reading < 2; reading++) {
      const result = await runProbe(probe, { roots, log })
      extents.push(result.status === 'ok' ? result.values.extent : result.reason)
    }
    expect(extents).toEqual(['short', 'full'])
  })

  test('in full it measures all kernels, a cost model, and all cores at once', async () => {
    const trainers = boardTrainers()
    const lockPath = join(folder, 'lock')
    const probe = computeProbe({ ...trainers, lockPath, extent: 'full' })
    const result = await runProbe(probe, { roots, log })
    if (result.status !== 'ok') throw new Error(result.reason)
    expect(trainers.started).toEqual([[3], [0], [1], [2], [3]])
    expect(trainers.stoppedCount()).toBe(5)
    const { classes, allCores, spent } = result.values
    expect(classes[0]?.kernels?.map(({ kernel }) => kernel)).toEqual([
      ...CALIBRATION_KERNELS,
      'memory',
    ])
    expect(classes[0]?.costModel?.costs.flops).toBeGreaterThanOrEqual(0)
    expect(allCores?.cores).toBe(4)
    expect(allCores?.kernels[0]).toMatchObject({ kernel: 'gemm', p50: 4e10 })
    expect(spent?.cpuSeconds).toBe(5 * 1.5)
    expect(result.cost?.childCpuSeconds).toBe(5 * 1.5)
  })

  test('keeps the rates of a core where its children do not all start', async () => {
    const trainers = boardTrainers()
    const startTrainer: typeof trainers.startTrainer = async options => {
      if (trainers.started.length === 3) throw new Error('no memory is left')
      return trainers.startTrainer(options)
    }
    const lockPath = join(folder, 'lock')
    const probe = computeProbe({ startTrainer, lockPath, extent: 'full' })
    const result = await runProbe(probe, { roots, log })
    if (result.status !== 'ok') throw new Error(result.reason)
    expect(result.values.classes).toHaveLength(1)
    expect(result.values.allCores).toBeUndefined()
    expect(result.discarded).toEqual(['all cores at once: no memory is left'])
    expect(trainers.stoppedCount()).toBe(3)
  })
})
