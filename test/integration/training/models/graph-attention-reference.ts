/** A parameter in float64, row by row. */
export type Table = readonly (readonly number[])[]

export interface Graph {
  /** Features of the vertices. */
  readonly agents: Table
  readonly models: Table
  /** Features of the edge between agent and model; undefined where none is. */
  readonly edge: (agent: number, model: number) => readonly number[] | undefined
}

export interface Parameters {
  readonly table: (name: string) => Table
  readonly vector: (name: string) => readonly number[]
  readonly heads: number
  readonly layers: number
}

const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0)
const column = (table: Table, index: number) => table.map(row => row[index] ?? 0)
const times = (x: readonly number[], table: Table) =>
  (table[0] ?? []).map((_, index) => dot(x, column(table, index)))
const plus = (a: readonly number[], b: readonly number[]) =>
  a.map((value, index) => value + (b[index] ?? 0))
const elu = (x: readonly number[]) => x.map(value => (value > 0 ? value : Math.exp(value) - 1))
const leaky = (value: number) => (value > 0 ? value : 0.2 * value)

/**
 * Graph attention vertex by vertex over all vertices of the graph, whatever their kind (Veličković et
 * al. 2018, equations 1 to 5): what the model computes, without its layout.
 */
export function graphAttentionReference(graph: Graph, parameters: Parameters): Table {
  const { agents, models, edge } = graph
  const { table, vector, heads, layers } = parameters
  const embed = (x: readonly number[], name: string) =>
    elu(plus(times(x, table(`${name}.embedding.weight`)), vector(`${name}.embedding.bias`)))
  let vertices: Table = [
    ...agents.map(x => embed(x, 'agents')),
    ...models.map(x => embed(x, 'models')),
  ]
  /** Between vertices of either kind; a vertex is its own neighbour, and nothing is known of that edge. */
  const between = (i: number, j: number) => {
    if (i === j) return []
    const [agent, other] = [Math.min(i, j), Math.max(i, j)]
    const isBetweenKinds = agent < agents.length && other >= agents.length
    return isBetweenKinds ? edge(agent, other - agents.length) : undefined
  }
  for (let layer = 0; layer < layers; layer++) {
    const name = `layers.${layer}`
    const projected = vertices.map(x => times(x, table(`${name}.weight`)))
    const width = (projected[0]?.length ?? 0) / heads
    const ofHead = (x: readonly number[] | undefined, head: number) =>
      x?.slice(head * width, (head + 1) * width) ?? []
    const attention = (part: string, head: number) =>
      vector(`${name}.attention.${part}.weight`).slice(head * width, (head + 1) * width)
    vertices = vertices.map((_, i) =>
      elu(
        Array.from({ length: heads }, (_, head) => {
          const scores = vertices.map((_, j) => {
            const known = between(i, j)
            if (!known) return Number.NEGATIVE_INFINITY
            const edgeVector = column(table(`${name}.attention.edge.weight`), head)
            return leaky(
              dot(ofHead(projected[i], head), attention('vertex', head)) +
                dot(ofHead(projected[j], head), attention('neighbour', head)) +
                dot(known, edgeVector),
            )
          })
          const mass = scores.reduce((sum, score) => sum + Math.exp(score), 0)
          return scores.reduce<readonly number[]>(
            (sum, score, j) =>
              plus(
                sum,
                ofHead(projected[j], head).map(value => (value * Math.exp(score)) / mass),
              ),
            new Array<number>(width).fill(0),
          )
        }).flat(),
      ),
    )
  }
  return agents.map((_, i) =>
    models.map((_, j) => {
      const known = edge(i, j)
      if (!known) return -1e9
      const sum = [
        times(vertices[i] ?? [], table('scores.agents.weight')),
        vector('scores.agents.bias'),
        times(vertices[agents.length + j] ?? [], table('scores.models.weight')),
        times(known, table('scores.edges.weight')),
      ].reduce(plus)
      const last = times(sum.map(Math.tanh), table('scores.last.weight'))
      return (last[0] ?? Number.NaN) + (vector('scores.last.bias')[0] ?? 0)
    }),
  )
}
