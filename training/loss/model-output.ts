import { z } from 'zod'
import { elementCount } from '../onnx/tensor.ts'
import { emitSampleMean } from './elementwise.ts'
import type { Loss } from './loss.ts'

export const modelOutputSchema = z.strictObject({
  kind: z.literal('model-output'),
  /** Which of the model's outputs is the loss; its only one where left out. */
  output: z.string().min(1).optional(),
})

/**
 * The model computes its own loss, [batch, …]: ℓ is the mean of what it gives for a sample. One
 * number for the whole batch is refused, for the rows that only fill it up could not be left out.
 *
 *   loss = Σ wᵢ / n · Σ yᵢ      d y = wᵢ / n      w = weights / Σ weights
 */
export function modelOutput(): Loss {
  return {
    labelType: shape => {
      if (shape.length > 0) return undefined
      throw new RangeError('takes a loss for each sample: leave the mean over the batch away')
    },
    emit: (graph, { prediction, weights }) => {
      const shape = graph.shape(prediction)
      const one = graph.scalar(1, prediction)
      const slope = graph.emit('Expand', [one, graph.ints(shape)])
      const divisor = elementCount(shape.slice(1))
      return emitSampleMean(graph, { value: prediction, slope, weights, divisor })
    },
  }
}
