import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ModelConfig, openModelSource } from '../../../controller/models/model-source.ts'
import { buildMlp } from '../../../training/models/mlp.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { npyOf } from '../../support/npy.ts'

type BuiltIn = Extract<ModelConfig, { kind: 'built-in' }>

/** Six rows of two numbers, of the classes 0 and 1. */
function heldBack() {
  const folder = temporaryDirectory()
  const path = join(folder, 'rows.npy')
  const labels = join(folder, 'labels.npy')
  writeFileSync(path, npyOf([6, 2], Float32Array.of(0, 10, 2, 10, 0, 10, 2, 10, 0, 10, 2, 10)))
  writeFileSync(labels, npyOf([6], Int32Array.of(0, 0, 0, 1, 1, 1)))
  return { folder, path, labels }
}

function builtIn(o: Partial<BuiltIn> = {}): BuiltIn {
  const { path, labels } = heldBack()
  return {
    modelId: 'activity',
    kind: 'built-in',
    value: 1,
    sensorKinds: [],
    objective: 'classes',
    architecture: { kind: 'mlp', inputSize: 6, hiddenSizes: [4], outputSize: 2 },
    samples: SAMPLES,
    evaluation: { path, labels },
    ...o,
  }
}

const SAMPLES: BuiltIn['samples'] = {
  element: 'float32',
  shape: [2],
  windowRows: 3,
  strideRows: 1,
  rowsLast: false,
  scaling: 'none',
}

const open = (config: ModelConfig) => openModelSource(config, { batch: 8 })

describe('a model of the registry', () => {
  test('of classes takes windows of its rows, and is judged by labels', async () => {
    const { takes, loss, objective, heldBack: rows } = await open(builtIn())
    expect([loss, objective, rows.rowCount]).toEqual(['softmax-cross-entropy', 'classes', 6])
    expect(takes).toEqual({
      form: { element: 'float32', shape: [2] },
      windowRows: 3,
      strideRows: 1,
      inputRows: 3,
      inputElement: 'float32',
      rowsLast: false,
      labels: { kind: 'class', classes: 2 },
    })
  })

  test('that tells the next row has windows of one row more than it sees', async () => {
    const { takes, loss } = await open(builtIn({ objective: 'next-row' }))
    expect(loss).toBe('mean-squared-error')
    expect(takes).toMatchObject({
      inputRows: 3,
      windowRows: 4,
      labels: { kind: 'rows', rows: 1, element: 'float32' },
    })
  })

  test('that restores its samples needs no labels', async () => {
    const { path } = heldBack()
    const architecture = { kind: 'autoencoder', inputSize: 6, hiddenSizes: [4], latentSize: 2 }
    const config = builtIn({ objective: 'reconstruction', architecture, evaluation: { path } })
    const { takes, loss } = await open(config)
    expect([takes.labels, loss]).toEqual([{ kind: 'none' }, 'reconstruction'])
  })

  test('of text tells a byte at each place', async () => {
    const path = join(temporaryDirectory(), 'text')
    writeFileSync(path, 'the text that judges')
    const architecture = { kind: 'gpt', contextTokens: 8, width: 8, layers: 1, heads: 1 }
    const form = { element: 'uint8' as const, shape: [] }
    const { takes } = await open(
      builtIn({
        objective: 'next-byte',
        architecture,
        samples: { ...SAMPLES, ...form, windowRows: 8, strideRows: 8 },
        evaluation: { path },
      }),
    )
    expect(takes).toMatchObject({
      inputRows: 8,
      windowRows: 9,
      inputElement: 'int32',
      labels: { kind: 'rows', rows: 8, element: 'int32' },
    })
  })

  test('standardized has the mean and deviation of each value of the held-back rows', async () => {
    const { takes } = await open(builtIn({ samples: { ...SAMPLES, scaling: 'standardize' } }))
    expect(takes.scaling?.means[0]).toBeCloseTo(1, 6)
    expect(takes.scaling?.means[1]).toBeCloseTo(10, 6)
    expect(takes.scaling?.deviations[0]).toBeCloseTo(1, 6)
    // What never changes is not divided by zero.
    expect(takes.scaling?.deviations[1]).toBeGreaterThan(0)
  })
})

test('a model of an ONNX file is trained as one of the registry is', async () => {
  const path = join(temporaryDirectory(), 'mine.onnx')
  const settings = { kind: 'mlp', activation: 'relu', seed: 1 } as const
  writeFileSync(path, buildMlp({ ...settings, inputSize: 6, hiddenSizes: [4], outputSize: 2 }))
  const { architecture: _, ...common } = builtIn()
  const { takes, artifact } = await open({ ...common, kind: 'onnx', path })
  expect(takes.labels).toEqual({ kind: 'class', classes: 2 })
  expect(artifact.initialParameters).toHaveLength(6 * 4 + 4 + 4 * 2 + 2)
})

describe('a configuration is refused', () => {
  test.each<[string, Partial<BuiltIn>, string]>([
    [
      'whose windows have another size than the model takes',
      { samples: { ...SAMPLES, windowRows: 4 } },
      'models.activity: the model takes [6], 6 numbers; 4 rows of [2] have 8',
    ],
    [
      'whose model there is not',
      { architecture: { kind: 'oracle' } },
      'models.activity.architecture: kind',
    ],
    ['whose loss there is not', { loss: 'luck' }, 'models.activity.loss: there is no luck'],
    [
      'that wants classes by a loss without',
      { loss: 'mean-squared-error' },
      'models.activity: classes need one score a class',
    ],
    [
      'that wants to restore by a loss of labels',
      { objective: 'reconstruction', loss: 'mean-squared-error' },
      'reconstruction needs a loss without labels',
    ],
    [
      'whose prediction is no whole row',
      { objective: 'next-row', architecture: { kind: 'mlp', inputSize: 6, outputSize: 3 } },
      'the model predicts 3 numbers, rows have 2',
    ],
  ])('%s', async (_, change, sentence) => {
    await expect(open(builtIn(change))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(sentence),
    })
  })

  test('of classes whose held-back rows have none', async () => {
    const { path } = heldBack()
    await expect(open(builtIn({ evaluation: { path } }))).rejects.toThrow('is judged by labels')
  })

  test('whose file is not there', async () => {
    const { architecture: _, ...common } = builtIn()
    const path = '/nowhere/mine.onnx'
    await expect(open({ ...common, kind: 'onnx', path })).rejects.toThrow(
      'models.activity.path: /nowhere/mine.onnx cannot be read',
    )
  })
})
