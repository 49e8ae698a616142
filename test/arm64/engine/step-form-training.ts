import type { Tensor } from 'onnxruntime-node'
import { readFormMetadata, type StepMetadata } from '../../../training/forms/form-metadata.ts'
import { createOptimizer } from '../../../training/optimizer/registry.ts'
import { BatchSchedule } from '../../../training/trainer/batch-schedule.ts'
import { floatOutput, type Ort, openOrtSession } from '../../../training/trainer/ort-session.ts'

export interface StepJob {
  readonly artifact: Uint8Array
  readonly parameters: Float32Array
  /** One input and a class for each sample. */
  readonly samples: {
    readonly inputs: Int32Array | Float32Array
    readonly inputWidth: number
    readonly labels: Int32Array
  }
  readonly seed: number
  readonly steps: number
  readonly learningRate: number
}

type Feeds = Record<string, Tensor>

/** Trains by the step form, with the batches that a scan takes; the losses of the steps. */
export async function trainByStepForm(ort: Ort, job: StepJob): Promise<Float32Array> {
  const metadata = readFormMetadata(job.artifact)
  if (metadata.form !== 'step') throw new RangeError(`a ${metadata.form} form is no step form`)
  const session = await openOrtSession(ort, job.artifact)
  const optimizer = createOptimizer(metadata.optimizer)
  const states = statesOf(ort, metadata, job.parameters)
  const losses = new Float32Array(job.steps)
  for (let step = 0; step < job.steps; step++) {
    const scalars = optimizer.scalarsAt(step + 1, job.learningRate)
    const scalarFeeds = metadata.inputs.scalars.map((name, index) => {
      return [name, new ort.Tensor('float32', [scalars[index] ?? 0], [])]
    })
    const ran = await session.run({
      ...states,
      ...batchOf(ort, { metadata, job, step }),
      ...Object.fromEntries(scalarFeeds),
    })
    losses.set(floatOutput(ran, metadata.outputs.loss), step)
    for (const { input, output } of metadata.parameters.flatMap(one => [one, ...one.slots])) {
      const tensor = ran[output]
      if (!tensor) throw new RangeError(`the run gives no ${output}`)
      states[input] = tensor
    }
  }
  await session.release()
  return losses
}

/** Parameters as they begin, and the optimizer's slots, which begin at zero. */
function statesOf(ort: Ort, { parameters }: StepMetadata, values: Float32Array): Feeds {
  const states: Feeds = {}
  for (const { input, slots, shape, offset, count } of parameters) {
    states[input] = new ort.Tensor('float32', values.slice(offset, offset + count), shape)
    for (const slot of slots) {
      states[slot.input] = new ort.Tensor('float32', new Float32Array(count), shape)
    }
  }
  return states
}

function batchOf(
  ort: Ort,
  o: { readonly metadata: StepMetadata; readonly job: StepJob; readonly step: number },
): Feeds {
  const { batch, inputs: roles } = o.metadata
  const { inputs, inputWidth, labels } = o.job.samples
  const schedule = new BatchSchedule({ sampleCount: labels.length, batch, seed: o.job.seed })
  const { rows, weights } = schedule.take(o.step, 1)
  const [sample] = roles.samples
  if (!sample || !roles.labels) throw new RangeError('the form takes no samples or no labels')
  const taken = [...rows].flatMap(row => [
    ...inputs.subarray(row * inputWidth, (row + 1) * inputWidth),
  ])
  const shape = [batch, ...sample.sampleShape]
  const tensor =
    inputs instanceof Int32Array
      ? new ort.Tensor('int32', Int32Array.from(taken), shape)
      : new ort.Tensor('float32', Float32Array.from(taken), shape)
  const classes = Int32Array.from(rows, row => labels[row] ?? 0)
  return {
    [sample.input]: tensor,
    [roles.labels.name]: new ort.Tensor('int32', classes, [batch]),
    [roles.weights]: new ort.Tensor('float32', weights, [batch]),
  }
}
