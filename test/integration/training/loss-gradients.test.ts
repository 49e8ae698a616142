import { describe, expect, onTestFinished, test } from 'vitest'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { GraphEmitter } from '../../../training/graph/graph-emitter.ts'
import { createLoss, lossKinds, parseLoss } from '../../../training/loss/registry.ts'
import { buildModel, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { encodeModel } from '../../../training/onnx/onnx-codec.ts'
import { elementCount } from '../../../training/onnx/tensor.ts'
import { loadOrt, openOrtSession } from '../../../training/trainer/ort-session.ts'
import { type Operand, run } from './gradient-check.ts'
import { type LossCase, lossCases } from './loss-cases.ts'

/** Central differences in float64: the method's own error is far below the limit. */
const STEP = 1e-5
const ERROR_MAX = 1e-7

function kindOf({ loss }: LossCase): string {
  return parseLoss(loss).kind
}

function labelValues(given: LossCase, count: number, random: () => number): number[] {
  const { labels, prediction } = given
  if (typeof labels !== 'string') return [...labels]
  const values = Array.from({ length: count }, () => random())
  if (labels === 'bits') return values.map(value => (value < 0.5 ? 0 : 1))
  if (labels !== 'distributions') return values
  const width = prediction.at(-1) ?? 1
  return values.map((value, place) => {
    const start = place - (place % width)
    return value / values.slice(start, start + width).reduce((a, b) => a + b)
  })
}

/** The loss in float64 of random values, ready to be run at others. */
async function openLoss(given: LossCase, seed: number) {
  const random = seededRandom(seed)
  const loss = createLoss(parseLoss(given.loss))
  const graph = new GraphEmitter()
  const [batch = 0] = given.prediction
  const declare = (name: string, type: Operand['type'], shape: readonly number[]) => {
    graph.declare(name, { elementType: type, shape })
    return { name, type, shape }
  }
  const { from = -2, to = 2 } = given
  const drawn = (count: number, low: number, high: number) =>
    Array.from({ length: count }, () => low + random() * (high - low))
  const prediction: Operand = {
    ...declare('prediction', ELEMENT.double, given.prediction),
    values: drawn(elementCount(given.prediction), from, to),
  }
  const labelType = loss.labelType(given.prediction)
  const shape = labelType ? [batch, ...labelType.sampleShape] : (given.samples ?? given.prediction)
  const labels: Operand = {
    ...declare('labels', labelType?.classes ? ELEMENT.int32 : ELEMENT.double, shape),
    values: labelValues(given, elementCount(shape), random),
  }
  // The last row only fills up the batch.
  const weights: Operand = {
    ...declare('weights', ELEMENT.double, [batch]),
    values: drawn(batch, 0.2, 2).with(batch - 1, 0),
  }
  const made = loss.emit(graph, { prediction: 'prediction', labels: 'labels', weights: 'weights' })
  const names = ['prediction', 'labels', 'weights']
  const outputs = [made.loss, made.predictionGradient, made.weightSum]
  const proto = graph.finish({ name: 'loss', inputs: names, outputs })
  const model = encodeModel(buildModel({ graph: proto, opset: OPSET_MAX }))
  const session = await openOrtSession(await loadOrt(), model)
  onTestFinished(() => session.release())
  const compute = async () => {
    const ran = await run(session, [prediction, labels, weights])
    const [loss = [], gradient = [], weightSum = []] = outputs.map(name => ran[name])
    return { loss: loss[0] ?? Number.NaN, gradient, weightSum: weightSum[0] ?? Number.NaN }
  }
  return {
    prediction,
    labels,
    weights,
    compute,
    gradientShape: graph.shape(made.predictionGradient),
  }
}

function referenceOf(
  given: LossCase,
  { prediction, labels, weights }: Record<'prediction' | 'labels' | 'weights', Operand>,
): { readonly loss: number; readonly weightSum: number } {
  const batch = weights.values.length
  const part = (values: readonly number[], row: number) =>
    values.slice((row * values.length) / batch, ((row + 1) * values.length) / batch)
  let [lossSum, weightSum] = [0, 0]
  for (const [row, weight] of weights.values.entries()) {
    const [x, t] = [part(prediction.values, row), part(labels.values, row)]
    const counted = weight * (given.share?.(t) ?? 1)
    lossSum += counted * given.reference(x, t)
    weightSum += counted
  }
  return { loss: lossSum / weightSum, weightSum }
}

test('every loss of the registry has its cases', () => {
  expect(new Set(lossCases.map(kindOf))).toEqual(new Set(lossKinds))
})

describe.each(lossCases.map(given => ({ ...given, kind: kindOf(given), given })))(
  '$kind of $name',
  ({ given }) => {
    test('is the weighted mean of what the formula says', async () => {
      const opened = await openLoss(given, 29)
      const { loss, weightSum } = await opened.compute()
      const expected = referenceOf(given, opened)
      expect(loss).toBeCloseTo(expected.loss, 10)
      expect(weightSum).toBeCloseTo(expected.weightSum, 10)
    })

    test('has the gradient that differences have', async () => {
      const seed = 31
      const { prediction, compute, gradientShape } = await openLoss(given, seed)
      const { gradient } = await compute()
      expect(gradientShape).toEqual(prediction.shape)
      for (const [place, value] of prediction.values.entries()) {
        prediction.values[place] = value + STEP
        const above = (await compute()).loss
        prediction.values[place] = value - STEP
        const expected = (above - (await compute()).loss) / (2 * STEP)
        prediction.values[place] = value
        const error = Math.abs((gradient[place] ?? Number.NaN) - expected)
        expect(error, `element ${place}, gradient ${expected}, seed ${seed}`).toBeLessThan(
          ERROR_MAX,
        )
      }
    })
  },
)

test.each(lossCases)(
  'a batch of nothing but filling has loss and gradient 0: $name',
  async given => {
    const { weights, compute } = await openLoss(given, 37)
    weights.values.fill(0)
    const { loss, gradient } = await compute()
    expect(loss).toBeCloseTo(0, 12)
    expect(Math.max(...gradient.map(Math.abs))).toBe(0)
  },
)

describe('values at the ends of their range', () => {
  const at = async (given: LossCase, x: number, t: number) => {
    const { prediction, labels, compute } = await openLoss(given, 41)
    prediction.values.fill(x)
    labels.values.fill(t)
    return compute()
  }
  const bits = lossCases.filter(given => kindOf(given) === 'binary-cross-entropy')
  const [logits, , probabilities] = bits

  test.each([
    [1000, 1, 0],
    [-1000, 0, 0],
    [1000, 0, 1000],
    [-1000, 1, 1000],
  ])('overflow no logit: %d against %d is a loss of %d', async (x, t, expected) => {
    if (!logits) throw new RangeError('no case')
    const { loss, gradient } = await at(logits, x, t)
    expect(loss).toBeCloseTo(expected, 9)
    expect(gradient.every(Number.isFinite)).toBe(true)
  })

  test('make a sure and wrong probability a loss of 100 nats', async () => {
    if (!probabilities) throw new RangeError('no case')
    const { loss, gradient } = await at(probabilities, 0, 1)
    expect(loss).toBeCloseTo(100, 9)
    expect(gradient.every(Number.isFinite)).toBe(true)
  })
})
