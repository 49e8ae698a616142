import type { GradientRule } from './gradient-rule.ts'

export const dropoutGradients = {
  // y = x · m / (1 − r), where the mask m is 0 with probability r      dx = dy · m / (1 − r)
  // Outside of training y = x. The mask is the forward node's own: nothing is drawn again.
  Dropout: ({ inputs, outputs: [y], outputGradients: [dy], opType }, graph) => {
    const [, ratio, trainingMode] = inputs
    if (!y || !dy) throw new RangeError(`${opType} takes at least one input`)
    const others = inputs.slice(1).map(() => null)
    const [isTraining] = trainingMode ? (graph.constantInts(trainingMode) ?? []) : [0]
    if (isTraining === undefined) throw new RangeError('training_mode is not a constant')
    if (isTraining === 0) return [dy, ...others]
    const [dropped] = ratio ? (graph.constantReals(ratio) ?? []) : [0.5]
    if (dropped === undefined) throw new RangeError('the ratio is not a constant')
    const mask = graph.cast(graph.optionalOutput(y, 1), graph.type(dy).elementType)
    return [graph.mul(graph.mul(dy, mask), graph.scalar(1 / (1 - dropped), dy)), ...others]
  },
} satisfies Record<string, GradientRule>
