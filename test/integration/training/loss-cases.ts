import type { LossOptions } from '../../../training/loss/registry.ts'

/** A sample as a reference sees it: flat values of its prediction and its labels. */
type SampleLoss = (x: readonly number[], t: readonly number[]) => number

export interface LossCase {
  readonly name: string
  readonly loss: LossOptions
  /** With the batch in front. */
  readonly prediction: readonly number[]
  /** Range of the prediction's values. */
  readonly from?: number
  readonly to?: number
  /** Random ones of a kind, or just these. */
  readonly labels: 'numbers' | 'bits' | 'distributions' | 'none' | readonly number[]
  /** Samples that the labels are, for a loss that needs none. */
  readonly samples?: readonly number[]
  /** The sample's loss in plain loops, by the formula of the literature. */
  readonly reference: SampleLoss
  /** How much a sample counts beside its own weight. */
  readonly share?: (t: readonly number[]) => number
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
const mean = (values: readonly number[]) => sum(values) / values.length

function each(rule: (x: number, t: number) => number): SampleLoss {
  return (x, t) => mean(x.map((value, index) => rule(value, t[index] ?? Number.NaN)))
}

function logSoftmax(x: readonly number[]): number[] {
  const mass = Math.log(sum(x.map(Math.exp)))
  return x.map(value => value - mass)
}

function rowsOf(values: readonly number[], width: number): readonly (readonly number[])[] {
  return Array.from({ length: values.length / width }, (_, row) =>
    values.slice(row * width, (row + 1) * width),
  )
}

const squared = each((x, t) => (x - t) ** 2)
const absolute = each((x, t) => Math.abs(x - t))
const huberOf = (delta: number) =>
  each((x, t) => {
    const error = Math.abs(x - t)
    return error <= delta ? error ** 2 / 2 : delta * (error - delta / 2)
  })
const bernoulli = each((p, t) => -t * Math.log(p) - (1 - t) * Math.log(1 - p))
const logistic = each((x, t) => {
  const p = 1 / (1 + Math.exp(-x))
  return -t * Math.log(p) - (1 - t) * Math.log(1 - p)
})
const divergence =
  (classes: number, logOf: (x: readonly number[]) => readonly number[]): SampleLoss =>
  (x, t) => {
    const targets = rowsOf(t, classes)
    return mean(
      rowsOf(x, classes).map((row, place) => {
        const logs = logOf(row)
        const target = targets[place] ?? []
        return sum(target.map((p, c) => (p === 0 ? 0 : p * (Math.log(p) - (logs[c] ?? 0)))))
      }),
    )
  }

const quantilesOf =
  (levels: readonly number[]): SampleLoss =>
  (x, t) =>
    mean(
      x.map((value, index) => {
        const [level = 0, label = 0] = [
          levels[index % levels.length],
          t[Math.floor(index / levels.length)],
        ]
        return label > value ? level * (label - value) : (1 - level) * (value - label)
      }),
    )

const CLASS_WEIGHTS = [0.5, 2, 1, 3]

/** Softmax cross-entropy of all rows of a sample, summed; `share` divides by their weights. */
function crossEntropy(o: {
  readonly smoothing?: number
  readonly weights?: readonly number[]
  readonly ignored?: number
}): Pick<LossCase, 'reference' | 'share'> {
  const { smoothing = 0, weights = [1, 1, 1, 1], ignored } = o
  const rowShare = (label: number) => (label === ignored ? 0 : (weights[label] ?? 0))
  const share = (t: readonly number[]) => sum(t.map(rowShare))
  return {
    share,
    reference: (x, t) => {
      const losses = rowsOf(x, weights.length).map((row, place) => {
        const label = t[place] ?? 0
        if (label === ignored) return 0
        const logs = logSoftmax(row)
        return -sum(
          logs.map((log, c) => {
            const wanted = c === label ? 1 : 0
            const q = (1 - smoothing) * wanted + smoothing / weights.length
            return q * (weights[c] ?? 0) * log
          }),
        )
      })
      // The mean over what counts, so that times the share it is the sum.
      return share(t) === 0 ? 0 : sum(losses) / share(t)
    },
  }
}

const softmax = { kind: 'softmax-cross-entropy' } as const
const LABELS = [3, 0, 1, 1, 2]
const IGNORED = -100

export const lossCases: readonly LossCase[] = [
  {
    name: 'quantile',
    loss: 'quantile',
    prediction: [3, 2, 3],
    labels: 'numbers',
    reference: quantilesOf([0.1, 0.5, 0.9]),
  },
  {
    name: 'quantile of one level',
    loss: { kind: 'quantile', levels: [0.75] },
    prediction: [4, 1],
    labels: 'numbers',
    reference: quantilesOf([0.75]),
  },
  {
    name: 'classes',
    loss: softmax.kind,
    prediction: [5, 4],
    labels: LABELS,
    ...crossEntropy({}),
  },
  {
    name: 'label smoothing',
    loss: { ...softmax, labelSmoothing: 0.1 },
    prediction: [5, 4],
    labels: LABELS,
    ...crossEntropy({ smoothing: 0.1 }),
  },
  {
    name: 'class weights',
    loss: { ...softmax, classWeights: CLASS_WEIGHTS },
    prediction: [5, 4],
    labels: LABELS,
    ...crossEntropy({ weights: CLASS_WEIGHTS }),
  },
  {
    name: 'an ignored label',
    loss: { ...softmax, ignoreIndex: IGNORED },
    prediction: [5, 4],
    labels: LABELS.with(1, IGNORED),
    ...crossEntropy({ ignored: IGNORED }),
  },
  {
    name: 'a label in use that is ignored',
    loss: { ...softmax, ignoreIndex: 1 },
    prediction: [5, 4],
    labels: LABELS,
    ...crossEntropy({ ignored: 1 }),
  },
  {
    name: 'all of it, at several places of a sample',
    loss: { ...softmax, ignoreIndex: IGNORED, classWeights: CLASS_WEIGHTS, labelSmoothing: 0.2 },
    prediction: [3, 2, 4],
    labels: [0, 3, IGNORED, 2, IGNORED, IGNORED],
    ...crossEntropy({ smoothing: 0.2, weights: CLASS_WEIGHTS, ignored: IGNORED }),
  },
  {
    name: 'classes at places of a map',
    loss: { ...softmax },
    prediction: [2, 2, 3, 4],
    labels: [0, 1, 2, 3, 3, 2, 1, 0, 0, 0, 1, 3],
    ...crossEntropy({}),
  },
  {
    name: 'logits',
    loss: 'binary-cross-entropy',
    prediction: [4, 3],
    from: -6,
    to: 6,
    labels: 'bits',
    reference: logistic,
  },
  {
    name: 'logits and soft labels',
    loss: 'binary-cross-entropy',
    prediction: [4],
    labels: 'numbers',
    reference: logistic,
  },
  {
    name: 'probabilities',
    loss: { kind: 'binary-cross-entropy', fromLogits: false },
    prediction: [4, 2, 2],
    from: 0.05,
    to: 0.95,
    labels: 'bits',
    reference: bernoulli,
  },
  {
    name: 'one number',
    loss: 'mean-squared-error',
    prediction: [5, 1],
    labels: 'numbers',
    reference: squared,
  },
  {
    name: 'an image',
    loss: 'mean-squared-error',
    prediction: [2, 3, 2, 2],
    labels: 'numbers',
    reference: squared,
  },
  {
    name: 'vectors',
    loss: 'mean-absolute-error',
    prediction: [4, 3],
    labels: 'numbers',
    reference: absolute,
  },
  {
    name: 'the usual delta',
    loss: 'huber',
    prediction: [5, 3],
    labels: 'numbers',
    reference: huberOf(1),
  },
  {
    name: 'a delta of its own',
    loss: { kind: 'huber', delta: 0.4 },
    prediction: [5, 3],
    labels: 'numbers',
    reference: huberOf(0.4),
  },
  {
    name: 'logits',
    loss: 'kullback-leibler',
    prediction: [4, 5],
    labels: 'distributions',
    reference: divergence(5, logSoftmax),
  },
  {
    name: 'logits at several places, with a class that never comes',
    loss: 'kullback-leibler',
    prediction: [2, 2, 2],
    labels: [1, 0, 0.3, 0.7, 0.5, 0.5, 0, 1],
    reference: divergence(2, logSoftmax),
  },
  {
    name: 'log-probabilities',
    loss: { kind: 'kullback-leibler', fromLogits: false },
    prediction: [4, 3],
    from: -3,
    to: -0.1,
    labels: 'distributions',
    reference: divergence(3, x => x),
  },
  {
    name: 'squares, of samples in another shape',
    loss: 'reconstruction',
    prediction: [3, 4],
    samples: [3, 2, 2],
    labels: 'none',
    reference: squared,
  },
  {
    name: 'logits of pixels',
    loss: { kind: 'reconstruction', measure: { kind: 'binary-cross-entropy' } },
    prediction: [3, 4],
    samples: [3, 4],
    labels: 'none',
    reference: logistic,
  },
  {
    name: 'a loss a sample',
    loss: 'model-output',
    prediction: [4],
    labels: 'none',
    reference: x => mean(x),
  },
  {
    name: 'several a sample',
    loss: { kind: 'model-output', output: 'loss' },
    prediction: [3, 2, 2],
    labels: 'none',
    reference: x => mean(x),
  },
]
