import { onTestFinished } from 'vitest'
import { seededRandom, standardNormal } from '../../../runtime/seeded-random.ts'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import { buildModel, buildNode, buildValueInfo, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { encodeModel } from '../../../training/onnx/onnx-codec.ts'
import { buildTensor } from '../../../training/onnx/tensor.ts'
import { loadOrt } from '../../../training/trainer/ort-session.ts'
import { type TrainingJob, TrainingRun } from '../../../training/trainer/training-run.ts'

const INPUTS = 3
const OUTPUTS = 2
/** Where each tensor lies in the flat vector: the matrix, then the bias. */
export const TENSORS = [
  { offset: 0, count: INPUTS * OUTPUTS },
  { offset: INPUTS * OUTPUTS, count: OUTPUTS },
] as const
const PARAMETER_COUNT = INPUTS * OUTPUTS + OUTPUTS

type ArtifactOptions = Omit<Parameters<typeof buildTrainingArtifact>[1], 'loss'>

/** y = x · W + b under the mean squared error: its gradient is one line of algebra. */
export class LinearRegression {
  readonly inputs: Float32Array
  readonly labels: Float32Array
  readonly model: Uint8Array
  readonly initial: Float32Array
  readonly #sampleCount: number

  constructor({ sampleCount, seed }: { readonly sampleCount: number; readonly seed: number }) {
    const random = seededRandom(seed)
    const draw = (count: number) =>
      Float32Array.from({ length: count }, () => standardNormal(random))
    this.#sampleCount = sampleCount
    this.inputs = draw(sampleCount * INPUTS)
    this.labels = draw(sampleCount * OUTPUTS)
    this.initial = draw(PARAMETER_COUNT)
    const [matrix, bias] = TENSORS.map(({ offset, count }) =>
      this.initial.subarray(offset, offset + count),
    )
    const tensor = (
      name: string,
      shape: readonly number[],
      values: Float32Array = new Float32Array(),
    ) => buildTensor({ name, type: ELEMENT.float, shape, values })
    const graph = {
      node: [
        buildNode({ opType: 'MatMul', inputs: ['x', 'weight'], outputs: ['product'] }),
        buildNode({ opType: 'Add', inputs: ['product', 'bias'], outputs: ['y'] }),
      ],
      name: 'linear',
      initializer: [tensor('weight', [INPUTS, OUTPUTS], matrix), tensor('bias', [OUTPUTS], bias)],
      input: [buildValueInfo('x', ELEMENT.float, ['batch', INPUTS])],
      output: [buildValueInfo('y', ELEMENT.float, ['batch', OUTPUTS])],
      valueInfo: [],
    }
    this.model = encodeModel(buildModel({ opset: OPSET_MAX, graph }))
  }

  async open(options: ArtifactOptions, job: Partial<TrainingJob> = {}): Promise<TrainingRun> {
    const artifact = buildTrainingArtifact(this.model, { loss: 'mean-squared-error', ...options })
    const training = await TrainingRun.open(await loadOrt(), {
      artifact: artifact.bytes,
      parameters: this.initial,
      inputs: this.inputs,
      inputWidth: INPUTS,
      labels: this.labels,
      seed: 1,
      ...job,
    })
    onTestFinished(() => training.release())
    return training
  }

  /** Weighted mean loss over all samples and its gradient, in float64. */
  gradientAt(
    values: Float64Array,
    sampleWeights: ArrayLike<number> = new Float64Array(this.#sampleCount).fill(1),
  ): { readonly loss: number; readonly gradient: Float64Array } {
    const total = Array.from(sampleWeights).reduce((a, b) => a + b, 0)
    const gradient = new Float64Array(PARAMETER_COUNT)
    let loss = 0
    for (let row = 0; row < this.#sampleCount; row++) {
      const x = this.inputs.subarray(row * INPUTS, (row + 1) * INPUTS)
      const share = (sampleWeights[row] ?? 0) / total / OUTPUTS
      for (let column = 0; column < OUTPUTS; column++) {
        const bias = INPUTS * OUTPUTS + column
        const y = x.reduce(
          (s, v, k) => s + v * (values[k * OUTPUTS + column] ?? 0),
          values[bias] ?? 0,
        )
        const error = y - (this.labels[row * OUTPUTS + column] ?? 0)
        loss += share * error ** 2
        for (const [k, v] of x.entries()) {
          const place = k * OUTPUTS + column
          gradient[place] = (gradient[place] ?? 0) + 2 * share * error * v
        }
        gradient[bias] = (gradient[bias] ?? 0) + 2 * share * error
      }
    }
    return { loss, gradient }
  }
}
