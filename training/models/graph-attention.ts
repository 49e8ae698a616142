import { z } from 'zod'
import type { ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { buildNode } from '../onnx/build.ts'
import { lecunNormal, xavierUniform } from './initial-weights.ts'
import { linear } from './layers.ts'
import { ModelBuilder } from './model-builder.ts'
import { extent, headCount, layerCount, seed, width } from './option-fields.ts'

export const graphAttentionSchema = z.strictObject({
  kind: z.literal('graph-attention'),
  agentsMax: extent().describe('Agents that a sample has room for.'),
  modelsMax: extent().describe('Models that a sample has room for.'),
  agentFeatures: width().describe('Numbers that describe an agent.'),
  modelFeatures: width().describe('Numbers that describe a model.'),
  edgeFeatures: width().default(1).describe('Numbers that describe the edge between two.'),
  heads: headCount(),
  headWidth: width().default(16).describe('Of each head.'),
  layers: layerCount(),
  seed: seed(),
})

/** Of edges that are not there; in softmax their share is 0 in float32. */
const ABSENT = -1e9
/** Veličković et al. 2018, section 2.1. */
const NEGATIVE_SLOPE = 0.2

/**
 * A graph-attention policy (Veličković et al. 2018) on the graph of agents and models: vertices of two
 * kinds, edges only between them. Whatever order agents and models are in, an edge has the same score,
 * and places without edges change nothing.
 *
 * | input | float32 |
 * |---|---|
 * | `agents` | [batch, agentsMax, agentFeatures] |
 * | `models` | [batch, modelsMax, modelFeatures] |
 * | `edges` | [batch, agentsMax, modelsMax, edgeFeatures] |
 * | `mask` | [batch, agentsMax, modelsMax]: 1 where agent and model are connectable, 0 where not |
 *
 * The output `scores` is [batch, agentsMax, modelsMax], −10⁹ where no edge is. An agent that may idle
 * has an edge to a model that stands for that.
 */
export function buildGraphAttention(options: z.output<typeof graphAttentionSchema>): Uint8Array {
  const { agentsMax, modelsMax, edgeFeatures, heads, headWidth, layers, seed } = options
  const model = new ModelBuilder({ name: 'graph-attention', seed })
  const { graph } = model
  const width = heads * headWidth
  const agents = model.input('agents', [agentsMax, options.agentFeatures])
  const models = model.input('models', [modelsMax, options.modelFeatures])
  const edges = model.input('edges', [agentsMax, modelsMax, edgeFeatures])
  const mask = model.input('mask', [agentsMax, modelsMax])
  const isThere = graph.emit('Greater', [mask, graph.scalar(0.5, mask)])
  const absent = graph.where(isThere, graph.scalar(0, mask), graph.scalar(ABSENT, mask))
  const embed = (x: ValueName, name: string) =>
    graph.emit('Elu', [linear(model, x, { name, size: width, initial: lecunNormal })])
  let vertices: Vertices = {
    agents: embed(agents, 'agents.embedding'),
    models: embed(models, 'models.embedding'),
  }
  for (let layer = 0; layer < layers; layer++) {
    const name = `layers.${layer}`
    vertices = attend(model, vertices, { name, heads, headWidth, edges, absent })
  }
  const scores = scoreEdges(model, vertices, { edges, width })
  return model.finish([model.node('Add', [scores, absent], { output: 'scores' })])
}

interface Vertices {
  /** [batch, vertices, width] */
  readonly agents: ValueName
  readonly models: ValueName
}

interface Direction {
  /** [batch, heads, vertices, headWidth] */
  readonly to: ValueName
  readonly from: ValueName
  /** The part of the scores that the edges bring, and −10⁹ where none is. */
  readonly edges: ValueName
  readonly absent: ValueName
}

/**
 * One layer of GAT with several heads, their results side by side (equations 3 and 5), σ being ELU.
 * Equation 1, its vector a cut into the part of the vertex, the part of the neighbour, and one for
 * what is known of the edge:
 *
 *   eᵢⱼ = LeakyReLU(a₁ · W hᵢ + a₂ · W hⱼ + a₃ · fᵢⱼ)
 *
 * Neighbours of an agent are the models that it has an edge to, those of a model its agents; each
 * vertex is its own neighbour too. W and a are the same for all, as in the paper. Between vertices of
 * one kind are no edges, so that agents · models scores are enough.
 */
function attend(
  model: ModelBuilder,
  { agents, models }: Vertices,
  given: {
    readonly name: string
    readonly heads: number
    readonly headWidth: number
    readonly edges: ValueName
    readonly absent: ValueName
  },
): Vertices {
  const { name, heads, headWidth, edges, absent } = given
  const { graph } = model
  const width = heads * headWidth
  const weight = model.parameter(`${name}.weight`, [width, width], xavierUniform, {
    fanIn: width,
    fanOut: width,
  })
  const vector = (part: string, shape: readonly number[]) =>
    model.parameter(`${name}.attention.${part}.weight`, shape, xavierUniform, {
      fanIn: headWidth,
      fanOut: 1,
    })
  const attention = {
    vertex: vector('vertex', [heads, headWidth, 1]),
    neighbour: vector('neighbour', [heads, headWidth, 1]),
  }
  const [, , edgeFeatures = 0] = model.sampleShape(edges)
  const edgeScores = graph.transpose(
    graph.matMul(edges, vector('edge', [edgeFeatures, heads])),
    [0, 3, 1, 2],
  )
  const project = (x: ValueName) => {
    const [count = 0] = model.sampleShape(x)
    const cut = model.reshape(graph.matMul(x, weight), [count, heads, headWidth])
    return graph.transpose(cut, [0, 2, 1, 3])
  }
  const agentHeads = project(agents)
  const modelHeads = project(models)
  const [agentCount = 0, modelCount = 0] = model.sampleShape(absent)
  const agentsNext = aggregate(model, attention, {
    to: agentHeads,
    from: modelHeads,
    edges: edgeScores,
    absent: model.reshape(absent, [1, agentCount, modelCount]),
  })
  const modelsNext = aggregate(model, attention, {
    to: modelHeads,
    from: agentHeads,
    edges: graph.transpose(edgeScores, [0, 1, 3, 2]),
    absent: model.reshape(graph.transpose(absent, [0, 2, 1]), [1, modelCount, agentCount]),
  })
  return { agents: agentsNext, models: modelsNext }
}

/** Equations 2 to 4 for the vertices of one kind: [batch, vertices, width]. */
function aggregate(
  model: ModelBuilder,
  attention: { readonly vertex: ValueName; readonly neighbour: ValueName },
  { to, from, edges, absent }: Direction,
): ValueName {
  const { graph } = model
  const [heads = 0, count = 0, headWidth = 0] = model.sampleShape(to)
  const [, neighbours = 0] = model.sampleShape(from)
  const ofVertex = graph.matMul(to, attention.vertex)
  const ofNeighbour = graph.matMul(from, attention.neighbour)
  const ofSelf = graph.matMul(to, attention.neighbour)
  const leaky = (x: ValueName) =>
    graph.emit('LeakyRelu', [x], [attr.float('alpha', NEGATIVE_SLOPE)])
  const pairs = graph.add(ofVertex, model.reshape(ofNeighbour, [heads, 1, neighbours]))
  const scores = graph.add(leaky(graph.add(pairs, edges)), absent)
  const all = [scores, leaky(graph.add(ofVertex, ofSelf))]
  const joined = graph.emit('Concat', all, [attr.int('axis', -1)])
  const shares = graph.emit('Softmax', [joined], [attr.int('axis', -1)])
  const [ofNeighbours = '', ofItself = ''] = splitAt(model, shares, neighbours)
  const together = graph.add(graph.matMul(ofNeighbours, from), graph.mul(ofItself, to))
  const sides = graph.transpose(together, [0, 2, 1, 3])
  return graph.emit('Elu', [model.reshape(sides, [count, heads * headWidth])])
}

/** The last axis before and from this place on. */
function splitAt(model: ModelBuilder, x: ValueName, place: number): readonly ValueName[] {
  const { graph } = model
  const size = graph.shape(x).at(-1) ?? 0
  const outputs = [graph.unique('Split'), graph.unique('Split')]
  const inputs = [x, graph.ints([place, size - place])]
  graph.addNode(buildNode({ opType: 'Split', inputs, outputs, attributes: [attr.int('axis', -1)] }))
  return outputs
}

/** How good an edge is, of both its ends and itself: v · tanh(A hᵢ + B hⱼ + C fᵢⱼ). */
function scoreEdges(
  model: ModelBuilder,
  { agents, models }: Vertices,
  { edges, width }: { readonly edges: ValueName; readonly width: number },
): ValueName {
  const { graph } = model
  const [agentCount = 0] = model.sampleShape(agents)
  const [modelCount = 0] = model.sampleShape(models)
  const part = (x: ValueName, name: string, hasBias: boolean) =>
    linear(model, x, { name: `scores.${name}`, size: width, initial: lecunNormal, hasBias })
  const ends = graph.add(
    model.reshape(part(agents, 'agents', true), [agentCount, 1, width]),
    model.reshape(part(models, 'models', false), [1, modelCount, width]),
  )
  const hidden = graph.emit('Tanh', [graph.add(ends, part(edges, 'edges', false))])
  const scores = linear(model, hidden, { name: 'scores.last', size: 1, initial: lecunNormal })
  return model.reshape(scores, [agentCount, modelCount])
}
