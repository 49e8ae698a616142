import type { PreparedTraining } from '../forms/training-options.ts'
import { refuseStatistics } from '../forward/batch-statistics.ts'
import { emitForward, type ForwardModel, type ParameterInfo } from '../forward/forward-graph.ts'
import { GraphEmitter } from '../graph/graph-emitter.ts'
import { type ElementType, isDifferentiable } from '../onnx/element-type.ts'
import { declareBatch, readSamples } from '../step/batch-gradients.ts'
import { cutGraph, type Segment } from './cut-graph.ts'

/** A value of a cut, and what it and its gradient are called in the forms on both sides. */
export interface CutValue {
  readonly name: string
  readonly elementType: ElementType
  readonly shape: number[]
  readonly value: string
  /** Left out where nothing before the cut is trained, or the value is of integers. */
  readonly gradient?: string
}

/** A segment with what was found out about it, which all of its forms share. */
export interface SegmentPlan {
  readonly model: ForwardModel
  readonly batch: number
  readonly segment: Segment
  /** With places in a flat vector of the segment's own. */
  readonly parameters: readonly ParameterInfo[]
  readonly given: readonly CutValue[]
  /** Empty for the last. */
  readonly made: readonly CutValue[]
}

export function planSegments(
  { forward, graphOptions: { batch } }: PreparedTraining,
  cuts: readonly (readonly string[])[],
): readonly SegmentPlan[] {
  refuseStatistics(forward.parameters, 'a model that is split')
  const segments = cutGraph(forward, cuts)
  // Being an output, a value of a cut stays one, whatever training makes of the nodes around it.
  const output = [...forward.graph.output, ...cuts.flat().map(name => ({ name }))]
  const model = { ...forward, graph: { ...forward.graph, output } }
  const values = describeValues(model, batch, cuts.flat())
  const own = segments.map(({ sources }) =>
    placed(forward.parameters.filter(({ name }) => sources.has(name))),
  )
  /** With gradients where one of the first segments is trained, so many as are before the cut. */
  const cutOf = (names: readonly string[], before: number) => {
    const isTrained = own.slice(0, before).some(parameters => parameters.length > 0)
    return values
      .filter(({ name }) => names.includes(name))
      .map(value =>
        isTrained && isDifferentiable(value.elementType)
          ? { ...value, gradient: `gradient.${value.name}` }
          : value,
      )
  }
  return segments.map((segment, index) => ({
    model,
    batch,
    segment,
    parameters: own[index] ?? [],
    given: cutOf(segment.given, index),
    made: index < cuts.length ? cutOf(segment.made, index + 1) : [],
  }))
}

/** Types and names of the values, worked out by emitting the model as a whole. */
function describeValues(
  model: ForwardModel,
  batch: number,
  names: readonly string[],
): readonly CutValue[] {
  const graph = new GraphEmitter()
  const inputs = readSamples(model, declareBatch(graph, batch))
  const given = { inputs, parameters: new Map(), batch, purpose: 'training' } as const
  const { values } = emitForward(graph, model, given)
  return names.map(name => {
    const { elementType, shape } = graph.type(values.get(name) ?? '')
    return { name, elementType, shape: [...shape], value: `cut.${name}` }
  })
}

/** The parameters one after the other in a vector of their own. */
function placed(parameters: readonly ParameterInfo[]): readonly ParameterInfo[] {
  let offset = 0
  return parameters.map(parameter => {
    const moved = { ...parameter, offset }
    offset += parameter.count
    return moved
  })
}
