import { describe, expect, test } from 'vitest'
import { GainnetError } from '../../../runtime/errors.ts'
import { attr } from '../../../training/onnx/attribute.ts'
import { buildModel, buildNode, buildValueInfo, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { decodeModel, encodeModel } from '../../../training/onnx/onnx-codec.ts'
import { buildTensor, elementCount } from '../../../training/onnx/tensor.ts'
import { buildSplitForms } from '../../../training/split/split-forms.ts'
import { readSplitMetadata } from '../../../training/split/split-metadata.ts'
import { buildSmallAttention } from './small-attention.ts'
import { buildSmallCnn } from './small-cnn.ts'

const SEED = 61
const BATCH = 8
const cnn = buildSmallCnn({ size: 8, channels: [2, 4], classes: 3, seed: SEED }).bytes
const attention = buildSmallAttention(SEED)
const sgd = { kind: 'sgd', momentum: 0.9 } as const

const plain = { loss: 'softmax-cross-entropy', optimizer: sgd, batch: BATCH } as const

describe('the forms of a split model', () => {
  const { inner, last } = buildSplitForms(cnn, { ...plain, cuts: [['pool.0'], ['features']] })

  test('take and give what the plan of U-shaped training says', () => {
    const [head, middle] = inner
    const ends = (bytes: Uint8Array = new Uint8Array()) => {
      const { graph } = decodeModel(bytes)
      const names = (list = graph?.input) => list?.map(({ name }) => name)
      return { takes: names(graph?.input), gives: names(graph?.output) }
    }
    expect(ends(head?.forward)).toEqual({
      takes: ['data.samples.image', 'parameter.conv.0.weight', 'parameter.conv.0.bias'],
      gives: ['cut.pool.0'],
    })
    expect(ends(middle?.forward)).toEqual({
      takes: ['cut.pool.0', 'parameter.conv.1.weight', 'parameter.conv.1.bias'],
      gives: ['cut.features'],
    })
    const step = ends(last.step)
    expect(step.takes).toEqual(
      expect.arrayContaining(['cut.features', 'data.labels', 'weights', 'schedule.learningRate']),
    )
    expect(step.takes).not.toContain('data.samples.image')
    expect(step.gives).toEqual(
      expect.arrayContaining(['updated.output.weight', 'gradient.features', 'loss']),
    )
    expect(ends(middle?.backward).takes).not.toContain('data.labels')
    expect(ends(middle?.backward).gives).toContain('gradient.pool.0')
    expect(ends(head?.backward).takes).toContain('gradient.pool.0')
    expect(ends(head?.backward).gives).not.toContain('gradient.pool.0')
  })

  test('hold only the nodes and weights of their part', () => {
    const opsOf = (bytes: Uint8Array = new Uint8Array()) =>
      decodeModel(bytes).graph?.node.map(({ opType }) => opType) ?? []
    expect(opsOf(inner[0]?.forward)).not.toContain('Gemm')
    expect(opsOf(last.step)).not.toContain('Conv')
    const tensors = decodeModel(last.step).graph?.initializer ?? []
    expect(tensors.reduce((sum, { dims }) => sum + elementCount(dims), 0)).toBeLessThan(40)
  })

  test('say what they are', () => {
    expect(readSplitMetadata(last.step)).toMatchObject({
      form: 'split-step',
      segment: 2,
      segmentCount: 3,
      inputs: { given: [{ name: 'features', value: 'cut.features', shape: [BATCH, 16] }] },
      outputs: { loss: 'loss', given: [{ gradient: 'gradient.features' }] },
    })
    expect(
      inner.map(({ parameters }) => parameters.map(({ name, offset }) => [name, offset])),
    ).toEqual([
      [
        ['conv.0.weight', 0],
        ['conv.0.bias', 18],
      ],
      [
        ['conv.1.weight', 0],
        ['conv.1.bias', 72],
      ],
    ])
    expect(() => readSplitMetadata(cnn)).toThrow('not a training artifact')
  })

  test('have no backward pass where nothing before the cut is trained', () => {
    const split = buildSplitForms(cnn, {
      ...plain,
      cuts: [['pool.0'], ['features']],
      frozen: ['conv.0.*'],
    })
    expect(split.inner.map(({ backward }) => backward !== undefined)).toEqual([false, true])
    const middle = readSplitMetadata(split.inner[1]?.backward ?? new Uint8Array())
    expect(middle.inputs.given[0]).not.toHaveProperty('gradient')
  })
})

describe('a cut is refused', () => {
  test.each([
    [
      'that something goes round, by its name',
      [['seen']],
      'embedded goes round it, to node hidden',
    ],
    ['that something goes round, by its name', [['query', 'key']], 'embedded goes round it, to'],
    ['that the cut before goes round', [['embedded'], ['seen']], 'embedded goes round it, to node'],
    ['at what no node makes', [['words']], 'no node of the model makes the value words'],
    ['at one value twice', [['embedded'], ['embedded']], 'embedded is in two cuts'],
    ['without a value', [[]], 'a cut names no value'],
    [
      'in the wrong order',
      [['hidden'], ['embedded']],
      'what follows the cut at hidden does not lie behind it',
    ],
  ])('%s: %j', (_, cuts, message) => {
    const build = () => buildSplitForms(attention, { ...plain, cuts })
    expect(build).toThrow(GainnetError)
    expect(build).toThrow(message)
  })

  test('that has a trained parameter on both sides, but not a frozen one', () => {
    const tied = tiedModel()
    const options = { ...plain, loss: 'mean-squared-error', cuts: [['first']] } as const
    const build = () => buildSplitForms(tied, options)
    expect(build).toThrow('the parameter w is used on both sides of a cut: freeze it or cut')
    expect(buildSplitForms(tied, { ...options, frozen: ['w'] }).inner).toHaveLength(1)
  })

  test('behind which the loss needs the samples, unless they stay on the device', () => {
    const options = { ...plain, loss: 'reconstruction' } as const
    const build = () =>
      buildSplitForms(tiedModel(), { ...options, frozen: ['w'], cuts: [['first']] })
    expect(build).toThrow('the loss reconstruction needs the samples: cut twice')
    const cuts = [['first'], ['second']]
    const { last } = buildSplitForms(tiedModel(), { ...options, frozen: ['w'], cuts })
    expect(readSplitMetadata(last.step).inputs.samples[0]?.name).toBe('x')
  })
})

/** One matrix used twice, a bias after each product. */
function tiedModel(): Uint8Array {
  const tensor = (name: string, shape: readonly number[]) =>
    buildTensor({
      name,
      type: ELEMENT.float,
      shape,
      values: new Float32Array(elementCount(shape)).fill(0.5),
    })
  const add = (opType: string, inputs: readonly string[], output: string) =>
    buildNode({ opType, inputs, outputs: [output] })
  return encodeModel(
    buildModel({
      opset: OPSET_MAX,
      graph: {
        node: [
          add('Gemm', ['x', 'w', 'a'], 'first'),
          buildNode({
            opType: 'Gemm',
            inputs: ['first', 'w', 'b'],
            outputs: ['second'],
            attributes: [attr.int('transB', 1)],
          }),
          add('Add', ['second', 'c'], 'y'),
        ],
        name: 'tied',
        initializer: [tensor('w', [3, 3]), ...['a', 'b', 'c'].map(name => tensor(name, [3]))],
        input: [buildValueInfo('x', ELEMENT.float, ['batch', 3])],
        output: [buildValueInfo('y', ELEMENT.float, ['batch', 3])],
        valueInfo: [],
      },
    }),
  )
}
