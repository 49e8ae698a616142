import { expect, test } from 'vitest'
import { buildByteLanguageModel } from '../../../training/models/byte-language-model.ts'
import { checkModel } from '../../../training/onnx/check-model.ts'
import { decodeModel } from '../../../training/onnx/onnx-codec.ts'

const options = { contextBytes: 4, embeddingSize: 3, hiddenSizes: [5, 6], seed: 7 }

test('the model is the same for the same seed and another for another', () => {
  const model = buildByteLanguageModel(options)
  expect(buildByteLanguageModel(options)).toEqual(model)
  expect(buildByteLanguageModel({ ...options, seed: 8 })).not.toEqual(model)
})

test('the model is one that training takes: context in, logits out, batch open', () => {
  const { graph, opset } = checkModel(decodeModel(buildByteLanguageModel(options)))
  expect(opset).toBeLessThanOrEqual(21)
  expect(graph.node.map(({ opType }) => opType)).toEqual([
    'Gather',
    'Flatten',
    'Gemm',
    'Tanh',
    'Gemm',
    'Tanh',
    'Gemm',
  ])
  expect(graph.input[0]?.type?.tensorType?.shape?.dim).toMatchObject([
    { dimParam: 'batch' },
    { dimValue: 4 },
  ])
})
