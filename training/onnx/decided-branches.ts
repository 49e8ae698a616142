import { GainnetError } from '../../runtime/errors.ts'
import { attr, findAttribute } from './attribute.ts'
import { buildNode } from './build.ts'
import type { GraphProto, NodeProto, TensorProto } from './onnx-proto.ts'

/** A subgraph in a subgraph in … : check-model.ts and the codec have the same bound. */
const DEPTH_MAX = 16

/**
 * The nodes in their order, with the nodes of one branch in place of each If whose condition is known
 * by then (Operators.md, If-21): exporters write such decisions about shapes, which are fixed here. It
 * asks for a condition only when all nodes before the If were taken, so that they can have been
 * evaluated. An If that cannot be decided is passed on as it is.
 */
export function* withDecidedBranches(
  nodes: readonly NodeProto[],
  valuesOf: (name: string) => readonly number[] | undefined,
  depth = 0,
): Generator<NodeProto> {
  for (const node of nodes) {
    const branch = decide(node, valuesOf)
    if (!branch) {
      yield node
      continue
    }
    if (depth === DEPTH_MAX) refuse(node, `is nested deeper than ${DEPTH_MAX}`)
    yield* branch.initializer.map(constantOf)
    yield* withDecidedBranches(branch.node, valuesOf, depth + 1)
    yield* resultsOf(node, branch)
  }
}

function constantOf(tensor: TensorProto): NodeProto {
  const attributes = [attr.tensor('value', tensor)]
  return buildNode({ opType: 'Constant', inputs: [], outputs: [tensor.name ?? ''], attributes })
}

/** The outputs of the branch under the names that those of the If have. */
function resultsOf(node: NodeProto, { output }: GraphProto): readonly NodeProto[] {
  if (output.length !== node.output.length) {
    refuse(node, `has ${node.output.length} outputs, its branch ${output.length}`)
  }
  return node.output.flatMap((name, index) => {
    const inputs = [output[index]?.name ?? '']
    return name === '' ? [] : [buildNode({ opType: 'Identity', inputs, outputs: [name] })]
  })
}

function decide(
  node: NodeProto,
  valuesOf: (name: string) => readonly number[] | undefined,
): GraphProto | undefined {
  if (node.opType !== 'If' || (node.domain ?? '') !== '') return undefined
  const [condition, ...others] = valuesOf(node.input[0] ?? '') ?? []
  if (condition === undefined || others.length > 0) return undefined
  const name = condition === 0 ? 'else_branch' : 'then_branch'
  return findAttribute(node, name)?.g ?? refuse(node, `has no ${name}`)
}

function refuse(node: NodeProto, why: string): never {
  throw new GainnetError('MODEL_INVALID', `node ${node.name} (If) ${why}`, { node: node.name })
}
