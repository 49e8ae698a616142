import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import type { NodeProto } from '../onnx/onnx-proto.ts'
import type { TypeContext } from '../types/type-rule.ts'

/** A node of the forward graph whose outputs' gradients are known. */
export interface ForwardNode {
  readonly node: NodeProto
  readonly opType: string
  /** An optional input that is left out is an empty name. */
  readonly inputs: readonly ValueName[]
  readonly outputs: readonly ValueName[]
  /** One an output; undefined where the loss does not depend on it. */
  readonly outputGradients: readonly (ValueName | undefined)[]
}

/**
 * One gradient an input, in order; null where none flows (an index, a shape, a mask). A rule emits
 * standard operators only and is written as if shapes were equal: the walker sums each gradient back
 * to the shape of its input, and drops what nobody needs.
 */
export type GradientRule = (node: ForwardNode, graph: GraphEmitter) => (ValueName | null)[]

export interface Unary {
  readonly node: NodeProto
  readonly x: ValueName
  readonly y: ValueName
  readonly dy: ValueName
  readonly graph: GraphEmitter
}

export interface Binary {
  readonly node: NodeProto
  readonly a: ValueName
  readonly b: ValueName
  readonly y: ValueName
  readonly dy: ValueName
  readonly graph: GraphEmitter
}

/** The gradient of the only input, or of the first where the others are shapes or axes. */
export function unary(rule: (given: Unary) => ValueName): GradientRule {
  return ({ node, opType, inputs, outputs: [y], outputGradients: [dy] }, graph) => {
    const [x, ...others] = inputs
    if (!x || !y || !dy) throw new RangeError(`${opType} takes at least one input`)
    return [rule({ node, x, y, dy, graph }), ...others.map(() => null)]
  }
}

/** The gradients of two inputs. */
export function binary(rule: (given: Binary) => [ValueName, ValueName | null]): GradientRule {
  return ({ node, opType, inputs: [a, b], outputs: [y], outputGradients: [dy] }, graph) => {
    if (!a || !b || !y || !dy) throw new RangeError(`${opType} takes two inputs`)
    return rule({ node, a, b, y, dy, graph })
  }
}

/** What a type rule is given of a node, for what both rules must see the same way. */
export function knownOf(
  { node, inputs }: Pick<ForwardNode, 'node' | 'inputs'>,
  graph: GraphEmitter,
): Pick<TypeContext, 'node' | 'input' | 'constantInts'> {
  return {
    node,
    input: index => graph.type(inputs[index] ?? ''),
    constantInts: index => {
      const name = inputs[index]
      return name ? graph.constantInts(name) : undefined
    },
  }
}
