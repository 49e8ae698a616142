import { describe, expect, test } from 'vitest'
import { buildModel, type ModelOptions, modelKinds } from '../../../../training/models/registry.ts'
import { boxCases } from '../../../integration/training/models/box-cases.ts'
import { sequenceCases } from '../../../integration/training/models/sequence-cases.ts'

const cases = [...boxCases, ...sequenceCases]

test('every kind has at least two cases', () => {
  for (const kind of modelKinds) {
    const count = cases.filter(({ options }) => options.kind === kind).length
    expect(count, kind).toBeGreaterThanOrEqual(2)
  }
})

describe('a model', () => {
  test.each(cases)('of the options of $name is the same each time', ({ options }) => {
    const bytes = buildModel(options)
    expect(buildModel(options)).toEqual(bytes)
    expect(buildModel({ ...options, seed: 7 })).not.toEqual(bytes)
  })

  test('of an unknown kind is refused', () => {
    // What a configuration file may hold, past the type checker.
    const options = JSON.parse('{ "kind": "perceptron", "inputSize": 1 }') as ModelOptions
    expect(() => buildModel(options)).toThrow(/kind/)
  })

  test('with an option that its kind does not know is refused', () => {
    const options = JSON.parse(
      '{ "kind": "mlp", "inputSize": 1, "outputSize": 1, "depth": 3 }',
    ) as ModelOptions
    expect(() => buildModel(options)).toThrow(/depth/)
  })

  const impossible: readonly ModelOptions[] = [
    { kind: 'mlp', inputSize: 0, outputSize: 1 },
    { kind: 'mlp', inputSize: 9000, outputSize: 1 },
    { kind: 'mlp', inputSize: 4, outputSize: 1, hiddenSizes: [] },
    { kind: 'cnn', imageShape: [1, 28, 28], classes: 1 },
    { kind: 'cnn', imageShape: [1, 28, 28], classes: 10, kernel: 4 },
    { kind: 'cnn', imageShape: [1, 6, 28], classes: 10, channels: [4, 4, 4] },
    { kind: 'cnn-1d', inputChannels: 3, length: 3, classes: 2 },
    { kind: 'resnet', imageShape: [1, 28, 28], classes: 10, stages: [16, 20] },
    { kind: 'ddpm-denoiser', size: 2, timeSize: 5 },
    { kind: 'ddpm-unet', imageShape: [1, 6, 6], channels: [8, 8, 8] },
    { kind: 'vae', inputSize: 2, latentSize: 0 },
  ]
  test.each(impossible)('of $kind that cannot be is refused: %j', options => {
    expect(() => buildModel(options)).toThrow()
  })
})
