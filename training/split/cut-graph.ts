import { GainnetError } from '../../runtime/errors.ts'
import type { ForwardModel } from '../forward/forward-graph.ts'
import type { NodeProto } from '../onnx/onnx-proto.ts'

/** What lies between two cuts, as names of the model. */
export interface Segment {
  /** The values of the cut before it; none for the first segment. */
  readonly given: readonly string[]
  /** Those of the cut behind it; the prediction for the last. */
  readonly made: readonly string[]
  /** Parameters, inputs and constants that its nodes take. */
  readonly sources: ReadonlySet<string>
  readonly nodes: ReadonlySet<NodeProto>
}

type Makers = ReadonlyMap<string, NodeProto>

/**
 * The parts of the model between its input and the loss, one more than cuts. Each cut must separate
 * what is before from what is behind: nothing but its values may pass, and no parameter be on both
 * sides.
 */
export function cutGraph(
  model: ForwardModel,
  cuts: readonly (readonly string[])[],
): readonly Segment[] {
  const makers = new Map(
    model.graph.node.flatMap(node => node.output.map(name => [name, node] as const)),
  )
  checkValues(cuts, makers)
  const ends = [...cuts, [model.prediction]]
  const segments = ends.map((made, index): Segment => {
    const given = cuts[index - 1] ?? []
    const { sources, nodes } = reach(makers, { from: made, until: new Set(given) })
    const input = model.inputs.find(({ name }) => sources.has(name))
    if (index > 0 && input) refuseBypass(makers, { given, nodes, input: input.name })
    return { given, made, sources, nodes }
  })
  checkParameters(model, segments)
  return segments
}

function checkValues(cuts: readonly (readonly string[])[], makers: Makers): void {
  const values = cuts.flat()
  if (cuts.length === 0 || cuts.some(cut => cut.length === 0)) {
    throw new GainnetError('MODEL_INVALID', 'a cut names no value')
  }
  const unknown = values.find(value => !makers.has(value))
  if (unknown !== undefined) {
    throw new GainnetError('MODEL_INVALID', `no node of the model makes the value ${unknown}`, {
      value: unknown,
    })
  }
  const twice = values.find((value, index) => values.indexOf(value) !== index)
  if (twice === undefined) return
  throw new GainnetError('MODEL_INVALID', `the value ${twice} is in two cuts, or in one twice`, {
    value: twice,
  })
}

/** All that some values are computed of, back to where it is given. */
function reach(
  makers: Makers,
  { from, until }: { readonly from: readonly string[]; readonly until: ReadonlySet<string> },
): { readonly sources: ReadonlySet<string>; readonly nodes: ReadonlySet<NodeProto> } {
  const sources = new Set<string>()
  const nodes = new Set<NodeProto>()
  const open = [...from]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === '' || until.has(name)) continue
    const node = makers.get(name)
    if (!node) sources.add(name)
    else if (!nodes.has(node)) {
      nodes.add(node)
      open.push(...node.input)
    }
  }
  return { sources, nodes }
}

/** Names the value that passes by: it is made before the cut, and used behind it. */
function refuseBypass(
  makers: Makers,
  behind: {
    readonly given: readonly string[]
    readonly nodes: ReadonlySet<NodeProto>
    readonly input: string
  },
): never {
  const { given, nodes, input } = behind
  const before = reach(makers, { from: given, until: new Set() })
  const isBefore = (name: string) => {
    const node = makers.get(name)
    return name === input || (node !== undefined && before.nodes.has(node))
  }
  const crossing = [...nodes]
    .filter(node => !before.nodes.has(node))
    .flatMap(node => node.input.map(value => ({ node, value })))
    .find(({ value }) => !given.includes(value) && isBefore(value))
  const cut = given.join(', ')
  if (!crossing) {
    throw new GainnetError(
      'MODEL_INVALID',
      `what follows the cut at ${cut} does not lie behind it`,
      {
        cut: given,
      },
    )
  }
  const { value, node } = crossing
  throw new GainnetError(
    'MODEL_INVALID',
    `the cut at ${cut} does not separate the input from the loss: ${value} goes round it, to node ` +
      `${node.name} (${node.opType}). Add it to the cut or cut elsewhere`,
    { cut: given, value, node: node.name },
  )
}

function checkParameters(model: ForwardModel, segments: readonly Segment[]): void {
  for (const { name } of model.parameters) {
    const holders = segments.filter(({ sources }) => sources.has(name))
    if (holders.length === 1) continue
    throw new GainnetError(
      'MODEL_INVALID',
      holders.length === 0
        ? `the loss does not depend on the parameter ${name}: leave it out of trainable`
        : `the parameter ${name} is used on both sides of a cut: freeze it or cut elsewhere`,
      { parameter: name },
    )
  }
}
