import { z } from 'zod'
import { elementCount } from '../onnx/tensor.ts'
import {
  binaryCrossEntropy,
  binaryCrossEntropySchema,
  huber,
  huberSchema,
  meanAbsoluteError,
  meanAbsoluteErrorSchema,
  meanSquaredError,
  meanSquaredErrorSchema,
} from './elementwise.ts'
import type { Loss } from './loss.ts'

const measureSchema = z.discriminatedUnion('kind', [
  meanSquaredErrorSchema,
  meanAbsoluteErrorSchema,
  huberSchema,
  binaryCrossEntropySchema,
])

export const reconstructionSchema = z.strictObject({
  kind: z.literal('reconstruction'),
  /** How far an element is from what it should be. */
  measure: measureSchema.default({ kind: 'mean-squared-error' }),
})

/** What an autoencoder learns by: its labels are the samples themselves. */
export function reconstruction({ measure }: z.output<typeof reconstructionSchema>): Loss {
  const compared = createMeasure(measure)
  return {
    labelType: () => undefined,
    emit: (graph, { prediction, labels: samples, weights }) => {
      const [shape, given] = [graph.shape(prediction), graph.shape(samples)]
      if (elementCount(shape) !== elementCount(given)) {
        throw new RangeError(`cannot compare a prediction of [${shape}] with samples of [${given}]`)
      }
      const { elementType } = graph.type(prediction)
      const labels = graph.cast(graph.reshape(samples, shape), elementType)
      return compared.emit(graph, { prediction, labels, weights })
    },
  }
}

function createMeasure(measure: z.output<typeof measureSchema>): Loss {
  switch (measure.kind) {
    case 'mean-squared-error':
      return meanSquaredError()
    case 'mean-absolute-error':
      return meanAbsoluteError()
    case 'huber':
      return huber(measure)
    case 'binary-cross-entropy':
      return binaryCrossEntropy(measure)
  }
}
