import { GainnetError } from '../../runtime/errors.ts'
import { OPSET_MAX, OPSET_MIN } from './build.ts'
import type { GraphProto, ModelProto, NodeProto } from './onnx-proto.ts'
import { checkTensor } from './tensor.ts'

export interface CheckedModel {
  readonly graph: GraphProto
  /** Version of the default operator set. */
  readonly opset: number
}

/**
 * What training takes for granted beyond the syntax: a graph in an operator set we know, tensors
 * whose bytes fit their shapes, every value made once and before it is used.
 */
export function checkModel(model: ModelProto): CheckedModel {
  const { graph } = model
  if (!graph) throw new GainnetError('MODEL_INVALID', 'the model has no graph')
  const opset = model.opsetImport.find(entry => (entry.domain ?? '') === '')?.version
  if (opset === undefined || opset < OPSET_MIN || opset > OPSET_MAX) {
    throw new GainnetError(
      'MODEL_INVALID',
      `the model uses operator set ${opset}, training knows ${OPSET_MIN} to ${OPSET_MAX}`,
      { opset },
    )
  }
  checkGraph(graph)
  return { graph, opset }
}

/** The values that a graph has made so far, and those of the graphs around it. */
class Scope {
  readonly #made = new Set<string>()
  readonly #around: Scope | undefined

  constructor(around?: Scope) {
    this.#around = around
  }

  has(name: string): boolean {
    return this.#made.has(name) || (this.#around?.has(name) ?? false)
  }

  make(name: string): void {
    if (name === '') throw new GainnetError('MODEL_INVALID', 'a value has no name')
    if (this.#made.has(name)) {
      throw new GainnetError('MODEL_INVALID', `the value ${name} is made twice`, { value: name })
    }
    this.#made.add(name)
  }
}

function checkGraph(graph: GraphProto, around?: Scope): void {
  for (const tensor of graph.initializer) checkTensor(tensor)
  const scope = new Scope(around)
  const initialized = new Set(graph.initializer.map(({ name = '' }) => name))
  for (const { name = '' } of graph.initializer) scope.make(name)
  for (const { name = '' } of graph.input) {
    // Before IR version 4 initializers were listed as inputs, too.
    if (!initialized.has(name)) scope.make(name)
  }
  for (const node of graph.node) checkNode(node, scope)
  for (const { name = '' } of graph.output) {
    if (!scope.has(name)) {
      throw new GainnetError('MODEL_INVALID', `nothing makes the output ${name}`, { value: name })
    }
  }
}

function checkNode(node: NodeProto, scope: Scope): void {
  const missing = node.input.find(name => name !== '' && !scope.has(name))
  if (missing !== undefined) {
    throw new GainnetError(
      'MODEL_INVALID',
      `node ${node.name} (${node.opType}) uses ${missing} before it is made`,
      { node: node.name, value: missing },
    )
  }
  for (const { g, graphs } of node.attribute) {
    for (const inner of g ? [g, ...graphs] : graphs) checkGraph(inner, scope)
  }
  for (const name of node.output) if (name !== '') scope.make(name)
}
