import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { writeCheckpoint } from '../../../training/checkpoint/checkpoint.ts'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import { maskKey } from '../../../training/forward/dropout-mask.ts'
import { buildModel, buildNode, buildValueInfo, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { encodeModel } from '../../../training/onnx/onnx-codec.ts'
import { buildTensor } from '../../../training/onnx/tensor.ts'
import { loadOrt } from '../../../training/trainer/ort-session.ts'
import { type TrainingJob, TrainingRun } from '../../../training/trainer/training-run.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { hashOf } from './byte-job.ts'

const WIDTH = 4000
const DROPPED = 0.25
const SAMPLES = 6

/** y = Dropout(Dropout(x ⊙ w)): with labels below all of y, the gradient of w tells the masks. */
function twoMasks(): Uint8Array {
  const constant = (name: string, type: 'float' | 'bool', value: number) =>
    buildTensor({ name, type: ELEMENT[type], shape: [], values: [value] })
  const weight = { name: 'w', type: ELEMENT.float, shape: [WIDTH] }
  const drop = (input: string, output: string) =>
    buildNode({ opType: 'Dropout', inputs: [input, 'ratio', 'training'], outputs: [output] })
  const graph = {
    node: [
      buildNode({ opType: 'Mul', inputs: ['x', 'w'], outputs: ['product'] }),
      drop('product', 'once'),
      drop('once', 'y'),
    ],
    name: 'masks',
    initializer: [
      buildTensor({ ...weight, values: new Float32Array(WIDTH).fill(1) }),
      constant('ratio', 'float', DROPPED),
      constant('training', 'bool', 1),
    ],
    input: [buildValueInfo('x', ELEMENT.float, ['batch', WIDTH])],
    output: [buildValueInfo('y', ELEMENT.float, ['batch', WIDTH])],
    valueInfo: [],
  }
  return encodeModel(buildModel({ opset: OPSET_MAX, graph }))
}

const model = twoMasks()

async function open(change: Partial<TrainingJob> = {}, accumulation = 1) {
  const artifact = buildTrainingArtifact(model, {
    loss: 'mean-absolute-error',
    optimizer: { kind: 'sgd' },
    batch: 1,
    accumulation,
  })
  const run = await TrainingRun.open(await loadOrt(), {
    artifact: artifact.bytes,
    parameters: artifact.initialParameters,
    inputs: new Float32Array(SAMPLES * WIDTH).fill(1),
    labels: new Float32Array(SAMPLES * WIDTH).fill(-1e6),
    seed: 3,
    ...change,
  })
  onTestFinished(() => run.release())
  return run
}

/** What one step takes off each weight, in units of what is taken off where nothing is dropped. */
async function stepOf(run: TrainingRun): Promise<readonly number[]> {
  const before = run.parameters()
  await run.step({ steps: 1, learningRate: WIDTH })
  return Array.from(run.parameters(), (value, place) => (before[place] ?? 0) - value)
}

function shareOf(values: readonly number[], wanted: number): number {
  return values.filter(value => Math.abs(value - wanted) < 1e-3).length / values.length
}

describe('the masks of Dropout', () => {
  test('drop their share, each node for itself, and scale what they keep', async () => {
    const taken = await stepOf(await open())
    const kept = 1 - DROPPED
    expect(shareOf(taken, 0)).toBeCloseTo(1 - kept ** 2, 1)
    expect(shareOf(taken, 1 / kept ** 2)).toBeCloseTo(kept ** 2, 1)
    expect(shareOf(taken, 0) + shareOf(taken, 1 / kept ** 2)).toBe(1)
  })

  test('are others for each step, each part of a step and each seed, and equal for equal ones', async () => {
    const run = await open()
    const steps = [await stepOf(run), await stepOf(run), await stepOf(await open({ seed: 4 }))]
    const masks = steps.map(taken => taken.map(value => (Math.abs(value) < 1e-3 ? 0 : 1)).join(''))
    expect(new Set(masks).size).toBe(3)
    expect(await stepOf(await open())).toEqual(steps[0])
    // Two parts of one mask would take nothing or all: some weights lose just half.
    const whole = 1 / (1 - DROPPED) ** 2
    expect(shareOf(await stepOf(await open({}, 2)), whole / 2)).toBeGreaterThan(0.3)
  })

  test('go on after a break as if there had been none, however the steps are cut', async () => {
    const [path, end] = ['part', 'end'].map(name => join(temporaryDirectory(), name))
    const hashAfter = async (run: TrainingRun, steps: readonly number[]): Promise<string> => {
      for (const count of steps) await run.step({ steps: count, learningRate: 0.1 })
      await writeCheckpoint(end ?? '', run.checkpoint(), run.metadata)
      return hashOf(readFileSync(end ?? ''))
    }
    for (const accumulation of [1, 2]) {
      const expected = await hashAfter(await open({}, accumulation), [20])
      const part = await open({}, accumulation)
      await part.step({ steps: 9, learningRate: 0.1 })
      await writeCheckpoint(path ?? '', part.checkpoint(), part.metadata)
      const resumed = await open({ resume: path ?? '' }, accumulation)
      expect(await hashAfter(resumed, [4, 7])).toBe(expected)
    }
  })

  test('have keys that do not meet', () => {
    const keys = [0, 1, 2, 3].flatMap(seed =>
      Array.from({ length: 5000 }, (_, draw) => maskKey(seed, draw)),
    )
    expect(new Set(keys).size).toBeGreaterThan(keys.length - 3)
  })
})
