import { buildNode } from '../onnx/build.ts'
import type { GraphEmitter, ValueName } from './graph-emitter.ts'

/** Gives a value the name under which a run returns it; ORT copies nothing for that. */
export function nameOutput(graph: GraphEmitter, value: ValueName, name: string): ValueName {
  graph.addNode(buildNode({ opType: 'Identity', inputs: [value], outputs: [name] }))
  return name
}
