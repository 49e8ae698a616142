import { GainnetError } from '../../runtime/errors.ts'
import { decodeModel, encodeModel } from '../../training/onnx/onnx-codec.ts'
import type { ValueInfoProto } from '../../training/onnx/onnx-proto.ts'
import { specializeModel } from '../../training/onnx/specialize.ts'

export interface SpecialOptions {
  readonly size?: Readonly<Record<string, number>>
  readonly fix?: Readonly<Record<string, number>>
}

/**
 * The model with sizes for axes that it leaves open, by the names it gives them, and with inputs that
 * are always full of one number, by their names: a mask of 1, say.
 */
export function specialized(bytes: Uint8Array, { size, fix }: SpecialOptions): Uint8Array {
  const whole = withSizes(bytes, size ?? {})
  if (!fix) return whole
  const inputs = decodeModel(whole).graph?.input ?? []
  const fixed = Object.entries(fix).map(([name, value]) => {
    const dims = inputs.find(input => input.name === name)?.type?.tensorType?.shape?.dim ?? []
    const open = dims.find(({ dimValue }) => dimValue === undefined)
    if (open) {
      const axis = open.dimParam || 'without a name'
      throw new GainnetError('USAGE', `--fix ${name} needs all of its sizes: add --size ${axis}=…`)
    }
    return [name, { shape: dims.map(({ dimValue = 0 }) => dimValue), values: value }] as const
  })
  return specializeModel(whole, { inputs: Object.fromEntries(fixed) })
}

function withSizes(bytes: Uint8Array, sizes: Readonly<Record<string, number>>): Uint8Array {
  const model = decodeModel(bytes)
  const { graph } = model
  if (!graph || Object.keys(sizes).length === 0) return bytes
  const open = new Set(graph.input.flatMap(openNames))
  const unknown = Object.keys(sizes).find(name => !open.has(name))
  if (unknown !== undefined) {
    const names = [...open].join(', ') || 'none'
    throw new GainnetError('USAGE', `--size ${unknown}: the open axes of the model are ${names}`)
  }
  return encodeModel({
    ...model,
    graph: { ...graph, input: graph.input.map(input => sized(input, sizes)) },
  })
}

function openNames({ type }: ValueInfoProto): string[] {
  return (type?.tensorType?.shape?.dim ?? []).flatMap(({ dimParam }) =>
    dimParam ? [dimParam] : [],
  )
}

function sized(input: ValueInfoProto, sizes: Readonly<Record<string, number>>): ValueInfoProto {
  const { type } = input
  const { tensorType } = type ?? {}
  if (!tensorType?.shape) return input
  const dim = tensorType.shape.dim.map(({ dimParam, ...rest }) => {
    const dimValue = sizes[dimParam ?? '']
    if (dimValue !== undefined) return { ...rest, dimValue }
    return dimParam === undefined ? rest : { ...rest, dimParam }
  })
  return { ...input, type: { ...type, tensorType: { ...tensorType, shape: { dim } } } }
}
