import type { NodeProto } from './onnx-proto.ts'

/** All values that a node takes, those among them that only a graph inside of it names. */
export function usedNames({ input, attribute }: NodeProto): readonly string[] {
  return [...input, ...attribute.flatMap(({ g }) => g?.node ?? []).flatMap(usedNames)]
}
