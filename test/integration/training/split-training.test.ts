import { expect, test } from 'vitest'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { readFormMetadata } from '../../../training/forms/form-metadata.ts'
import { buildTrainingForms } from '../../../training/forms/training-forms.ts'
import { maskKey } from '../../../training/forward/dropout-mask.ts'
import { buildByteLanguageModel } from '../../../training/models/byte-language-model.ts'
import { buildModel, buildNode, buildValueInfo, OPSET_MAX } from '../../../training/onnx/build.ts'
import { ELEMENT } from '../../../training/onnx/element-type.ts'
import { encodeModel } from '../../../training/onnx/onnx-codec.ts'
import { buildTensor, elementCount } from '../../../training/onnx/tensor.ts'
import type { OptimizerOptions } from '../../../training/optimizer/registry.ts'
import { buildSplitForms, type SplitOptions } from '../../../training/split/split-forms.ts'
import { readSplitMetadata } from '../../../training/split/split-metadata.ts'
import { floatOutput } from '../../../training/trainer/ort-session.ts'
import {
  type Feeds,
  floatTensor,
  HeldStates,
  intTensor,
  largestDifference,
  openGraph,
  scalarFeeds,
  scalarsOf,
} from './form-runs.ts'
import { buildSmallAttention, LENGTH, WORDS } from './small-attention.ts'
import { buildSmallCnn } from './small-cnn.ts'

const SEED = 61
const STEPS = 50
const BATCH = 8
const RATE = 0.01

interface Subject {
  readonly model: Uint8Array
  readonly input: string
  readonly sampleShape: readonly number[]
  readonly classes: number
  /** Ids below this; numbers where it is undefined. */
  readonly idCount?: number
}

const cnn: Subject = {
  model: buildSmallCnn({ size: 8, channels: [2, 4], classes: 3, seed: SEED }).bytes,
  input: 'image',
  sampleShape: [1, 8, 8],
  classes: 3,
}
const attention: Subject = {
  model: buildSmallAttention(SEED),
  input: 'words',
  sampleShape: [LENGTH],
  classes: WORDS,
  idCount: WORDS,
}
const byteModel: Subject = {
  model: buildByteLanguageModel({
    contextBytes: 4,
    embeddingSize: 3,
    hiddenSizes: [6, 5],
    seed: SEED,
  }),
  input: 'context',
  sampleShape: [4],
  classes: 256,
  idCount: 256,
}

const dropout: Subject = {
  model: dropoutModel(),
  input: 'x',
  sampleShape: [6],
  classes: 4,
}

const adam = { kind: 'adam' } as const
const sgd = { kind: 'sgd', momentum: 0.9 } as const
const cases = [
  ['the CNN in two parts, adam', cnn, [['pool.0']], adam],
  ['the CNN in two parts at the middle of ReLU and pooling, sgd', cnn, [['relu.0']], sgd],
  ['the CNN in three parts, sgd', cnn, [['pool.0'], ['features']], sgd],
  ['attention in two parts, sgd', attention, [['embedded']], sgd],
  ['attention in three parts, adam', attention, [['embedded'], ['hidden']], adam],
  ['attention cut through three values, adam', attention, [['query', 'key', 'embedded']], adam],
  ['a model that drops on both sides, adam', dropout, [['kept.0']], adam],
  ['the byte model in four parts, adam', byteModel, [['features'], ['hidden.0'], ['logits']], adam],
] as const

/** The rows of one step, under the names that all forms give them. */
async function drawBatch(subject: Subject, step: number): Promise<Feeds> {
  const random = seededRandom(SEED + step)
  const { input, sampleShape, classes, idCount } = subject
  const count = BATCH * elementCount(sampleShape)
  const shape = [BATCH, ...sampleShape]
  const samples = idCount
    ? await intTensor(
        Int32Array.from({ length: count }, () => random() * idCount),
        shape,
      )
    : await floatTensor(Float32Array.from({ length: count }, random), shape)
  const labels = Int32Array.from({ length: BATCH }, () => random() * classes)
  const weights = Float32Array.from({ length: BATCH }, () => 0.5 + random())
  return {
    [`data.samples.${input}`]: samples,
    'data.labels': await intTensor(labels, [BATCH]),
    weights: await floatTensor(weights, [BATCH]),
    'schedule.maskKeys': await intTensor(Int32Array.of(maskKey(SEED, step)), []),
  }
}

async function trainJointly(subject: Subject, optimizer: OptimizerOptions) {
  const { models, initialParameters } = buildTrainingForms(subject.model, {
    loss: 'softmax-cross-entropy',
    optimizer,
    batch: BATCH,
    forms: ['step'],
  })
  const metadata = readFormMetadata(models.step)
  if (metadata.form !== 'step') throw new Error(`this is ${metadata.form}`)
  const graph = await openGraph(models.step)
  const states = await HeldStates.start(metadata.parameters, initialParameters)
  const losses: number[] = []
  for (let step = 0; step < STEPS; step++) {
    const scalars = scalarsOf(optimizer, STEPS, RATE)[step] ?? []
    const numbers = await scalarFeeds(metadata.inputs.scalars, scalars)
    const drawn = await drawBatch(subject, step)
    const ran = await graph.run(feedsOf(graph.inputNames, states.feeds(), drawn, numbers))
    states.take(ran)
    losses.push(...floatOutput(ran, 'loss'))
  }
  return { losses, byName: states.byName() }
}

interface OpenPart {
  readonly states: HeldStates
  readonly forward?: Awaited<ReturnType<typeof openGraph>>
  readonly trained: Awaited<ReturnType<typeof openGraph>>
}

/** The parameters of a part and the graphs that its machine runs. */
async function openPart(part: {
  readonly initialParameters: Float32Array
  readonly forward?: Uint8Array
  readonly trained: Uint8Array
}): Promise<OpenPart> {
  const metadata = readSplitMetadata(part.trained)
  if (metadata.form === 'split-forward') throw new Error('this form trains nothing')
  return {
    states: await HeldStates.start(metadata.parameters, part.initialParameters),
    trained: await openGraph(part.trained),
    ...(part.forward ? { forward: await openGraph(part.forward) } : {}),
  }
}

/** Each machine feeds what it holds, and what came over the wire. */
function feedsOf(names: readonly string[], ...held: readonly Feeds[]): Feeds {
  const all = Object.assign({}, ...held) as Feeds
  return Object.fromEntries(names.flatMap(name => (all[name] ? [[name, all[name]] as const] : [])))
}

async function trainSplit(subject: Subject, options: Pick<SplitOptions, 'cuts' | 'optimizer'>) {
  const { optimizer } = options
  const { inner, last } = buildSplitForms(subject.model, {
    loss: 'softmax-cross-entropy',
    batch: BATCH,
    ...options,
  })
  const parts: OpenPart[] = []
  for (const { forward, backward, initialParameters } of inner) {
    if (!backward) throw new Error('all parts of these models are trained')
    parts.push(await openPart({ initialParameters, forward, trained: backward }))
  }
  parts.push(await openPart({ ...last, trained: last.step }))
  const losses: number[] = []
  const scalarNames = scalarsOfStep(last.step)
  for (let step = 0; step < STEPS; step++) {
    const scalars = scalarsOf(optimizer, STEPS, RATE)[step] ?? []
    const feeds = {
      ...(await drawBatch(subject, step)),
      ...(await scalarFeeds(scalarNames, scalars)),
    }
    losses.push(...floatOutput(await stepOfAll(parts, feeds), 'loss'))
  }
  return { losses, byName: new Map(parts.flatMap(({ states }) => [...states.byName()])) }
}

function scalarsOfStep(bytes: Uint8Array): readonly string[] {
  const { inputs } = readSplitMetadata(bytes)
  return 'scalars' in inputs ? inputs.scalars : []
}

/** Forwards through all parts but the last, then back through all of them. */
async function stepOfAll(parts: readonly OpenPart[], feeds: Feeds): Promise<Feeds> {
  let wire = feeds
  for (const { states, forward } of parts) {
    if (!forward) continue
    const ran = await forward.run(feedsOf(forward.inputNames, states.feeds(), wire))
    wire = { ...wire, ...ran }
  }
  for (const { states, trained } of parts.toReversed()) {
    const ran = await trained.run(feedsOf(trained.inputNames, states.feeds(), wire))
    states.take(ran)
    wire = { ...wire, ...ran }
  }
  return wire
}

test.each(cases)(
  '%s: equals joint training after 50 steps',
  async (_, subject, cuts, optimizer) => {
    const joint = await trainJointly(subject, optimizer)
    const split = await trainSplit(subject, { cuts, optimizer })
    expect(joint.losses).toHaveLength(STEPS)
    expect(largestDifference(split.losses, joint.losses), `seed ${SEED}`).toBe(0)
    expect([...split.byName.keys()].toSorted()).toEqual([...joint.byName.keys()].toSorted())
    for (const [name, values] of joint.byName) {
      const difference = largestDifference(split.byName.get(name) ?? [], values)
      expect(difference, `${name}, seed ${SEED}`).toBe(0)
    }
  },
)

/** Two layers, half of each dropped: every part draws its masks from seeds of its own. */
function dropoutModel(): Uint8Array {
  const random = seededRandom(SEED)
  const tensor = (name: string, shape: readonly number[]) =>
    buildTensor({
      name,
      type: ELEMENT.float,
      shape,
      values: Float32Array.from({ length: elementCount(shape) }, () => random() - 0.5),
    })
  const layers = [0, 1].flatMap(index => [
    buildNode({
      opType: 'MatMul',
      inputs: [index === 0 ? 'x' : 'kept.0', `weight.${index}`],
      outputs: [`sum.${index}`],
    }),
    buildNode({ opType: 'Tanh', inputs: [`sum.${index}`], outputs: [`bent.${index}`] }),
    buildNode({
      opType: 'Dropout',
      inputs: [`bent.${index}`, 'ratio', 'isTraining'],
      outputs: [`kept.${index}`],
    }),
  ])
  const head = buildNode({ opType: 'MatMul', inputs: ['kept.1', 'head'], outputs: ['logits'] })
  return encodeModel(
    buildModel({
      opset: OPSET_MAX,
      graph: {
        node: [...layers, head],
        name: 'dropout',
        initializer: [
          tensor('weight.0', [6, 8]),
          tensor('weight.1', [8, 8]),
          tensor('head', [8, 4]),
          buildTensor({ name: 'ratio', type: ELEMENT.float, shape: [], values: [0.5] }),
          buildTensor({ name: 'isTraining', type: ELEMENT.bool, shape: [], values: [1] }),
        ],
        input: [buildValueInfo('x', ELEMENT.float, ['batch', 6])],
        output: [buildValueInfo('logits', ELEMENT.float, ['batch', 4])],
        valueInfo: [],
      },
    }),
  )
}
