import { GainnetError } from '../../runtime/errors.ts'
import { attr } from './attribute.ts'
import { buildNode, buildValueInfo } from './build.ts'
import { checkModel } from './check-model.ts'
import { ELEMENT, elementName, isElementType } from './element-type.ts'
import { decodeModel, encodeModel } from './onnx-codec.ts'
import type { GraphProto, NodeProto, TensorProto, ValueInfoProto } from './onnx-proto.ts'
import { buildTensor, elementCount } from './tensor.ts'

/** What an input is to be from now on. */
export type SpecializedInput =
  /** Still an input, all its sizes known; 'batch' leaves the first one open. */
  | { readonly shape: readonly (number | 'batch')[] }
  /** No input any more: the same numbers in every run; one number fills the shape. */
  | { readonly shape: readonly number[]; readonly values: number | readonly number[] }

export interface Specialization {
  readonly inputs?: Readonly<Record<string, SpecializedInput>>
  /**
   * The outputs from now on, any values of the graph: what none of them needs is left out, inputs
   * and initializers too. Those of the model where left out.
   */
  readonly outputs?: readonly string[]
}

/**
 * A model made for one purpose out of one that serves several: a sampling rate fixed, a state that
 * begins with zeros, an inner value as the output. What follows from it (shapes, branches of an If) is
 * decided when the model is read for training. Fails with MODEL_INVALID.
 */
export function specializeModel(bytes: Uint8Array, wanted: Specialization): Uint8Array {
  const model = decodeModel(bytes)
  const { graph } = checkModel(model)
  const { inputs = {}, outputs } = wanted
  const unknown = Object.keys(inputs).find(name => !graph.input.some(input => input.name === name))
  if (unknown !== undefined) {
    const names = graph.input.map(({ name }) => name).join(', ')
    throw new GainnetError('MODEL_INVALID', `the model has no input ${unknown}, but ${names}`)
  }
  const fixed = graph.input.flatMap(input => fixedInput(input, inputs[input.name ?? '']))
  const open = graph.input.flatMap(input => openInput(input, inputs[input.name ?? '']))
  const specialized = { ...graph, node: [...fixed, ...graph.node], input: open }
  return encodeModel({ ...model, graph: outputs ? prune(specialized, outputs) : specialized })
}

function elementTypeOf({ name, type }: ValueInfoProto) {
  const elementType = type?.tensorType?.elemType
  if (isElementType(elementType)) return elementType
  throw new GainnetError('MODEL_INVALID', `input ${name} has ${elementName(elementType)}`)
}

function openInput(input: ValueInfoProto, given: SpecializedInput | undefined): ValueInfoProto[] {
  if (!given) return [input]
  if ('values' in given) return []
  return [buildValueInfo(input.name ?? '', elementTypeOf(input), given.shape)]
}

/** A Constant, not an initializer: those with axes are taken for parameters. */
function fixedInput(input: ValueInfoProto, given: SpecializedInput | undefined): NodeProto[] {
  if (!given || !('values' in given)) return []
  const { name = '' } = input
  const { shape, values } = given
  const count = elementCount(shape)
  const numbers = typeof values === 'number' ? new Array<number>(count).fill(values) : values
  if (numbers.length !== count) {
    throw new GainnetError(
      'MODEL_INVALID',
      `input ${name} is given ${numbers.length} values for the shape [${shape}]`,
    )
  }
  const tensor = buildTensor({ name, type: buildable(input), shape, values: numbers })
  const attributes = [attr.tensor('value', tensor)]
  return [buildNode({ opType: 'Constant', inputs: [], outputs: [name], attributes })]
}

const BUILDABLE: readonly number[] = [
  ELEMENT.float,
  ELEMENT.double,
  ELEMENT.int32,
  ELEMENT.int64,
  ELEMENT.bool,
]

function buildable(input: ValueInfoProto) {
  const type = elementTypeOf(input)
  if (BUILDABLE.includes(type)) return type
  throw new GainnetError(
    'MODEL_INVALID',
    `input ${input.name} of ${elementName(type)} cannot be fixed`,
  )
}

/** The graph of just these values. */
function prune(graph: GraphProto, outputs: readonly string[]): GraphProto {
  const stated = new Map(
    [...graph.valueInfo, ...graph.input, ...graph.output].map(value => [value.name ?? '', value]),
  )
  const made = new Set([
    ...graph.node.flatMap(({ output }) => output),
    ...graph.initializer.map(({ name = '' }) => name),
    ...graph.input.map(({ name = '' }) => name),
  ])
  const missing = outputs.find(name => name === '' || !made.has(name))
  if (missing !== undefined) {
    throw new GainnetError('MODEL_INVALID', `the model has no value ${missing}`, { value: missing })
  }
  const needed = new Set(outputs)
  const node = graph.node
    .toReversed()
    .filter(candidate => {
      if (!candidate.output.some(name => needed.has(name))) return false
      for (const name of usedBy(candidate)) needed.add(name)
      return true
    })
    .reverse()
  const isNeeded = ({ name = '' }: TensorProto | ValueInfoProto) => needed.has(name)
  return {
    ...graph,
    node,
    initializer: graph.initializer.filter(isNeeded),
    input: graph.input.filter(isNeeded),
    output: outputs.map(name => stated.get(name) ?? { name }),
    valueInfo: graph.valueInfo.filter(isNeeded),
  }
}

/** Names that a node reads, those of the graphs in its attributes included. */
function usedBy({ input, attribute }: NodeProto): string[] {
  const graphs = attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs))
  const inner = graphs.flatMap(({ node, output }) => [
    ...node.flatMap(usedBy),
    ...output.map(({ name = '' }) => name),
  ])
  return [...input, ...inner]
}
