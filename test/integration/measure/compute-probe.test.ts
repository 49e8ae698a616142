import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { computeProbe } from '../../../agent/measure/compute/compute-probe.ts'
import { runProbe } from '../../../agent/measure/probe.ts'
import { coreClassesOf } from '../../../agent/urp/core-classes.ts'
import { CoreClass } from '../../../protocol/urp.ts'
import { createLogger } from '../../../runtime/logger.ts'
import { trainingWork } from '../../../training/cost/count-work.ts'
import { predictStepSeconds } from '../../../training/cost/step-costs.ts'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import { buildModel } from '../../../training/models/registry.ts'
import { CALIBRATION_KERNELS } from '../../../training/trainer/kernels/registry.ts'
import { TrainerProcess } from '../../../training/trainer/trainer-process.ts'

/** A hundredth of what a measurement takes: enough to see that it works, not to believe it. */
const EFFORT = {
  ...{ runSeconds: 1e-3, stepRunSeconds: 1e-3, widthMax: 0.05, secondsMax: 20 },
  ...{ runsMin: 3, runsMax: 3 },
}

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gainnet-compute-'))
})

afterAll(() => rm(folder, { recursive: true }))

describe('the whole measurement on this machine', () => {
  test('gives every kernel a rate, a cost model, and what it took; the URP carries them', async () => {
    const probe = computeProbe({
      startTrainer: options => TrainerProcess.start(options),
      ...{ extent: 'full', effort: EFFORT, lockPath: join(folder, 'lock') },
    })
    const result = await runProbe(probe, {
      roots: { procRoot: '/proc', sysRoot: '/sys' },
      log: createLogger({ daemon: 'test', level: 'silent' }),
    })
    if (result.status !== 'ok') throw new Error(result.reason)
    const [rate] = result.values.classes
    expect(rate?.kernels?.map(({ kernel }) => kernel)).toEqual([...CALIBRATION_KERNELS, 'memory'])
    for (const { p50, peak, n, discarded } of rate?.kernels ?? []) {
      expect(p50).toBeGreaterThan(1e3)
      expect(peak).toBeGreaterThanOrEqual(p50)
      expect(n + discarded.reduce((sum, { count }) => sum + count, 0)).toBe(3)
    }
    expect(result.values.spent?.cpuSeconds).toBeGreaterThan(0.1)
    expect(result.cost?.childCpuSeconds).toBe(result.values.spent?.cpuSeconds)
    const [written] = coreClassesOf(result.values)
    const { secondsPer } = CoreClass.parse(written)
    if (!secondsPer) throw new Error('no cost model')
    // Ten times the width of a layer is some hundred times the work of it.
    const seconds = [20, 200].map(width => predictStepSeconds(workOf(width), secondsPer))
    expect(seconds[0]).toBeGreaterThan(0)
    expect((seconds[1] ?? 0) / (seconds[0] ?? 1)).toBeGreaterThan(1)
  }, 60_000)
})

function workOf(width: number) {
  const model = { inputSize: width, hiddenSizes: [width], outputSize: 4, seed: 1 }
  const { bytes } = buildTrainingArtifact(buildModel({ kind: 'mlp', ...model }), {
    loss: 'softmax-cross-entropy',
    optimizer: { kind: 'adam' },
    batch: 16,
  })
  return trainingWork(bytes)
}
