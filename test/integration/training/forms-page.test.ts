import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { adaptModel } from '../../../training/adapters/adapter.ts'
import { mergeLora } from '../../../training/adapters/lora-merge.ts'
import { readFormMetadata } from '../../../training/forms/form-metadata.ts'
import { buildInferenceForm } from '../../../training/forms/inference-form.ts'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import { buildTrainingForms } from '../../../training/forms/training-forms.ts'
import { buildByteLanguageModel } from '../../../training/models/byte-language-model.ts'
import { decodeModel } from '../../../training/onnx/onnx-codec.ts'
import { buildSplitForms } from '../../../training/split/split-forms.ts'
import { ROOT } from '../../support/root.ts'

const model = buildByteLanguageModel({
  contextBytes: 4,
  embeddingSize: 3,
  hiddenSizes: [6, 5],
  seed: 3,
})

// The examples below stand in the page as they stand here, so that they are type-checked and run.

test('the example of forms makes those that it asks for', () => {
  const { models, parameters, initialParameters } = buildTrainingForms(model, {
    loss: 'softmax-cross-entropy',
    optimizer: { kind: 'adam' },
    batch: 8,
    trainable: ['hidden.*', 'output.*'], // names or patterns; left out: every float32 with axes
    frozen: ['*.bias'], // taken out of these again
    forms: ['scan', 'grad', 'infer'], // left out: all six
  })
  expect(Object.keys(models)).toEqual(['scan', 'grad', 'infer'])
  expect(readFormMetadata(models.grad).form).toBe('grad')
  expect(parameters.map(({ name }) => name)).toEqual([
    'hidden.0.weight',
    'hidden.1.weight',
    'output.weight',
  ])
  expect(initialParameters).toHaveLength(12 * 6 + 6 * 5 + 5 * 256)
})

test('the example of adapters adapts and merges', () => {
  const values = new Float32Array((12 + 6 + 6 + 5) * 2)
  const adapted = adaptModel(model, { kind: 'lora', match: ['hidden.*'], rank: 2, alpha: 4 })
  const artifact = buildTrainingArtifact(adapted.bytes, {
    loss: 'softmax-cross-entropy',
    optimizer: { kind: 'adam' },
    batch: 8,
    trainable: adapted.trainable, // only what was added: that alone travels
  })
  // … values are the parameters after training.
  const trained = buildInferenceForm(adapted.bytes, { parameters: artifact.parameters, values })
  const merged = mergeLora(trained) // the model's own graph again, as fast as before
  expect(decodeModel(merged).graph?.node).toEqual(decodeModel(model).graph?.node)
})

test('the example of split learning cuts in three', () => {
  const { inner, last } = buildSplitForms(model, {
    loss: 'softmax-cross-entropy',
    optimizer: { kind: 'sgd', momentum: 0.9 },
    batch: 8,
    cuts: [['hidden.0'], ['hidden.1']], // one cut: two parts
  })
  expect(inner.map(({ parameters }) => parameters.length)).toEqual([3, 2])
  expect(last.parameters.map(({ name }) => name)).toEqual(['output.weight', 'output.bias'])
})

test('the page shows just these examples', () => {
  const page = readFileSync(join(ROOT, 'docs/reference/training-forms.md'), 'utf8')
  const here = readFileSync(import.meta.filename, 'utf8').replaceAll(/^ {2}/gm, '')
  const examples = [...page.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code = '']) => code)
  expect(examples).toHaveLength(3)
  for (const example of examples) expect(here).toContain(example)
})
