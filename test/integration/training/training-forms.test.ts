import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { packageVersion } from '../../../runtime/version.ts'
import { readFormMetadata } from '../../../training/forms/form-metadata.ts'
import { buildInferenceForm } from '../../../training/forms/inference-form.ts'
import { buildTrainingForms, trainingForms } from '../../../training/forms/training-forms.ts'
import { prepareTraining, type TrainingOptions } from '../../../training/forms/training-options.ts'
import { buildByteLanguageModel } from '../../../training/models/byte-language-model.ts'
import { elementCount } from '../../../training/onnx/tensor.ts'
import { floatOutput } from '../../../training/trainer/ort-session.ts'
import {
  floatTensor,
  HeldStates,
  intTensor,
  largestDifference,
  openGraph,
  scalarFeeds,
  scalarsOf,
} from './form-runs.ts'
import { buildSmallCnn } from './small-cnn.ts'

const SEED = 29
const STEPS = 6
const ROWS = 8
const RATE = 0.02

interface Subject {
  readonly model: Uint8Array
  readonly input: string
  readonly sampleShape: readonly number[]
  readonly classes: number
  readonly draw: (random: () => number) => number
  readonly isWhole: boolean
}

const subjects: Readonly<Record<string, Subject>> = {
  'the CNN': {
    model: buildSmallCnn({ size: 8, channels: [2, 4], classes: 3, seed: SEED }).bytes,
    input: 'image',
    sampleShape: [1, 8, 8],
    classes: 3,
    draw: random => random(),
    isWhole: false,
  },
  'the byte model': {
    model: buildByteLanguageModel({
      contextBytes: 4,
      embeddingSize: 3,
      hiddenSizes: [6],
      seed: SEED,
    }),
    input: 'context',
    sampleShape: [4],
    classes: 256,
    draw: random => Math.floor(random() * 256),
    isWhole: true,
  },
}

const sgd = { kind: 'sgd', momentum: 0.9 } as const
const cases = [
  ['the CNN', 'adam', { optimizer: { kind: 'adam' }, batch: ROWS }],
  ['the CNN', 'sgd in parts', { optimizer: sgd, batch: 4, accumulation: 2 }],
  [
    'the byte model',
    'clipped adam',
    { optimizer: { kind: 'adam' }, batch: ROWS, gradientNormMax: 0.5 },
  ],
  ['the byte model', 'sgd', { optimizer: sgd, batch: ROWS }],
] as const satisfies readonly (readonly [string, string, Omit<TrainingOptions, 'loss'>])[]

/** The whole data set: ROWS rows for each step, the last of which weigh less. */
function drawData({ sampleShape, classes, draw }: Subject) {
  const random = seededRandom(SEED)
  const count = STEPS * ROWS
  return {
    inputs: Float32Array.from({ length: count * elementCount(sampleShape) }, () => draw(random)),
    labels: Int32Array.from({ length: count }, () => Math.floor(random() * classes)),
    weights: Float32Array.from({ length: count }, (_, row) => (row % ROWS === 0 ? 0.5 : 1)),
  }
}

function samplesTensor({ sampleShape, isWhole }: Subject, values: Float32Array) {
  const shape = [values.length / elementCount(sampleShape), ...sampleShape]
  return isWhole ? intTensor(Int32Array.from(values), shape) : floatTensor(values, shape)
}

function readAs<Form extends ReturnType<typeof readFormMetadata>['form']>(
  bytes: Uint8Array,
  form: Form,
) {
  const metadata = readFormMetadata(bytes)
  if (metadata.form !== form) throw new Error(`this is ${metadata.form}`)
  return metadata as Extract<typeof metadata, { form: Form }>
}

async function runScan(subject: Subject, bytes: Uint8Array, options: CaseOptions) {
  const { inputs, parameters } = readAs(bytes, 'scan')
  const drawn = drawData(subject)
  const { batch, accumulation = 1, optimizer } = options
  const rowShape = accumulation === 1 ? [STEPS, batch] : [STEPS, accumulation, batch]
  const scalars = scalarsOf(optimizer, STEPS, RATE)
  const states = await HeldStates.start(parameters, initialOf(subject))
  const graph = await openGraph(bytes)
  const series = await Promise.all(
    inputs.scalars.map(async (name, index) => {
      const values = Float32Array.from(scalars, step => step[index] ?? Number.NaN)
      return [name, await floatTensor(values, [STEPS])] as const
    }),
  )
  const ran = await graph.run({
    ...states.feeds(),
    ...Object.fromEntries(series),
    [inputs.samples[0]?.input ?? '']: await samplesTensor(subject, drawn.inputs),
    [inputs.labels?.name ?? '']: await intTensor(drawn.labels, [STEPS * ROWS]),
    [inputs.rows]: await intTensor(Int32Array.from(drawn.labels.keys()), rowShape),
    [inputs.weights]: await floatTensor(drawn.weights, rowShape),
  })
  states.take(ran)
  return { losses: floatOutput(ran, 'losses'), parameters: states.parameters() }
}

type CaseOptions = Omit<TrainingOptions, 'loss'>

function initialOf({ model }: Subject): Float32Array {
  const options = { loss: 'softmax-cross-entropy', optimizer: sgd, batch: 1 } as const
  return prepareTraining(model, options).forward.initialParameters
}

/** The rows of one step, by the roles that step, grad and eval have in common. */
async function batchFeeds(
  subject: Subject,
  inputs: {
    readonly samples: readonly { readonly input: string }[]
    readonly labels?: { readonly name: string } | undefined
    readonly weights: string
  },
  step: number,
) {
  const drawn = drawData(subject)
  const width = elementCount(subject.sampleShape)
  const [from, to] = [step * ROWS, (step + 1) * ROWS]
  return {
    [inputs.samples[0]?.input ?? '']: await samplesTensor(
      subject,
      drawn.inputs.slice(from * width, to * width),
    ),
    [inputs.labels?.name ?? '']: await intTensor(drawn.labels.slice(from, to), [ROWS]),
    [inputs.weights]: await floatTensor(drawn.weights.slice(from, to), [ROWS]),
  }
}

async function runSteps(subject: Subject, bytes: Uint8Array, { optimizer }: CaseOptions) {
  const { inputs, outputs, parameters } = readAs(bytes, 'step')
  const states = await HeldStates.start(parameters, initialOf(subject))
  const graph = await openGraph(bytes)
  const losses: number[] = []
  for (let step = 0; step < STEPS; step++) {
    const ran = await graph.run({
      ...states.feeds(),
      ...(await batchFeeds(subject, inputs, step)),
      ...(await scalarFeeds(inputs.scalars, scalarsOf(optimizer, STEPS, RATE)[step] ?? [])),
    })
    states.take(ran)
    losses.push(...floatOutput(ran, outputs.loss))
  }
  return { losses, parameters: states.parameters() }
}

async function runGradients(
  subject: Subject,
  models: Readonly<Record<'grad' | 'apply', Uint8Array>>,
  options: CaseOptions,
) {
  const { inputs, outputs, parameters } = readAs(models.grad, 'grad')
  const apply = readAs(models.apply, 'apply')
  const states = await HeldStates.start(apply.parameters, initialOf(subject))
  const graph = await openGraph(models.grad)
  const optimizer = await openGraph(models.apply)
  const losses: number[] = []
  for (let index = 0; index < STEPS; index++) {
    const held = states.feeds()
    const own = Object.fromEntries(
      parameters.flatMap(({ input }) => (held[input] ? [[input, held[input]] as const] : [])),
    )
    const ran = await graph.run({ ...own, ...(await batchFeeds(subject, inputs, index)) })
    losses.push(...floatOutput(ran, outputs.loss))
    const gradients = parameters.flatMap(({ gradient }) =>
      ran[gradient] ? [[gradient, ran[gradient]] as const] : [],
    )
    const numbers = scalarsOf(options.optimizer, STEPS, RATE)[index] ?? []
    const scalars = await scalarFeeds(apply.inputs.scalars, numbers)
    states.take(await optimizer.run({ ...held, ...Object.fromEntries(gradients), ...scalars }))
  }
  return { losses, parameters: states.parameters() }
}

describe.each(cases)('the forms of %s with %s', (name, _, given) => {
  const subject = subjects[name] as Subject
  const options = { loss: 'softmax-cross-entropy', ...given } as const
  const { models } = buildTrainingForms(subject.model, options)

  test('train alike: scan, step, and gradients that are applied', async () => {
    const scan = await runScan(subject, models.scan, given)
    const step = await runSteps(subject, models.step, given)
    const gradients = await runGradients(subject, models, given)
    expect(scan.losses[0]).not.toBeCloseTo(scan.losses[STEPS - 1] ?? 0, 3)
    for (const other of [step, gradients]) {
      expect(largestDifference(other.losses, scan.losses), `seed ${SEED}`).toBe(0)
      expect(largestDifference(other.parameters, scan.parameters), `seed ${SEED}`).toBe(0)
    }
  })

  test('judge alike: grad and eval give one loss, infer what eval predicts', async () => {
    const { values, infer } = await trainedInference(subject, models.step, given)
    const roles = { grad: readAs(models.grad, 'grad'), eval: readAs(models.eval, 'eval') }
    const judged = { grad: await openGraph(models.grad), eval: await openGraph(models.eval) }
    const feeds = await batchFeeds(subject, roles.eval.inputs, 0)
    const parameters = await parameterFeeds(roles.eval.parameters, values)
    const ran = await judged.eval.run({ ...feeds, ...parameters })
    const loss = floatOutput(ran, 'loss')
    const other = floatOutput(await judged.grad.run({ ...feeds, ...parameters }), 'loss')
    // Parts of a batch are added up in another order.
    expect(largestDifference(other, loss)).toBeLessThan(1e-6)
    expect(floatOutput(ran, 'weightSum')).toEqual(Float32Array.of(ROWS - 0.5))
    const plain = await openGraph(infer)
    const samples = feeds[roles.eval.inputs.samples[0]?.input ?? '']
    if (!samples) throw new Error('the form takes no samples')
    const predicted = await plain.run({ [subject.input]: samples })
    const [output = ''] = plain.outputNames
    expect(floatOutput(predicted, output)).toEqual(floatOutput(ran, 'prediction'))
  })
})

async function parameterFeeds(
  roles: readonly {
    readonly input: string
    readonly shape: readonly number[]
    readonly offset: number
    readonly count: number
  }[],
  values: Float32Array,
) {
  const entries = roles.map(async ({ input, shape, offset, count }) => {
    return [input, await floatTensor(values.slice(offset, offset + count), shape)] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}

async function trainedInference(subject: Subject, step: Uint8Array, options: CaseOptions) {
  const { parameters: values } = await runSteps(subject, step, options)
  const { parameters } = readAs(step, 'step')
  return { values, infer: buildInferenceForm(subject.model, { parameters, values }) }
}

test.each(Object.entries(subjects))('infer is %s itself, bit for bit', async (_, subject) => {
  const { models } = buildTrainingForms(subject.model, {
    loss: 'softmax-cross-entropy',
    optimizer: sgd,
    batch: 4,
    forms: ['infer'],
  })
  const [made, source] = [await openGraph(models.infer), await openGraph(subject.model)]
  const samples = await samplesTensor(subject, drawData(subject).inputs)
  const [output = ''] = source.outputNames
  const expected = floatOutput(await source.run({ [subject.input]: samples }), output)
  expect(floatOutput(await made.run({ [subject.input]: samples }), output)).toEqual(expected)
})

test('forms with all terms, averages and parts are graphs that ORT takes', async () => {
  const { model } = subjects['the CNN'] as Subject
  const { models } = buildTrainingForms(model, {
    loss: { kind: 'softmax-cross-entropy', labelSmoothing: 0.1 },
    optimizer: { kind: 'lamb' },
    batch: 2,
    accumulation: 3,
    gradientNormMax: 1,
    proximal: true,
    control: true,
    average: { kind: 'exponential' },
    frozen: ['conv.0.*'],
  })
  const inputsOf = async (bytes: Uint8Array) => (await openGraph(bytes)).inputNames
  const held = ['term.proximal', 'anchor.output.bias', 'control.output.bias', 'average.output.bias']
  for (const form of ['scan', 'step', 'apply'] as const) {
    expect(await inputsOf(models[form]), form).toEqual(expect.arrayContaining(held))
    expect(await inputsOf(models[form]), form).not.toContain('parameter.conv.0.weight')
  }
  for (const form of ['grad', 'eval'] as const) {
    expect(await inputsOf(models[form]), form).not.toContain('term.proximal')
  }
})

test('every form says which engine made it of which model, and the same bytes each time', () => {
  const { model } = subjects['the byte model'] as Subject
  const options = { loss: 'softmax-cross-entropy', optimizer: { kind: 'lamb' }, batch: 4 } as const
  const { models } = buildTrainingForms(model, options)
  expect(Object.keys(models)).toEqual(trainingForms)
  const source = createHash('sha256').update(model).digest('hex')
  const engine = `gainnet ${packageVersion()}`
  for (const form of trainingForms) {
    expect(readFormMetadata(models[form])).toMatchObject({ form, engine, source, version: 3 })
  }
  expect(buildTrainingForms(model, options).models).toEqual(models)
})
