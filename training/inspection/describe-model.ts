import { findGradientRule } from '../gradient/registry.ts'
import { elementBytes, elementName, isElementType } from '../onnx/element-type.ts'
import type { GraphProto, ModelProto, NodeProto, ValueInfoProto } from '../onnx/onnx-proto.ts'
import { elementCount } from '../onnx/tensor.ts'

export interface ValueDescription {
  readonly name: string
  readonly elementType: string
  /** Open axes by their name, or "?"; undefined where the file states no shape. */
  readonly shape?: readonly (number | string)[]
}

export interface OperatorCount {
  readonly opType: string
  /** "" is ai.onnx. */
  readonly domain: string
  readonly count: number
  readonly hasRule: boolean
}

export interface ModelDescription {
  readonly irVersion: number
  readonly opsets: readonly { readonly domain: string; readonly version: number }[]
  readonly producer: string
  readonly inputs: readonly ValueDescription[]
  readonly outputs: readonly ValueDescription[]
  readonly parameters: {
    /** Elements of all initializers. */
    readonly count: number
    readonly byteCount: number
    readonly tensorCount: number
    /** Tensors whose names begin alike, the largest group first. */
    readonly groups: readonly ParameterGroup[]
  }
  /** Those of nested graphs included, the most frequent first. */
  readonly operators: readonly OperatorCount[]
  readonly withoutRule: readonly (Omit<OperatorCount, 'hasRule'> & {
    readonly nodes: readonly string[]
  })[]
}

export interface ParameterGroup {
  readonly name: string
  readonly tensorCount: number
  readonly count: number
  readonly byteCount: number
}

/** What a file holds, without asking whether it can be trained. */
export function describeModel(
  model: ModelProto & { readonly graph: GraphProto },
): ModelDescription {
  const { graph, irVersion = 0, opsetImport, producerName = '', producerVersion = '' } = model
  const initialized = new Set(graph.initializer.map(({ name }) => name))
  const groups = parameterGroups(graph)
  const total = (of: (group: ParameterGroup) => number) =>
    groups.reduce((sum, group) => sum + of(group), 0)
  const operators = countOperators(graph)
  return {
    irVersion,
    opsets: opsetImport.map(({ domain = '', version = 0 }) => ({ domain, version })),
    producer: `${producerName} ${producerVersion}`.trim(),
    inputs: graph.input.filter(({ name }) => !initialized.has(name)).map(describeValue),
    outputs: graph.output.map(describeValue),
    parameters: {
      count: total(({ count }) => count),
      byteCount: total(({ byteCount }) => byteCount),
      tensorCount: graph.initializer.length,
      groups,
    },
    operators: operators.map(({ nodes: _, ...operator }) => operator),
    withoutRule: operators.flatMap(({ hasRule, ...operator }) => (hasRule ? [] : [operator])),
  }
}

function describeValue({ name = '', type }: ValueInfoProto): ValueDescription {
  const { elemType, shape } = type?.tensorType ?? {}
  const sizes = shape?.dim.map(({ dimValue, dimParam }) => dimValue ?? (dimParam || '?'))
  return {
    name,
    elementType: type?.tensorType ? elementName(elemType) : 'no tensor',
    ...(sizes ? { shape: sizes } : {}),
  }
}

/** By the first two parts of their names, as exporters write them: "encoder.layer.0.weight". */
function parameterGroups({ initializer }: GraphProto): readonly ParameterGroup[] {
  const groups = new Map<string, ParameterGroup>()
  for (const { name = '', dims, dataType } of initializer) {
    const parts = name.split(/[./]/)
    const group = parts.slice(0, Math.min(2, Math.max(1, parts.length - 1))).join('.')
    const count = elementCount(dims)
    const bytes = isElementType(dataType) ? (elementBytes(dataType) ?? 0) : 0
    const before = groups.get(group)
    groups.set(group, {
      name: group,
      tensorCount: (before?.tensorCount ?? 0) + 1,
      count: (before?.count ?? 0) + count,
      byteCount: (before?.byteCount ?? 0) + count * bytes,
    })
  }
  return [...groups.values()].sort((a, b) => b.byteCount - a.byteCount)
}

/** Nodes of the graph and of those in their attributes. */
export function allNodes({ node }: GraphProto): readonly NodeProto[] {
  return node.flatMap(one => [
    one,
    ...one.attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs)).flatMap(allNodes),
  ])
}

function countOperators(graph: GraphProto) {
  const operators = new Map<string, OperatorCount & { readonly nodes: readonly string[] }>()
  for (const { opType = '', domain: stated = '', name = '', output } of allNodes(graph)) {
    const domain = stated === 'ai.onnx' ? '' : stated
    const key = `${domain}.${opType}`
    const before = operators.get(key)
    operators.set(key, {
      opType,
      domain,
      count: (before?.count ?? 0) + 1,
      hasRule: findGradientRule(domain, opType) !== undefined,
      nodes: [...(before?.nodes ?? []), name || (output[0] ?? '')],
    })
  }
  return [...operators.values()].sort((a, b) => b.count - a.count)
}
