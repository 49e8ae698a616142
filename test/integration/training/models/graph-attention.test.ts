import { expect, onTestFinished, test } from 'vitest'
import { type Random, seededRandom, standardNormal } from '../../../../runtime/seeded-random.ts'
import { buildTrainingArtifact } from '../../../../training/forms/training-artifact.ts'
import { readForwardModel } from '../../../../training/forward/forward-graph.ts'
import { buildModel } from '../../../../training/models/registry.ts'
import { floatOutput, loadOrt, openOrtSession } from '../../../../training/trainer/ort-session.ts'
import { TrainingRun } from '../../../../training/trainer/training-run.ts'
import { relativeError } from '../reference-check.ts'
import {
  type Graph,
  graphAttentionReference,
  type Parameters,
} from './graph-attention-reference.ts'
import { learn } from './learn.ts'

const SEED = 7
const SIZES = { agentFeatures: 3, modelFeatures: 2, edgeFeatures: 2 }
const NETWORK = { heads: 2, headWidth: 4, layers: 2 }

function build(agentsMax: number, modelsMax: number, seed = 1): Uint8Array {
  return buildModel({ kind: 'graph-attention', agentsMax, modelsMax, ...SIZES, ...NETWORK, seed })
}

/** Samples of graphs with that many vertices; an agent has an edge to the last model, at least. */
function drawGraphs(
  samples: number,
  [agents, models]: readonly [number, number],
  random: Random,
): Record<'agents' | 'models' | 'edges' | 'mask', Float32Array> {
  const draw = (count: number) => Float32Array.from({ length: count }, () => standardNormal(random))
  return {
    agents: draw(samples * agents * SIZES.agentFeatures),
    models: draw(samples * models * SIZES.modelFeatures),
    edges: draw(samples * agents * models * SIZES.edgeFeatures),
    mask: Float32Array.from({ length: samples * agents * models }, (_, place) =>
      place % models === models - 1 || random() < 0.6 ? 1 : 0,
    ),
  }
}

type Graphs = ReturnType<typeof drawGraphs>

async function scoresOf(
  model: Uint8Array,
  graphs: Graphs,
  [agents, models]: readonly [number, number],
): Promise<Float32Array> {
  const ort = await loadOrt()
  const session = await openOrtSession(ort, model)
  onTestFinished(() => session.release())
  const samples = graphs.mask.length / agents / models
  const tensor = (values: Float32Array, ...shape: number[]) =>
    new ort.Tensor('float32', values, [samples, ...shape])
  const ran = await session.run({
    agents: tensor(graphs.agents, agents, SIZES.agentFeatures),
    models: tensor(graphs.models, models, SIZES.modelFeatures),
    edges: tensor(graphs.edges, agents, models, SIZES.edgeFeatures),
    mask: tensor(graphs.mask, agents, models),
  })
  return floatOutput(ran, 'scores')
}

const rowsOf = (values: ArrayLike<number>, width: number) =>
  Array.from({ length: values.length / width }, (_, row) =>
    Array.from(values).slice(row * width, (row + 1) * width),
  )

/** The graph of one sample, and the parameters in float64, which may be changed in place. */
function referenceOf(model: Uint8Array, graphs: Graphs, models: number) {
  const { parameters, initialParameters } = readForwardModel(model)
  const flat = Float64Array.from(initialParameters)
  const valuesOf = (name: string) => {
    const place = parameters.find(parameter => parameter.name === name)
    if (!place) throw new RangeError(`no parameter ${name}`)
    return { values: flat.subarray(place.offset, place.offset + place.count), shape: place.shape }
  }
  const named: Parameters = {
    ...NETWORK,
    table: name => rowsOf(valuesOf(name).values, valuesOf(name).shape.at(-1) ?? 1),
    vector: name => Array.from(valuesOf(name).values),
  }
  const edges = rowsOf(graphs.edges, SIZES.edgeFeatures)
  const graph: Graph = {
    agents: rowsOf(graphs.agents, SIZES.agentFeatures),
    models: rowsOf(graphs.models, SIZES.modelFeatures),
    edge: (agent, other) => {
      const place = agent * models + other
      return graphs.mask[place] === 1 ? edges[place] : undefined
    },
  }
  return { flat, parameters, scores: () => graphAttentionReference(graph, named) }
}

test('scores are those of attention over the whole graph, vertex by vertex', async () => {
  const size = [5, 4] as const
  const model = build(...size)
  const graphs = drawGraphs(1, size, seededRandom(SEED))
  const expected = Float64Array.from(referenceOf(model, graphs, 4).scores().flat())
  const scores = await scoresOf(model, graphs, size)
  expect(expected.filter(score => score > -1e8).length).toBeGreaterThan(8)
  for (const [place, score] of scores.entries()) {
    expect(score, `place ${place}, seed ${SEED}`).toBeCloseTo(expected[place] ?? 0, 4)
  }
})

test('gradients equal differences of the reference', async () => {
  const size = [4, 3] as const
  const model = build(...size)
  const random = seededRandom(SEED)
  const graphs = drawGraphs(1, size, random)
  const labels = Int32Array.of(2, 2, 2, 2)
  const artifact = buildTrainingArtifact(model, {
    loss: 'softmax-cross-entropy',
    optimizer: { kind: 'sgd' },
    batch: 1,
  })
  const parameters = artifact.initialParameters
  const job = { artifact: artifact.bytes, parameters, inputs: graphs, labels, seed: 1 }
  const run = await TrainingRun.open(await loadOrt(), job)
  onTestFinished(() => run.release())
  const [loss] = await run.step({ steps: 1, learningRate: 1 })
  const after = run.parameters()
  const reference = referenceOf(model, graphs, 3)
  const at = () =>
    reference.scores().reduce((sum, row, agent) => {
      const mass = row.reduce((total, score) => total + Math.exp(score), 0)
      return sum + (Math.log(mass) - (row[labels[agent] ?? 0] ?? 0)) / labels.length
    }, 0)
  expect(loss).toBeCloseTo(at(), 5)
  const { flat } = reference
  for (const { name, offset, count } of reference.parameters) {
    const direction = Float64Array.from({ length: count }, () => standardNormal(random))
    const valueAt = (step: number) => {
      for (const [place, slope] of direction.entries()) {
        flat[offset + place] = (parameters[offset + place] ?? 0) + step * slope
      }
      return at()
    }
    const expected = (valueAt(1e-5) - valueAt(-1e-5)) / 2e-5
    valueAt(0)
    const gradient = direction.map((_, place) => {
      return (parameters[offset + place] ?? 0) - (after[offset + place] ?? 0)
    })
    const actual = gradient.reduce((sum, slope, place) => sum + slope * (direction[place] ?? 0), 0)
    const error = relativeError([actual], Float64Array.of(expected))
    expect(error, `${name}, seed ${SEED}`).toBeLessThan(1e-4)
  }
})

test('places without edges change nothing', async () => {
  const [small, large] = [[3, 2] as const, [6, 5] as const]
  const graphs = drawGraphs(1, small, seededRandom(SEED))
  const padded = drawGraphs(1, large, seededRandom(SEED + 1))
  padded.mask.fill(0)
  padded.agents.set(graphs.agents)
  padded.models.set(graphs.models)
  for (let agent = 0; agent < 3; agent++) {
    padded.mask.set(graphs.mask.subarray(agent * 2, agent * 2 + 2), agent * 5)
    padded.edges.set(graphs.edges.subarray(agent * 4, agent * 4 + 4), agent * 10)
  }
  const scores = await scoresOf(build(...small), graphs, small)
  const more = rowsOf(await scoresOf(build(...large), padded, large), 5)
  for (const [agent, row] of more.entries()) {
    for (const [model, score] of row.entries()) {
      const isThere = agent < 3 && model < 2
      expect(score).toBeCloseTo(isThere ? (scores[agent * 2 + model] ?? 0) : -1e9, 4)
    }
  }
})

test('agents in another order have the same scores', async () => {
  const size = [4, 3] as const
  const graphs = drawGraphs(1, size, seededRandom(SEED))
  const order = [2, 0, 3, 1]
  const turn = (values: Float32Array, width: number) =>
    Float32Array.from(order.flatMap(agent => rowsOf(values, width)[agent] ?? []))
  const turned = {
    agents: turn(graphs.agents, SIZES.agentFeatures),
    models: graphs.models,
    edges: turn(graphs.edges, 3 * SIZES.edgeFeatures),
    mask: turn(graphs.mask, 3),
  }
  const expected = turn(await scoresOf(build(...size), graphs, size), 3)
  const scores = await scoresOf(build(...size), turned, size)
  for (const [place, score] of scores.entries()) expect(score).toBeCloseTo(expected[place] ?? 0, 4)
})

test('a policy learns which model is the best for each agent, over edges that change', async () => {
  const size = [4, 3] as const
  const random = seededRandom(SEED)
  const lesson = (samples: number) => {
    const inputs = drawGraphs(samples, size, random)
    // The best model is the one whose edge and own first feature are largest together.
    const labels = Int32Array.from({ length: samples * 4 }, (_, row) => {
      const values = [0, 1, 2].map(model => {
        const place = row * 3 + model
        const own = inputs.models[(Math.floor(row / 4) * 3 + model) * SIZES.modelFeatures] ?? 0
        const known = inputs.edges[place * SIZES.edgeFeatures] ?? 0
        return inputs.mask[place] === 1 ? own + known : Number.NEGATIVE_INFINITY
      })
      return values.indexOf(Math.max(...values))
    })
    return { inputs, labels }
  }
  const { before, after } = await learn(build(...size), {
    loss: 'softmax-cross-entropy',
    batch: 32,
    steps: 250,
    learningRate: 0.01,
    training: lesson(2000),
    heldBack: lesson(300),
  })
  expect(before).toBeGreaterThan(0.5)
  expect(after, `seed ${SEED}`).toBeLessThan(0.2)
})
