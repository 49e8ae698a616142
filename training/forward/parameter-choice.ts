import { GainnetError } from '../../runtime/errors.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import type { GraphProto, TensorProto } from '../onnx/onnx-proto.ts'
import { isPattern, matchesPattern } from './name-pattern.ts'

/**
 * Inputs that say how an operator works, by position: numbers with axes, but nothing to train. Mean and
 * variance of a BatchNormalization are statistics: an optimizer would make variances negative.
 */
const SETTINGS: Readonly<Record<string, readonly number[]>> = {
  BatchNormalization: [3, 4],
  Resize: [1, 2],
  Upsample: [1],
}

/**
 * The tensors that training moves, in the order of the file. Patterns choose among the float32
 * initializers with axes; a name may also be that of a float32 initializer without axes. A name or
 * pattern that finds nothing is refused: it would train or freeze something else than was meant.
 */
export function chooseParameters(
  graph: GraphProto,
  trainable: readonly string[] | undefined,
  frozen: readonly string[] = [],
): readonly TensorProto[] {
  const usual = usualParameters(graph)
  const chosen = trainable ? namedTensors(graph, usual, trainable) : usual
  const kept = new Set(namedTensors(graph, usual, frozen))
  return chosen.filter(tensor => !kept.has(tensor))
}

function usualParameters(graph: GraphProto): readonly TensorProto[] {
  const settings = new Set(
    graph.node.flatMap(({ opType = '', input }) =>
      (Object.hasOwn(SETTINGS, opType) ? (SETTINGS[opType] ?? []) : []).map(index => input[index]),
    ),
  )
  return graph.initializer.filter(
    ({ name, dataType, dims }) =>
      dataType === ELEMENT.float && dims.length > 0 && !settings.has(name),
  )
}

function namedTensors(
  graph: GraphProto,
  usual: readonly TensorProto[],
  wanted: readonly string[],
): readonly TensorProto[] {
  const found = new Set<TensorProto>()
  for (const text of wanted) {
    const tensors = isPattern(text)
      ? usual.filter(({ name = '' }) => matchesPattern(text, name))
      : graph.initializer.filter(
          ({ name, dataType }) => name === text && dataType === ELEMENT.float,
        )
    if (tensors.length === 0) {
      throw new GainnetError('MODEL_INVALID', `the model has no float32 initializer ${text}`, {
        name: text,
      })
    }
    for (const tensor of tensors) found.add(tensor)
  }
  return graph.initializer.filter(tensor => found.has(tensor))
}
