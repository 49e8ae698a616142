import { intAttribute } from '../onnx/attribute.ts'
import type { TypeRule } from './type-rule.ts'

/** Y, the last hidden state, and the last cell state, which only the LSTM has. */
const recurrent: TypeRule = ({ node, input }) => {
  if (intAttribute(node, 'layout', 0) !== 0) {
    throw new RangeError('batches in front (layout) are not known here')
  }
  const { elementType, shape } = input(0)
  const [steps = 0, batch = 0] = shape
  const [directions = 0, , hidden = 0] = input(2).shape
  const state = { elementType, shape: [directions, batch, hidden] }
  return [{ elementType, shape: [steps, directions, batch, hidden] }, state, state]
}

export const recurrentTypes = { GRU: recurrent, LSTM: recurrent } satisfies Record<string, TypeRule>
