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
  for (const tensor of graph.initializer) checkTensor(tensor)
  checkOrder(graph)
  return { graph, opset }
}

function checkOrder(graph: GraphProto): void {
  const made = new Set<string>()
  for (const { name = '' } of graph.initializer) make(made, name)
  const initialized = new Set(made)
  for (const { name = '' } of graph.input) {
    // Before IR version 4 initializers were listed as inputs, too.
    if (!initialized.has(name)) make(made, name)
  }
  for (const node of graph.node) checkNode(node, made)
  for (const { name = '' } of graph.output) {
    if (!made.has(name)) {
      throw new GainnetError('MODEL_INVALID', `nothing makes the output ${name}`, { value: name })
    }
  }
}

function checkNode(node: NodeProto, made: Set<string>): void {
  const missing = node.input.find(name => name !== '' && !made.has(name))
  if (missing !== undefined) {
    throw new GainnetError(
      'MODEL_INVALID',
      `node ${node.name} (${node.opType}) uses ${missing} before it is made`,
      { node: node.name, value: missing },
    )
  }
  for (const name of node.output) if (name !== '') make(made, name)
}

function make(made: Set<string>, name: string): void {
  if (name === '') throw new GainnetError('MODEL_INVALID', 'a value has no name')
  if (made.has(name)) {
    throw new GainnetError('MODEL_INVALID', `the value ${name} is made twice`, { value: name })
  }
  made.add(name)
}
