import { z } from 'zod'
import { attr } from '../onnx/attribute.ts'
import { elementCount } from '../onnx/tensor.ts'
import { emitSampleMean } from './elementwise.ts'
import type { Loss } from './loss.ts'

export const kullbackLeiblerSchema = z.strictObject({
  kind: z.literal('kullback-leibler'),
  /** Whether the model ends before its softmax; it gives log-probabilities where not. */
  fromLogits: z.boolean().default(true),
})

/** ln t is taken of this at least: where t is 0, t · ln t is. */
const PROBABILITY_MIN = 1e-30

/**
 * Divergence (Kullback and Leibler 1951) in nats of the prediction from the labels, distributions
 * over the last axis: of a teacher, say (Hinton et al. 2015).
 *
 *   ℓ = Σ t · (ln t − ln p)
 *   p = softmax(x): d x = p · Σ t − t      x = ln p: d x = −t
 *
 * A sample with several distributions has the mean of theirs.
 */
export function kullbackLeibler({ fromLogits }: z.output<typeof kullbackLeiblerSchema>): Loss {
  return {
    labelType: shape => {
      if (shape.length < 2) {
        throw new RangeError(`takes a prediction of [batch, …, classes], not [${shape}]`)
      }
      return { elementType: 'float32', sampleShape: shape.slice(1) }
    },
    emit: (graph, { prediction, labels, weights }) => {
      const shape = graph.shape(prediction)
      const axis = shape.length - 1
      const logProbabilities = fromLogits
        ? graph.emit('LogSoftmax', [prediction], [attr.int('axis', axis)])
        : prediction
      const bounded = graph.emit('Max', [labels, graph.scalar(PROBABILITY_MIN, labels)])
      const surprise = graph.sub(graph.emit('Log', [bounded]), logProbabilities)
      const slope = fromLogits
        ? graph.sub(
            graph.mul(graph.emit('Exp', [logProbabilities]), graph.sum(labels, [axis])),
            labels,
          )
        : graph.neg(labels)
      return emitSampleMean(graph, {
        value: graph.mul(labels, surprise),
        slope,
        weights,
        divisor: elementCount(shape.slice(1, -1)),
      })
    },
  }
}
