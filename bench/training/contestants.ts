import { stateTensors } from '../../training/forms/artifact-metadata.ts'
import { readFormMetadata, type StepMetadata } from '../../training/forms/form-metadata.ts'
import { buildTrainingArtifact } from '../../training/forms/training-artifact.ts'
import { buildTrainingForms } from '../../training/forms/training-forms.ts'
import { createOptimizer } from '../../training/optimizer/registry.ts'
import { type Ort, openOrtSession } from '../../training/trainer/ort-session.ts'
import { TrainingRun } from '../../training/trainer/training-run.ts'
import { JsMlp } from './js-mlp.ts'
import { SCHEDULE_SEED, scheduleOf, type Workload } from './workload.ts'

/** Trains on by so many steps, and gives the loss of each. */
export type Contestant = (steps: number) => Promise<ArrayLike<number>>

export type ContestantKind = keyof typeof contestants

/**
 * Steps a run. The trainer takes as many as fit into 100 ms; these do on one core that has nothing else
 * to do, and are fixed so that a busy machine compares the same work.
 */
const RUN_STEPS = { mlp: 64, cnn: 12, gpt: 4 } as const

const OPTIONS = { loss: 'softmax-cross-entropy', optimizer: { kind: 'adam' } } as const

/** Every way of training that is compared, the one by PyTorch aside. */
export const contestants = {
  /** The product as it is used. */
  scan: openScan,

  /** The same on ONNX Runtime as WebAssembly, which contestant-child loads for it. */
  wasm: openScan,

  /** One step a run: parameters and optimizer state cross into JavaScript and back each time. */
  step: openStepForm,

  js: async (_, workload) => {
    const mlp = new JsMlp(workload)
    return async steps => mlp.step(steps)
  },
} satisfies Record<string, (ort: Ort, workload: Workload) => Promise<Contestant>>

async function openScan(ort: Ort, workload: Workload): Promise<Contestant> {
  const { name, model, batch, learningRate, inputs, inputWidth, labels } = workload
  const artifact = buildTrainingArtifact(model, { ...OPTIONS, batch })
  const training = await TrainingRun.open(ort, {
    artifact: artifact.bytes,
    parameters: artifact.initialParameters,
    ...{ inputs, inputWidth, labels },
    seed: SCHEDULE_SEED,
  })
  const runSteps = RUN_STEPS[name]
  return steps => training.step({ steps, learningRate }, { runSteps })
}

async function openStepForm(ort: Ort, workload: Workload): Promise<Contestant> {
  const { model, batch, learningRate } = workload
  const { models, initialParameters } = buildTrainingForms(model, {
    ...OPTIONS,
    batch,
    forms: ['step'],
  })
  const metadata = readFormMetadata(models.step)
  if (metadata.form !== 'step') throw new RangeError(`the step form says it is ${metadata.form}`)
  const ortSession = await openOrtSession(ort, models.step)
  const optimizer = createOptimizer(metadata.optimizer)
  const schedule = scheduleOf(workload)
  let states: Readonly<Record<string, InstanceType<Ort['Tensor']>>> = Object.fromEntries(
    metadata.parameters.flatMap(({ input, shape, offset, count, slots }) => {
      const values = initialParameters.slice(offset, offset + count)
      const zeros = slots.map(slot => [slot.input, new Float32Array(count)] as const)
      return [[input, values] as const, ...zeros].map(([name, held]) => {
        return [name, new ort.Tensor('float32', held, shape)]
      })
    }),
  )
  let done = 0
  const once = async (): Promise<number> => {
    const { rows } = schedule.take(done, 1)
    done += 1
    const scalars = optimizer.scalarsAt(done, learningRate)
    const ran = await ortSession.run({
      ...states,
      ...batchTensors(ort, { metadata, workload, rows }),
      ...Object.fromEntries(
        metadata.inputs.scalars.map((name, index) => {
          return [name, new ort.Tensor('float32', Float32Array.of(scalars[index] ?? 0), [])]
        }),
      ),
    })
    states = Object.fromEntries(
      metadata.parameters.flatMap(stateTensors).flatMap(({ input, output }) => {
        const tensor = ran[output]
        return tensor ? [[input, tensor]] : []
      }),
    )
    return Number(ran[metadata.outputs.loss]?.data[0])
  }
  return async steps => {
    const losses: number[] = []
    while (losses.length < steps) losses.push(await once())
    return losses
  }
}

function batchTensors(
  ort: Ort,
  given: {
    readonly metadata: StepMetadata
    readonly workload: Workload
    readonly rows: Int32Array
  },
) {
  const { metadata, workload, rows } = given
  const { inputs, inputWidth, labels } = workload
  const [samples] = metadata.inputs.samples
  const { labels: labelRole, weights } = metadata.inputs
  if (!samples || !labelRole || !(inputs instanceof Float32Array)) {
    throw new RangeError('the step form is compared on images with labels')
  }
  const batch = new Float32Array(rows.length * inputWidth)
  for (const [place, row] of rows.entries()) {
    batch.set(inputs.subarray(row * inputWidth, (row + 1) * inputWidth), place * inputWidth)
  }
  const picked = Int32Array.from(rows, row => labels[row] ?? 0)
  const ones = new Float32Array(rows.length).fill(1)
  return {
    [samples.input]: new ort.Tensor('float32', batch, [rows.length, ...samples.sampleShape]),
    [labelRole.name]: new ort.Tensor('int32', picked, [rows.length]),
    [weights]: new ort.Tensor('float32', ones, [rows.length]),
  }
}
