import { isUnchanged, swapOfLast } from '../graph/axis-order.ts'
import { attr, intsAttribute } from '../onnx/attribute.ts'
import { buildNode } from '../onnx/build.ts'
import type { GraphProto, NodeProto } from '../onnx/onnx-proto.ts'
import { usedNames } from '../onnx/used-names.ts'

/**
 * Exporters write the keys of an attention, which it multiplies by as columns, with one Transpose that
 * also brings the heads to the front. Here they come in two: heads to the front, then rows to columns.
 * ORT makes the second an attribute of its products, forward and backward, so that nothing is moved
 * for it, and the first moves whole rows.
 */
export function keysAsRows(
  nodes: readonly NodeProto[],
  { output }: Pick<GraphProto, 'output'>,
): readonly NodeProto[] {
  const others = new Set([
    ...output.map(({ name = '' }) => name),
    ...nodes.flatMap(node => (isProduct(node) ? [] : usedNames(node))),
  ])
  return nodes.flatMap(node => {
    const order = turnedOrder(node)
    const [columns = ''] = node.output
    if (!order || others.has(columns)) return [node]
    const rows = `${columns}.rows`
    return [
      { ...node, output: [rows], attribute: [attr.ints('perm', order)] },
      buildNode({
        opType: 'Transpose',
        inputs: [rows],
        outputs: [columns],
        attributes: [attr.ints('perm', swapOfLast(order.length))],
      }),
    ]
  })
}

/** The order that leaves rows as rows, where the node does more than to swap the last two axes. */
function turnedOrder(node: NodeProto): readonly number[] | undefined {
  const { domain = '', opType } = node
  if (domain !== '' || opType !== 'Transpose') return undefined
  const order = intsAttribute(node, 'perm') ?? []
  const rows = [...order.slice(0, -2), order.at(-1) ?? 0, order.at(-2) ?? 0]
  return order.length > 2 && !isUnchanged(rows) && rows.at(-1) === rows.length - 1
    ? rows
    : undefined
}

function isProduct({ domain = '', opType }: NodeProto): boolean {
  return domain === '' && opType === 'MatMul'
}
