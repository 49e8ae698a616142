import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { findGradientRule } from '../gradient/registry.ts'
import { isDifferentiable } from '../onnx/element-type.ts'
import type { NodeProto } from '../onnx/onnx-proto.ts'
import type { GraphEmitter, ValueName } from './graph-emitter.ts'

/**
 * Reverse-mode differentiation (Linnainmaa 1970): walks the forward nodes from the last to the
 * first and emits, after them, the nodes that compute the gradients of the `wanted` values.
 *
 * `seeds` are gradients of values already known, as a rule that of the prediction, made by the loss.
 * Values on which no seed depends have no entry in the result.
 */
export function buildBackwardGraph(options: {
  readonly graph: GraphEmitter
  readonly nodes: readonly NodeProto[]
  readonly seeds: ReadonlyMap<ValueName, ValueName>
  readonly wanted: readonly ValueName[]
}): ReadonlyMap<ValueName, ValueName> {
  const { graph, nodes, seeds, wanted } = options
  const needed = findNeededNodes(options)
  for (const node of needed.nodes) refuseUnknown(node)
  const gradients = new Map(seeds)
  for (const node of nodes.toReversed()) {
    if (!needed.nodes.has(node)) continue
    for (const { input, gradient } of inputGradients(graph, node, gradients)) {
      if (!needed.values.has(input)) continue
      const fitted = graph.sumTo(gradient, graph.shape(input))
      const others = gradients.get(input)
      gradients.set(input, others === undefined ? fitted : graph.add(others, fitted))
    }
  }
  return new Map(
    wanted.flatMap(value => {
      const gradient = gradients.get(value)
      return gradient === undefined ? [] : [[value, gradient] as const]
    }),
  )
}

/** What the node's rule makes of the gradients of its outputs. */
function inputGradients(
  graph: GraphEmitter,
  node: NodeProto,
  gradients: ReadonlyMap<ValueName, ValueName>,
): readonly { readonly input: ValueName; readonly gradient: ValueName }[] {
  const { domain = '', opType = '', name = '', input: inputs, output: outputs } = node
  const outputGradients = outputs.map(output => gradients.get(output))
  // All were decided away, behind a Sign, say.
  if (outputGradients.every(gradient => gradient === undefined)) return []
  const rule = findGradientRule(domain, opType)
  try {
    const made = rule?.({ node, opType, inputs, outputs, outputGradients }, graph) ?? []
    return made.flatMap((gradient, index) => {
      const input = inputs[index]
      return gradient && input ? [{ input, gradient }] : []
    })
  } catch (error) {
    // The rule knows the operator, but not in the form that it has here.
    if (!(error instanceof RangeError)) throw error
    throw new GainnetError(
      'GRADIENT_UNSUPPORTED_OP',
      `node ${name} (${opType}): ${messageOf(error)}`,
      { node: name, opType },
      { cause: error },
    )
  }
}

interface Needed {
  readonly nodes: ReadonlySet<NodeProto>
  /** Values that depend on something wanted: only their gradients are of use. */
  readonly values: ReadonlySet<ValueName>
}

/** Nodes that lie on a path from a wanted value to a seeded one. Frozen parts cost nothing. */
function findNeededNodes({
  graph,
  nodes,
  seeds,
  wanted,
}: {
  readonly graph: GraphEmitter
  readonly nodes: readonly NodeProto[]
  readonly seeds: ReadonlyMap<ValueName, ValueName>
  readonly wanted: readonly ValueName[]
}): Needed {
  const values = new Set(wanted)
  for (const node of nodes) {
    if (!node.input.some(input => values.has(input))) continue
    for (const output of node.output) {
      // Integers and masks carry no gradient on.
      if (output !== '' && isDifferentiable(graph.type(output).elementType)) values.add(output)
    }
  }
  const leadsToSeed = new Set(seeds.keys())
  const neededNodes = new Set<NodeProto>()
  for (const node of nodes.toReversed()) {
    const isOnPath =
      node.output.some(output => leadsToSeed.has(output)) &&
      node.input.some(input => values.has(input)) &&
      node.output.some(output => values.has(output))
    if (!isOnPath) continue
    neededNodes.add(node)
    for (const input of node.input) leadsToSeed.add(input)
  }
  return { nodes: neededNodes, values }
}

function refuseUnknown(node: NodeProto): void {
  const { domain = '', opType = '', name = '' } = node
  if (findGradientRule(domain, opType)) return
  const operator = domain === '' ? opType : `${domain}.${opType}`
  throw new GainnetError(
    'GRADIENT_UNSUPPORTED_OP',
    `node ${name} (${operator}) has no gradient rule: see docs/how-to/add-a-gradient-rule.md`,
    { node: name, opType: operator },
  )
}
