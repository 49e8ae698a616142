import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { GainnetError } from '../../../runtime/errors.ts'
import { readForwardModel } from '../../../training/forward/forward-graph.ts'
import { attr } from '../../../training/onnx/attribute.ts'
import { buildModel, buildNode, buildValueInfo, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { withExternalData } from '../../../training/onnx/external-data.ts'
import { decodeModel, encodeModel } from '../../../training/onnx/onnx-codec.ts'
import type { TensorProto } from '../../../training/onnx/onnx-proto.ts'
import { buildTensor, float32Values } from '../../../training/onnx/tensor.ts'
import { temporaryDirectory } from '../../support/directories.ts'

const WEIGHTS = Float32Array.from([1, 2, 3, 4, 5, 6])

/** A tensor of [2, 3] whose values are said to be elsewhere. */
function elsewhere(name: string, entries: Readonly<Record<string, string>>): TensorProto {
  const { rawData: _, ...tensor } = buildTensor({
    name,
    type: ELEMENT.float,
    shape: [2, 3],
    values: WEIGHTS,
  })
  const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }))
  return { ...tensor, externalData, dataLocation: 1 }
}

function modelWith(weight: TensorProto, constant?: TensorProto): Uint8Array {
  const first = constant
    ? [
        buildNode({
          opType: 'Constant',
          inputs: [],
          outputs: ['shift'],
          attributes: [attr.tensor('value', constant)],
        }),
      ]
    : []
  const inputs = ['x', weight.name ?? '']
  return encodeModel(
    buildModel({
      opset: OPSET_MAX,
      graph: {
        node: [...first, buildNode({ opType: 'MatMul', inputs, outputs: ['y'] })],
        name: 'linear',
        initializer: [weight],
        input: [buildValueInfo('x', ELEMENT.float, ['batch', 2])],
        output: [buildValueInfo('y', ELEMENT.float, ['batch', 3])],
        valueInfo: [],
      },
    }),
  )
}

/** A folder with the values at byte 8 of weights.bin, in a folder that has secrets beside it. */
function modelFolder() {
  const around = temporaryDirectory()
  const folder = join(around, 'model')
  mkdirSync(join(folder, 'inner'), { recursive: true })
  const bytes = Buffer.concat([Buffer.alloc(8), Buffer.from(WEIGHTS.buffer)])
  writeFileSync(join(folder, 'weights.bin'), bytes)
  writeFileSync(join(folder, 'inner', 'weights.bin'), bytes)
  writeFileSync(join(around, 'secret.bin'), bytes)
  symlinkSync(join(around, 'secret.bin'), join(folder, 'leads-out.bin'))
  symlinkSync(around, join(folder, 'leads-up'))
  symlinkSync('weights.bin', join(folder, 'leads-nowhere-else.bin'))
  execFileSync('mkfifo', [join(folder, 'pipe.bin')])
  return { folder, around }
}

async function refusal(entries: Readonly<Record<string, string>>): Promise<string> {
  const { folder } = modelFolder()
  try {
    await withExternalData(modelWith(elsewhere('w', entries)), folder)
  } catch (error) {
    if (error instanceof GainnetError && error.code === 'MODEL_INVALID') return error.message
    throw error
  }
  return 'was read'
}

describe('values in another file of the folder', () => {
  test.each(['weights.bin', './inner/weights.bin', 'leads-nowhere-else.bin'])(
    'are read: %s',
    async location => {
      const { folder } = modelFolder()
      const place = { location, offset: '8', length: '24' }
      const weight = elsewhere('w', place)
      const bytes = await withExternalData(modelWith(weight, elsewhere('c', place)), folder)
      expect(readForwardModel(bytes).initialParameters).toEqual(WEIGHTS)
      const constant = decodeModel(bytes).graph?.node[0]?.attribute[0]?.t
      expect(constant && float32Values(constant)).toEqual(WEIGHTS)
    },
  )

  test('need no length: the shape says it', async () => {
    const { folder } = modelFolder()
    const weight = elsewhere('w', { location: 'weights.bin', offset: '8' })
    const bytes = await withExternalData(modelWith(weight), folder)
    expect(readForwardModel(bytes).initialParameters).toEqual(WEIGHTS)
  })

  test('are not looked for where the model has them all', async () => {
    const tensor = buildTensor({
      name: 'w',
      type: ELEMENT.float,
      shape: [2, 3],
      values: WEIGHTS,
    })
    const bytes = modelWith(tensor)
    expect(await withExternalData(bytes, '/nowhere')).toBe(bytes)
  })
})

describe('a tensor is refused', () => {
  test.each([
    ['an absolute path', { location: '/etc/passwd' }, "out of the model's folder"],
    ['a path upwards', { location: '../secret.bin', offset: '8' }, "out of the model's folder"],
    ['a path down and up', { location: 'inner/../../secret.bin' }, "out of the model's folder"],
    ['a path with backslashes', { location: '..\\secret.bin' }, "out of the model's folder"],
    ['a link out', { location: 'leads-out.bin', offset: '8' }, 'leads out of the model'],
    ['a link to a folder', { location: 'leads-up/secret.bin' }, 'leads out of the model'],
    ['a zero in the path', { location: 'weights.bin\0.png' }, 'names no file'],
    ['no path', { offset: '8' }, 'names no file'],
    ['a folder', { location: 'inner' }, 'is no file'],
    ['the folder itself', { location: '.' }, 'leads out of the model'],
    ['a pipe', { location: 'pipe.bin' }, 'is no file'],
    ['a missing file', { location: 'missing.bin' }, 'cannot be read'],
    ['a place behind the end', { location: 'weights.bin', offset: '9' }, 'which has 32'],
    ['a length of another shape', { location: 'weights.bin', length: '20' }, 'states 20 bytes'],
    ['a negative offset', { location: 'weights.bin', offset: '-8' }, 'from -8 on'],
    ['a giant offset', { location: 'weights.bin', offset: '9'.repeat(17) }, 'states 24 bytes'],
    ['an offset that is no number', { location: 'weights.bin', offset: '8e0' }, 'from 8e0 on'],
  ])('with %s', async (_, entries, words) => {
    expect(await refusal({ ...entries })).toContain(words)
  })

  test('whose file is not read, with what to do about it', () => {
    const bytes = modelWith(elsewhere('w', { location: 'weights.bin', offset: '8' }))
    expect(() => readForwardModel(bytes)).toThrow('another file (external_data)')
  })

  test('with all others of a model that would be larger than an ONNX file can be', async () => {
    const weight = { ...elsewhere('w', { location: 'weights.bin' }), dims: [2 ** 30] }
    const { folder } = modelFolder()
    await expect(withExternalData(modelWith(weight), folder)).rejects.toThrow('4294967')
  })
})
