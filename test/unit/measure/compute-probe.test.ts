import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { computeProbe, rateOf } from '../../../agent/measure/compute-probe.ts'
import { runProbe } from '../../../agent/measure/probe.ts'
import { createLogger } from '../../../runtime/logger.ts'

const log = createLogger({ daemon: 'test', level: 'silent' })
const board = join(import.meta.dirname, '../../fixtures/boards/raspberry-pi-4')
const roots = { procRoot: join(board, 'proc'), sysRoot: join(board, 'sys') }
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gainnet-compute-'))
})

afterEach(() => rm(folder, { recursive: true }))

/** Stands in for a board's cores, which are not here; notes where it was bound and its end. */
function boardTrainers() {
  const started: (readonly number[])[] = []
  let stopped = 0
  const startTrainer = async ({ cpus }: { readonly cpus: readonly number[] }) => {
    started.push(cpus)
    return {
      runtime: 'native' as const,
      kernelRate: async ({ kernel }: { readonly kernel: string }) => ({
        flopsPerSecond: 3e9,
        flopsPerCpuSecond: kernel === 'gemm' ? 9e9 : 4e9,
        runs: [3e9, 5e9, 2e9],
        durationMs: 1,
      }),
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
            trainingFlopsPerSecond: 4e9,
            peakFlopsPerSecond: 5e9,
            sustainedFactor: 0.8,
            gemmFlopsPerSecond: 9e9,
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

  test('never claims that more is sustained than the peak', () => {
    // On a busy machine every run by wall time is slower than by CPU time.
    expect(rateOf({ runs: [1e9, 2e9], flopsPerCpuSecond: 4e9 })).toMatchObject({
      peakFlopsPerSecond: 4e9,
      sustainedFactor: 1,
    })
  })
})
