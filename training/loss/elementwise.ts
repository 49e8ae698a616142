import { z } from 'zod'
import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { elementCount } from '../onnx/tensor.ts'
import { emitShares, type Loss, type LossOutputs } from './loss.ts'

/** Loss of each element of x against its label t, and its derivative by x. */
export interface Elementwise {
  readonly value: ValueName
  readonly slope: ValueName
}

type ElementwiseRule = (graph: GraphEmitter, x: ValueName, t: ValueName) => Elementwise

export const meanSquaredErrorSchema = z.strictObject({ kind: z.literal('mean-squared-error') })

export const meanAbsoluteErrorSchema = z.strictObject({ kind: z.literal('mean-absolute-error') })

export const huberSchema = z.strictObject({
  kind: z.literal('huber'),
  /** Errors above it count in proportion to their size, no more to its square. */
  delta: z.number().positive().default(1),
})

export const binaryCrossEntropySchema = z.strictObject({
  kind: z.literal('binary-cross-entropy'),
  /** Whether the model ends before its sigmoid, which is exact where probabilities are not. */
  fromLogits: z.boolean().default(true),
})

/** ℓ = (x − t)²      ℓ′ = 2 · (x − t) */
export const meanSquaredError = () =>
  elementwise((graph, x, t) => {
    const error = graph.sub(x, t)
    return { value: graph.mul(error, error), slope: graph.mul(error, graph.scalar(2, error)) }
  })

/** ℓ = |x − t|      ℓ′ = sign(x − t), 0 where they are equal */
export const meanAbsoluteError = () =>
  elementwise((graph, x, t) => {
    const error = graph.sub(x, t)
    return { value: graph.emit('Abs', [error]), slope: graph.emit('Sign', [error]) }
  })

/**
 * Huber 1964. With c = clip(x − t, −δ, δ):
 *
 *   ℓ = c · (x − t − c / 2)      ℓ′ = c
 *
 * that is (x − t)² / 2 up to δ and δ · (|x − t| − δ / 2) above it.
 */
export const huber = ({ delta }: z.output<typeof huberSchema>) =>
  elementwise((graph, x, t) => {
    const error = graph.sub(x, t)
    const bounds = [graph.scalar(-delta, error), graph.scalar(delta, error)]
    const slope = graph.emit('Clip', [error, ...bounds])
    const half = graph.mul(slope, graph.scalar(0.5, slope))
    return { value: graph.mul(slope, graph.sub(error, half)), slope }
  })

/** As PyTorch's BCELoss bounds them: a sure and wrong answer costs 100 nats, not infinitely many. */
const LOG_MIN = -100
const PRODUCT_MIN = 1e-12

/**
 * From logits:         ℓ = softplus(x) − t · x                    ℓ′ = σ(x) − t
 * From probabilities:  ℓ = −t · ln x − (1 − t) · ln(1 − x)        ℓ′ = (x − t) / (x · (1 − x))
 */
export const binaryCrossEntropy = ({ fromLogits }: z.output<typeof binaryCrossEntropySchema>) =>
  elementwise(fromLogits ? logisticLoss : bernoulliLoss)

const logisticLoss: ElementwiseRule = (graph, x, t) => ({
  // softplus(x) = max(x, 0) + ln(1 + e^−|x|): nothing overflows.
  value: graph.sub(
    graph.add(graph.emit('Relu', [x]), logOnePlus(graph, graph.emit('Abs', [x]))),
    graph.mul(t, x),
  ),
  slope: graph.sub(graph.emit('Sigmoid', [x]), t),
})

/** ln(1 + e^−a) */
function logOnePlus(graph: GraphEmitter, a: ValueName): ValueName {
  const small = graph.emit('Exp', [graph.neg(a)])
  return graph.emit('Log', [graph.add(small, graph.scalar(1, small))])
}

const bernoulliLoss: ElementwiseRule = (graph, x, t) => {
  const one = graph.scalar(1, x)
  const boundedLog = (value: ValueName) =>
    graph.emit('Max', [graph.emit('Log', [value]), graph.scalar(LOG_MIN, value)])
  const rest = graph.sub(one, x)
  const likelihood = graph.add(
    graph.mul(t, boundedLog(x)),
    graph.mul(graph.sub(one, t), boundedLog(rest)),
  )
  const product = graph.emit('Max', [graph.mul(x, rest), graph.scalar(PRODUCT_MIN, x)])
  return { value: graph.neg(likelihood), slope: graph.div(graph.sub(x, t), product) }
}

/**
 * The mean over all elements of a sample, and the weighted mean of that over the samples:
 *
 *   loss = Σ wᵢ / n · Σ ℓ(xᵢ, tᵢ)      d prediction = wᵢ / n · ℓ′      w = weights / Σ weights
 */
function elementwise(rule: ElementwiseRule): Loss {
  return {
    labelType: shape => ({ elementType: 'float32', sampleShape: shape.slice(1) }),
    emit: (graph, { prediction, labels, weights }) => {
      const shape = graph.shape(prediction)
      const { value, slope } = rule(graph, prediction, graph.reshape(labels, shape))
      return emitSampleMean(graph, { value, slope, weights, divisor: elementCount(shape.slice(1)) })
    },
  }
}

/** Sums what each sample has, divided by the divisor, and means that over the samples by weight. */
export function emitSampleMean(
  graph: GraphEmitter,
  given: Elementwise & { readonly weights: ValueName; readonly divisor: number },
): LossOutputs {
  const { value, slope, weights, divisor } = given
  const shape = graph.shape(value)
  const { shares, weightSum } = emitShares(graph, weights)
  const scaled = divisor === 1 ? shares : graph.mul(shares, graph.scalar(1 / divisor, shares))
  const column = graph.reshape(scaled, [shape[0] ?? 0, ...shape.slice(1).map(() => 1)])
  return {
    loss: graph.sumTo(graph.mul(value, column), []),
    predictionGradient: graph.mul(slope, column),
    weightSum,
  }
}
