import { describe, expect, test } from 'vitest'
import { hasCode } from '../../../runtime/errors.ts'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import { buildTrainingForms } from '../../../training/forms/training-forms.ts'
import type { TrainingOptions } from '../../../training/forms/training-options.ts'
import { matchesPattern } from '../../../training/forward/name-pattern.ts'
import { buildByteLanguageModel } from '../../../training/models/byte-language-model.ts'
import { decodeModel } from '../../../training/onnx/onnx-codec.ts'

const options = {
  loss: 'softmax-cross-entropy',
  optimizer: { kind: 'sgd' },
  batch: 4,
} as const satisfies TrainingOptions

/** Layers in front of the head: as many as sizes are given. */
function modelOf(hiddenSizes: readonly number[]): Uint8Array {
  return buildByteLanguageModel({ contextBytes: 4, embeddingSize: 3, hiddenSizes, seed: 7 })
}

const model = modelOf([5, 6])

function namesOf(choice: Pick<TrainingOptions, 'trainable' | 'frozen'>): readonly string[] {
  return buildTrainingArtifact(model, { ...options, ...choice }).parameters.map(({ name }) => name)
}

function nodeCount(bytes: Uint8Array): number {
  const nodes = decodeModel(bytes).graph?.node ?? []
  return nodes.filter(({ opType }) => opType !== 'Identity').length
}

describe('parameters are chosen', () => {
  test('by name', () => {
    expect(namesOf({ trainable: ['output.bias', 'embedding'] })).toEqual([
      'embedding',
      'output.bias',
    ])
  })

  test('by pattern', () => {
    const hidden = ['hidden.0.weight', 'hidden.0.bias', 'hidden.1.weight', 'hidden.1.bias']
    expect(namesOf({ trainable: ['hidden.*'] })).toEqual(hidden)
    expect(namesOf({ trainable: ['hidden.?.bias', 'output.bias'] })).toEqual([
      'hidden.0.bias',
      'hidden.1.bias',
      'output.bias',
    ])
  })

  test('by what stays frozen', () => {
    expect(namesOf({ frozen: ['hidden.*', 'embedding'] })).toEqual(['output.weight', 'output.bias'])
    expect(namesOf({ trainable: ['hidden.*'], frozen: ['*.bias'] })).toEqual([
      'hidden.0.weight',
      'hidden.1.weight',
    ])
  })

  test('so that something is left', () => {
    expect(() => namesOf({ frozen: ['*'] })).toThrow('nothing is left to train in the model')
  })

  test.each([{ trainable: ['hiden.*'] }, { frozen: ['hidden.7.weight'] }])(
    'never by what finds nothing: %o',
    choice => {
      const build = () => namesOf(choice)
      expect(build).toThrow('the model has no float32 initializer hid')
      expect(build).toThrow(expect.toSatisfy(error => hasCode(error, 'MODEL_INVALID')))
    },
  )
})

test.each([
  ['*', 'a.b/c', true],
  ['a.b', 'axb', false],
  ['a?b', 'a.b', true],
  ['layers.*.weight', 'layers.0.attention.weight', true],
  ['layers.*.weight', 'layers.0.weights', false],
  ['[ab]', 'a', false],
  ['(x|y)*', '(x|y)z', true],
])('the pattern %s on the name %s: %s', (pattern, name, matches) => {
  expect(matchesPattern(pattern, name)).toBe(matches)
})

test('a frozen part costs nothing: it has no node beside its forward pass', () => {
  const build = (hiddenSizes: readonly number[], trainable: readonly string[]) => {
    const forms = ['grad', 'eval'] as const
    const { models } = buildTrainingForms(modelOf(hiddenSizes), { ...options, trainable, forms })
    return {
      backward: nodeCount(models.grad) - nodeCount(models.eval),
      grad: nodeCount(models.grad),
    }
  }
  const head = ['output.*']
  // However much is frozen in front of it, the head has the same gradients.
  expect(build([5, 6, 7, 8], head).backward).toBe(build([5], head).backward)
  expect(build([5, 6, 7, 8], ['*']).backward).toBeGreaterThan(build([5, 6, 7, 8], head).backward)
  // What lies behind is crossed, but its own weights have no gradient.
  const crossed = build([5, 6], ['hidden.0.*', 'output.*']).grad
  expect(crossed).toBeLessThan(build([5, 6], ['hidden.*', 'output.*']).grad)
})
