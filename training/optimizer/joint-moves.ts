import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { buildNode } from '../onnx/build.ts'
import { elementCount } from '../onnx/tensor.ts'
import type { Optimizer, OptimizerInputs, OptimizerOutputs } from './optimizer.ts'

/** Of elements: below, starting a node takes longer than its work, which copying then doubles. */
const SMALL_MAX = 4096

type Move = Omit<OptimizerInputs, 'scalars'>

/** Which of the shapes belong to parameters that are moved as one vector: none, or several. */
export function smallOnes<Shaped extends { readonly shape: readonly number[] }>(
  { seesWhole }: Pick<Optimizer, 'seesWhole'>,
  parameters: readonly Shaped[],
): readonly Shaped[] {
  if (seesWhole) return []
  const small = parameters.filter(({ shape }) => elementCount(shape) <= SMALL_MAX)
  return small.length > 1 ? small : []
}

/**
 * Moves all parameters. Small ones (biases, scales) are moved as one vector: the optimizer's ten nodes
 * for each of them would take longer to start than to compute. The numbers are the same bits.
 */
export function emitMoves(
  graph: GraphEmitter,
  optimizer: Optimizer,
  given: { readonly moves: readonly Move[]; readonly scalars: readonly ValueName[] },
): readonly OptimizerOutputs[] {
  const { moves, scalars } = given
  const shaped = moves.map(move => ({ move, shape: graph.shape(move.parameter) }))
  const small = smallOnes(optimizer, shaped).map(({ move }) => move)
  const joint = small.length > 0 ? emitJointly(graph, optimizer, { moves: small, scalars }) : []
  const done = new Map(small.map((move, index) => [move, joint[index]]))
  return moves.map(move => done.get(move) ?? optimizer.emit(graph, { ...move, scalars }))
}

function emitJointly(
  graph: GraphEmitter,
  optimizer: Optimizer,
  given: { readonly moves: readonly Move[]; readonly scalars: readonly ValueName[] },
): readonly OptimizerOutputs[] {
  const { moves, scalars } = given
  const shapes = moves.map(({ parameter }) => graph.shape(parameter))
  const join = (values: readonly ValueName[]) => joinFlat(graph, values)
  const moved = optimizer.emit(graph, {
    parameter: join(moves.map(({ parameter }) => parameter)),
    gradient: join(moves.map(({ gradient }) => gradient)),
    slots: optimizer.slots.map((_, slot) => join(moves.map(({ slots }) => slots[slot] ?? ''))),
    scalars,
  })
  const parameters = splitFlat(graph, moved.parameter, shapes)
  const slots = moved.slots.map(slot => splitFlat(graph, slot, shapes))
  return parameters.map((parameter, index) => ({
    parameter,
    slots: slots.map(parts => parts[index] ?? ''),
  }))
}

/** The elements of all values, one after the other. */
export function joinFlat(graph: GraphEmitter, values: readonly ValueName[]): ValueName {
  const flat = values.map(value => graph.reshape(value, [elementCount(graph.shape(value))]))
  return graph.emit('Concat', flat, [attr.int('axis', 0)])
}

/** Undoes joinFlat. */
export function splitFlat(
  graph: GraphEmitter,
  joint: ValueName,
  shapes: readonly (readonly number[])[],
): readonly ValueName[] {
  const outputs = shapes.map(() => graph.unique('Split'))
  const inputs = [joint, graph.ints(shapes.map(elementCount))]
  graph.addNode(buildNode({ opType: 'Split', inputs, outputs, attributes: [attr.int('axis', 0)] }))
  return outputs.map((output, index) => graph.reshape(output, shapes[index] ?? []))
}
