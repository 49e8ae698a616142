import type { AttributeProto, GraphProto, NodeProto, TensorProto } from './onnx-proto.ts'
import { toSafe } from './tensor.ts'

/** AttributeProto.AttributeType of onnx.proto. */
const TYPE = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7 } as const

const utf8 = new TextEncoder()

function attribute(name: string, type: number, value: Partial<AttributeProto>): AttributeProto {
  return { name, floats: [], ints: [], strings: [], tensors: [], graphs: [], type, ...value }
}

/** Attributes to build nodes with. */
export const attr = {
  int: (name: string, i: number) => attribute(name, TYPE.int, { i }),
  ints: (name: string, ints: readonly number[]) => attribute(name, TYPE.ints, { ints }),
  float: (name: string, f: number) => attribute(name, TYPE.float, { f }),
  floats: (name: string, floats: readonly number[]) => attribute(name, TYPE.floats, { floats }),
  string: (name: string, s: string) => attribute(name, TYPE.string, { s: utf8.encode(s) }),
  tensor: (name: string, t: TensorProto) => attribute(name, TYPE.tensor, { t }),
  graph: (name: string, g: GraphProto) => attribute(name, TYPE.graph, { g }),
}

export function findAttribute(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find(candidate => candidate.name === name)
}

export function intAttribute(node: NodeProto, name: string, absent: number): number {
  const value = findAttribute(node, name)?.i
  return value === undefined ? absent : toSafe(value)
}

export function intsAttribute(node: NodeProto, name: string): number[] | undefined {
  return findAttribute(node, name)?.ints.map(toSafe)
}

export function floatAttribute(node: NodeProto, name: string, absent: number): number {
  return findAttribute(node, name)?.f ?? absent
}

export function stringAttribute(node: NodeProto, name: string, absent: string): string {
  const value = findAttribute(node, name)?.s
  return value === undefined ? absent : new TextDecoder().decode(value)
}

export function floatsAttribute(node: NodeProto, name: string): readonly number[] | undefined {
  return findAttribute(node, name)?.floats
}
