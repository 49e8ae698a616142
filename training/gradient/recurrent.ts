import { intAttribute } from '../onnx/attribute.ts'
import type { GradientRule } from './gradient-rule.ts'
import { gruResetAfter, gruResetBefore } from './gru.ts'
import { lstm } from './lstm.ts'
import { throughDirections } from './recurrent-direction.ts'

export const recurrentGradients = {
  GRU: (forward, graph) => {
    const resetsAfter = intAttribute(forward.node, 'linear_before_reset', 0) !== 0
    const cell = resetsAfter ? gruResetAfter : gruResetBefore
    return throughDirections(forward, graph, { activations: ['sigmoid', 'tanh'], cell })
  },

  LSTM: (forward, graph) =>
    throughDirections(forward, graph, { activations: ['sigmoid', 'tanh', 'tanh'], cell: lstm }),
} satisfies Record<string, GradientRule>
