import { declareMaskKeys } from '../forms/batch-inputs.ts'
import { emitForward } from '../forward/forward-graph.ts'
import { buildBackwardGraph } from '../graph/backward-graph.ts'
import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { nameOutput } from '../graph/output-name.ts'
import type { NodeProto } from '../onnx/onnx-proto.ts'
import { declareBatch, gradientsOf, readSamples } from '../step/batch-gradients.ts'
import { dataRoles } from '../step/data-roles.ts'
import type { CutValue, SegmentPlan } from './split-plan.ts'

export interface EmittedSegment {
  readonly nodes: readonly NodeProto[]
  /** What a value of the model is called in the graph. */
  readonly nameOf: (name: string) => ValueName
  readonly samples: ReadonlyMap<string, ValueName>
  /** Inputs of the graph: samples where the segment takes them, and the values of `given`. */
  readonly inputs: readonly ValueName[]
  readonly roles: {
    readonly samples: ReturnType<typeof dataRoles>['samples']
    readonly given: CutValue[]
    readonly maskKeys?: ValueName
  }
}

/**
 * Emits the model with the values of the cut before the segment given. What lies before that cut is
 * emitted, too, but nothing needs it, so that it is left out of the file.
 */
export function emitSegment(
  graph: GraphEmitter,
  { model, batch, segment, given }: SegmentPlan,
  parameters: ReadonlyMap<string, ValueName>,
): EmittedSegment {
  const replaced = new Map(
    given.map(({ name, elementType, shape, value }) => [
      name,
      graph.declare(value, { elementType, shape }),
    ]),
  )
  const samples = readSamples(model, declareBatch(graph, batch))
  const maskKey = declareMaskKeys(graph, { ...model.graph, node: [...segment.nodes] }, [])
  const { nodes, values } = emitForward(graph, model, {
    inputs: samples,
    parameters,
    batch,
    replaced,
    maskKey,
    purpose: 'training',
  })
  const taken = model.inputs.filter(({ name }) => segment.sources.has(name))
  const keys = maskKey === undefined ? {} : { maskKeys: maskKey }
  return {
    nodes,
    nameOf: name => values.get(name) ?? '',
    samples,
    inputs: [
      ...taken.map(({ name }) => samples.get(name) ?? ''),
      ...replaced.values(),
      ...Object.values(keys),
    ],
    roles: { samples: dataRoles({ inputs: taken }, undefined).samples, given: [...given], ...keys },
  }
}

/** The gradients of the parameters, and those of the values before the segment as named outputs. */
export function emitSegmentGradients(
  graph: GraphEmitter,
  given: readonly CutValue[],
  options: {
    readonly nodes: readonly NodeProto[]
    readonly seeds: ReadonlyMap<ValueName, ValueName>
    readonly parameters: ReadonlyMap<string, ValueName>
  },
): { readonly gradients: readonly ValueName[]; readonly outputs: readonly ValueName[] } {
  const { nodes, seeds, parameters } = options
  const wanted = given.filter(({ gradient }) => gradient !== undefined)
  const made = buildBackwardGraph({
    graph,
    nodes,
    seeds,
    wanted: [...parameters.values(), ...wanted.map(({ value }) => value)],
  })
  return {
    gradients: gradientsOf(parameters, made),
    outputs: wanted.map(({ value, shape, gradient = '' }) =>
      // Where all that follows is decided, by a Sign, say, no gradient comes back.
      nameOutput(graph, made.get(value) ?? graph.zeros(shape, value), gradient),
    ),
  }
}
