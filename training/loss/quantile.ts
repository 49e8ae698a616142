import { z } from 'zod'
import { elementCount } from '../onnx/tensor.ts'
import { emitSampleMean } from './elementwise.ts'
import type { Loss } from './loss.ts'

export const quantileSchema = z.strictObject({
  kind: z.literal('quantile'),
  /** τ: the share of labels that are to lie below each prediction of the last axis. */
  levels: z.array(z.number().gt(0).lt(1)).min(1).default([0.1, 0.5, 0.9]),
})

/**
 * The loss whose minimum are quantiles (Koenker and Bassett 1978, equation 2.1), as the mean over all
 * elements of a sample. The prediction is [batch, …, levels], the labels are [batch, …]: each is
 * compared with all of its quantiles. With e = t − x:
 *
 *   ℓ = max(τ · e, (τ − 1) · e)      ℓ′ = (x > t) − τ
 */
export function quantile({ levels }: z.output<typeof quantileSchema>): Loss {
  return {
    labelType: shape => {
      if (shape.length < 2 || shape.at(-1) !== levels.length) {
        throw new RangeError(`takes a prediction of [batch, …, ${levels.length}], not [${shape}]`)
      }
      return { elementType: 'float32', sampleShape: shape.slice(1, -1) }
    },
    emit: (graph, { prediction, labels, weights }) => {
      const shape = graph.shape(prediction)
      const column = graph.reshape(labels, [...shape.slice(0, -1), 1])
      const error = graph.sub(column, prediction)
      const { elementType } = graph.type(prediction)
      const above = graph.constant(elementType, [levels.length], levels)
      const below = graph.sub(above, graph.scalar(1, above))
      const value = graph.emit('Max', [graph.mul(error, above), graph.mul(error, below)])
      const slope = graph.sub(graph.mask('Greater', prediction, column), above)
      return emitSampleMean(graph, { value, slope, weights, divisor: elementCount(shape.slice(1)) })
    },
  }
}
