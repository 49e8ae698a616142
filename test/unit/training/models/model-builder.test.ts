import { expect, test } from 'vitest'
import { seededRandom } from '../../../../runtime/seeded-random.ts'
import { readForwardModel } from '../../../../training/forward/forward-graph.ts'
import {
  filledWith,
  heNormal,
  type InitialWeights,
  lecunNormal,
  normal,
  xavierUniform,
} from '../../../../training/models/initial-weights.ts'
import { convolution, linear } from '../../../../training/models/layers.ts'
import { ModelBuilder } from '../../../../training/models/model-builder.ts'

const SEED = 11

test.each<[string, InitialWeights, number]>([
  ['heNormal', heNormal, 2 / 50],
  ['lecunNormal', lecunNormal, 1 / 50],
  ['xavierUniform', xavierUniform, 2 / (50 + 30)],
  ['normal', normal(0.3), 0.09],
  ['filledWith', filledWith(0), 0],
])('%s has the variance that its source gives', (_, initial, variance) => {
  const draw = initial({ fanIn: 50, fanOut: 30 })
  const random = seededRandom(SEED)
  const values = Array.from({ length: 20_000 }, () => draw(random))
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const measured = values.reduce((sum, value) => sum + value ** 2, 0) / values.length
  expect(Math.abs(mean), `seed ${SEED}`).toBeLessThan(0.02)
  expect(measured, `seed ${SEED}`).toBeCloseTo(variance, 2)
})

test('the weights of a convolution are scaled by what one place of the kernel sums up', () => {
  const model = new ModelBuilder({ name: 'test', seed: SEED })
  const x = model.input('x', [40, 6, 6])
  const y = convolution(model, x, { name: 'conv', channels: 64, kernel: 3, hasBias: false })
  const { initialParameters } = readForwardModel(model.finish([y]))
  const squares = initialParameters.reduce((sum, weight) => sum + weight ** 2, 0)
  expect(squares / initialParameters.length, `seed ${SEED}`).toBeCloseTo(2 / (40 * 9), 3)
})

test('a table is part of the computation and no parameter', () => {
  const model = new ModelBuilder({ name: 'test', seed: SEED })
  const x = model.input('x', [3])
  const scaled = model.graph.mul(x, model.table([3], [1, 2, 3]))
  const bytes = model.finish([linear(model, scaled, { name: 'output', size: 2 })])
  const { parameters, graph } = readForwardModel(bytes)
  expect(parameters.map(({ name }) => name)).toEqual(['output.weight', 'output.bias'])
  expect(graph.node[0]?.opType).toBe('Constant')
})

test('reshape leaves the batch open', () => {
  const model = new ModelBuilder({ name: 'test', seed: SEED })
  const x = model.reshape(model.input('x', [6]), [2, 3])
  expect(model.sampleShape(x)).toEqual([2, 3])
  const { graph } = readForwardModel(model.finish([x]))
  const dimensions = graph.output[0]?.type?.tensorType?.shape?.dim
  expect(dimensions).toMatchObject([{ dimParam: 'batch' }, { dimValue: 2 }, { dimValue: 3 }])
})

test('an output without the batch in front is refused', () => {
  const model = new ModelBuilder({ name: 'test', seed: SEED })
  const x = model.input('x', [6])
  const turned = model.graph.transpose(x, [1, 0])
  expect(() => model.finish([turned])).toThrow(/no batch in front/)
})

test('two parameters of one name are refused', () => {
  const model = new ModelBuilder({ name: 'test', seed: SEED })
  model.parameter('weight', [2])
  expect(() => model.parameter('weight', [2])).toThrow(/made twice/)
})

test('more parameters than a board could train are refused before they are drawn', () => {
  const model = new ModelBuilder({ name: 'test', seed: SEED })
  expect(() => model.parameter('weight', [8192, 8192, 8192])).toThrow(/134217728 parameters/)
})
