import { readForwardModel } from '../../training/forward/forward-graph.ts'
import { scheduleOf, type Workload } from './workload.ts'

const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8]

interface Layer {
  readonly from: number
  readonly to: number
  /** [to, from], then the biases: parameters, gradients, first and second moments. */
  readonly values: Float32Array
  readonly gradients: Float32Array
  readonly first: Float32Array
  readonly second: Float32Array
}

/** The MLP with Adam as loops over Float32Array: what JavaScript does without any library. */
export class JsMlp {
  readonly #layers: readonly Layer[]
  readonly #workload: Workload
  readonly #schedule
  #stepCount = 0

  constructor(workload: Workload) {
    const { parameters, initialParameters } = readForwardModel(workload.model)
    this.#workload = workload
    this.#schedule = scheduleOf(workload)
    this.#layers = parameters.flatMap(({ shape, offset, count }) => {
      const [to = 0, from] = shape
      if (from === undefined) return []
      const values = initialParameters.slice(offset, offset + count + to)
      const zeros = () => new Float32Array(values.length)
      return [{ from, to, values, gradients: zeros(), first: zeros(), second: zeros() }]
    })
  }

  step(steps: number): Float32Array {
    return Float32Array.from({ length: steps }, () => this.#once())
  }

  #once(): number {
    const { inputs, inputWidth, labels, batch } = this.#workload
    const { rows } = this.#schedule.take(this.#stepCount, 1)
    this.#stepCount += 1
    const image = new Float32Array(batch * inputWidth)
    for (const [place, row] of rows.entries()) {
      const from = row * inputWidth
      image.set((inputs as Float32Array).subarray(from, from + inputWidth), place * inputWidth)
    }
    const outputs: Float32Array[] = [image]
    for (const [index, layer] of this.#layers.entries()) {
      const isLast = index === this.#layers.length - 1
      outputs.push(forward(layer, outputs[index] ?? image, { batch, isLast }))
    }
    const classes = this.#layers.at(-1)?.to ?? 0
    const picked = Int32Array.from(rows, row => labels[row] ?? 0)
    const { loss, gradient } = crossEntropy(outputs.at(-1) ?? image, picked, classes)
    let dy: Float32Array = gradient
    for (const [index, layer] of [...this.#layers.entries()].reverse()) {
      const dx = backward(layer, outputs[index] ?? image, { dy, batch, isFirst: index === 0 })
      this.#move(layer)
      dy = dx
    }
    return loss
  }

  /** Adam (Kingma and Ba 2015, algorithm 1). */
  #move({ values, gradients, first, second }: Layer): void {
    const rate = this.#workload.learningRate / (1 - BETA1 ** this.#stepCount)
    const scale = 1 / Math.sqrt(1 - BETA2 ** this.#stepCount)
    for (let place = 0; place < values.length; place++) {
      const gradient = gradients[place] ?? 0
      const m = BETA1 * (first[place] ?? 0) + (1 - BETA1) * gradient
      const v = BETA2 * (second[place] ?? 0) + (1 - BETA2) * gradient * gradient
      first[place] = m
      second[place] = v
      values[place] = (values[place] ?? 0) - (rate * m) / (Math.sqrt(v) * scale + EPSILON)
    }
  }
}

/** y = relu(x · Wᵀ + b), the last layer without relu */
function forward(
  { from, to, values }: Layer,
  x: Float32Array,
  { batch, isLast }: { readonly batch: number; readonly isLast: boolean },
): Float32Array {
  const y = new Float32Array(batch * to)
  const biases = from * to
  for (let sample = 0; sample < batch; sample++) {
    for (let output = 0; output < to; output++) {
      let sum = values[biases + output] ?? 0
      for (let input = 0; input < from; input++) {
        sum += (x[sample * from + input] ?? 0) * (values[output * from + input] ?? 0)
      }
      y[sample * to + output] = isLast || sum > 0 ? sum : 0
    }
  }
  return y
}

function crossEntropy(logits: Float32Array, labels: Int32Array, classes: number) {
  const gradient = new Float32Array(logits.length)
  let loss = 0
  for (const [sample, label] of labels.entries()) {
    const row = logits.subarray(sample * classes, (sample + 1) * classes)
    const most = Math.max(...row)
    const sum = row.reduce((total, logit) => total + Math.exp(logit - most), 0)
    for (const [place, logit] of row.entries()) {
      const probability = Math.exp(logit - most) / sum
      const error = probability - (place === label ? 1 : 0)
      gradient[sample * classes + place] = error / labels.length
      if (place === label) loss -= Math.log(probability) / labels.length
    }
  }
  return { loss, gradient }
}

/** dW = dyᵀ · x, db = Σ dy, dx = dy · W where x came out of a relu: 0 where that was. */
function backward(
  layer: Layer,
  x: Float32Array,
  given: { readonly dy: Float32Array; readonly batch: number; readonly isFirst: boolean },
): Float32Array {
  const { from, to, gradients } = layer
  const { dy, batch, isFirst } = given
  gradients.fill(0)
  for (let sample = 0; sample < batch; sample++) {
    for (let output = 0; output < to; output++) {
      const error = dy[sample * to + output] ?? 0
      gradients[from * to + output] = (gradients[from * to + output] ?? 0) + error
      for (let input = 0; input < from; input++) {
        const place = output * from + input
        gradients[place] = (gradients[place] ?? 0) + error * (x[sample * from + input] ?? 0)
      }
    }
  }
  return isFirst ? x : inputGradient(layer, x, { dy, batch })
}

function inputGradient(
  { from, to, values }: Layer,
  x: Float32Array,
  { dy, batch }: { readonly dy: Float32Array; readonly batch: number },
): Float32Array {
  const dx = new Float32Array(batch * from)
  for (let sample = 0; sample < batch; sample++) {
    for (let output = 0; output < to; output++) {
      const error = dy[sample * to + output] ?? 0
      for (let input = 0; input < from; input++) {
        const place = sample * from + input
        dx[place] = (dx[place] ?? 0) + error * (values[output * from + input] ?? 0)
      }
    }
  }
  for (const [place, value] of x.entries()) if (value <= 0) dx[place] = 0
  return dx
}
