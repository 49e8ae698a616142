import { GainnetError } from '../../runtime/errors.ts'
import { isPattern, matchesPattern } from '../forward/name-pattern.ts'
import { floatAttribute, intAttribute } from '../onnx/attribute.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import type { GraphProto, NodeProto, TensorProto } from '../onnx/onnx-proto.ts'

/** A weight that is the right factor of products, and of nothing else. */
export interface LoraSite {
  readonly weight: TensorProto
  readonly inputSize: number
  readonly outputSize: number
  /** The weight lies in the file as [outputSize, inputSize]. */
  readonly isTransposed: boolean
  /** What the product is multiplied by: Gemm's α. */
  readonly factor: number
  readonly nodes: readonly NodeProto[]
}

/** The weights that names and patterns choose; fails where one of them finds none. */
export function findLoraSites(graph: GraphProto, match: readonly string[]): readonly LoraSite[] {
  const sites = graph.initializer.flatMap(weight => readSite(graph, weight) ?? [])
  const chosen = new Set<LoraSite>()
  for (const text of match) {
    const found = sites.filter(({ weight: { name = '' } }) =>
      isPattern(text) ? matchesPattern(text, name) : text === name,
    )
    if (found.length === 0) {
      throw new GainnetError(
        'MODEL_INVALID',
        `${text} names no matrix that is the right factor of MatMul or Gemm and nothing else`,
        { match: text, found: sites.map(({ weight }) => weight.name) },
      )
    }
    for (const site of found) chosen.add(site)
  }
  return sites.filter(site => chosen.has(site))
}

function readSite({ node, output }: GraphProto, weight: TensorProto): LoraSite | undefined {
  const { name = '', dataType, dims } = weight
  const [rows = 0, columns = 0] = dims
  const nodes = node.filter(({ input }) => input.includes(name))
  const [first] = nodes
  if (dataType !== ELEMENT.float || dims.length !== 2 || !first) return undefined
  if (output.some(value => value.name === name)) return undefined
  const forms = new Set(nodes.map(candidate => formOf(candidate, name)))
  const [form] = forms
  if (forms.size !== 1 || form === undefined) return undefined
  const isTransposed = first.opType === 'Gemm' && intAttribute(first, 'transB', 0) !== 0
  const factor = first.opType === 'Gemm' ? floatAttribute(first, 'alpha', 1) : 1
  const [inputSize, outputSize] = isTransposed ? [columns, rows] : [rows, columns]
  return { weight, inputSize, outputSize, isTransposed, factor, nodes }
}

/** How a node uses the weight; undefined where it is not x · W. All nodes must do it alike. */
function formOf(node: NodeProto, weight: string): string | undefined {
  const { opType, domain = '', input } = node
  const isRight = input[1] === weight && input.filter(name => name === weight).length === 1
  if (domain !== '' || !isRight) return undefined
  if (opType === 'MatMul') return '1 false'
  if (opType !== 'Gemm' || intAttribute(node, 'transA', 0) !== 0) return undefined
  const factor = floatAttribute(node, 'alpha', 1)
  // Nothing can be merged into a weight that counts for nothing.
  if (factor === 0) return undefined
  return `${factor} ${intAttribute(node, 'transB', 0) !== 0}`
}
