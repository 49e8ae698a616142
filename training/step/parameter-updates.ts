import { type ArtifactMetadata, stateTensors } from '../forms/artifact-metadata.ts'
import type { ParameterInfo } from '../forward/forward-graph.ts'
import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { emitMoves } from '../optimizer/joint-moves.ts'
import type { Optimizer } from '../optimizer/optimizer.ts'
import { emitGradientTerms, type GradientTerms, TERM_INPUT } from './gradient-terms.ts'
import { emitAverage } from './weight-average.ts'

/** How parameters are moved, what is kept beside them and what else pulls at them. */
export interface UpdateOptions {
  readonly optimizer: Optimizer
  readonly terms: GradientTerms
  readonly hasAverage: boolean
}

export type ParameterRoles = ArtifactMetadata['parameters'][number]
export type ScheduleRoles = Pick<ArtifactMetadata['inputs'], 'scalars' | 'averageRate' | 'proximal'>

export function assignParameterRoles(
  parameters: readonly ParameterInfo[],
  { optimizer: { slots }, terms, hasAverage }: UpdateOptions,
): ParameterRoles[] {
  const state = (role: string, name: string) => ({
    input: `${role}.${name}`,
    output: `updated.${role}.${name}`,
  })
  return parameters.map(({ updated, ...parameter }) => {
    const whole = {
      ...parameter,
      shape: [...parameter.shape],
      input: `parameter.${parameter.name}`,
      output: `updated.${parameter.name}`,
      ...(hasAverage ? { average: state('average', parameter.name) } : {}),
    }
    if (updated) return { ...whole, slots: [], isStatistic: true }
    return {
      ...whole,
      slots: slots.map(slot => state(slot, parameter.name)),
      ...(terms.proximal ? { anchor: TERM_INPUT.anchor(parameter.name) } : {}),
      ...(terms.control ? { control: TERM_INPUT.control(parameter.name) } : {}),
    }
  })
}

export function assignScheduleRoles({
  optimizer,
  terms,
  hasAverage,
}: UpdateOptions): ScheduleRoles {
  return {
    scalars: optimizer.scalars.map(scalar => `schedule.${scalar}`),
    ...(hasAverage ? { averageRate: 'schedule.averageRate' } : {}),
    ...(terms.proximal ? { proximal: TERM_INPUT.proximal } : {}),
  }
}

interface DeclaredState {
  readonly name: string
  readonly shape: readonly number[]
  readonly parameter: ValueName
  readonly slots: readonly ValueName[]
  readonly average: ValueName | undefined
  readonly isStatistic: boolean
}

/** What a step takes in beside its batch. */
export interface DeclaredStates {
  readonly states: readonly DeclaredState[]
  readonly scalars: readonly ValueName[]
  readonly averageRate: ValueName | undefined
  /** All of the states, in the order of stateTensors. */
  readonly inputs: readonly ValueName[]
}

/** Declares states and scalars under the names of their roles, which the emitter's prefix precedes. */
export function declareStates(
  graph: GraphEmitter,
  parameters: readonly ParameterRoles[],
  { scalars, averageRate }: ScheduleRoles,
): DeclaredStates {
  const float = (role: string, shape: readonly number[]) =>
    graph.declare(graph.unique(role), { elementType: ELEMENT.float, shape })
  const states = parameters.map(({ name, shape, input, slots, average, isStatistic = false }) => ({
    name,
    shape,
    parameter: float(input, shape),
    slots: slots.map(slot => float(slot.input, shape)),
    average: average && float(average.input, shape),
    isStatistic,
  }))
  return {
    states,
    scalars: scalars.map(scalar => float(scalar, [])),
    averageRate: averageRate === undefined ? undefined : float(averageRate, []),
    inputs: states.flatMap(flat),
  }
}

/** One step of the optimizer. Returns all of the states after it, in the order of stateTensors. */
export function emitUpdates(
  graph: GraphEmitter,
  { states, scalars, averageRate }: DeclaredStates,
  options: Pick<UpdateOptions, 'optimizer' | 'terms'> & {
    readonly gradients: readonly ValueName[]
  },
): readonly ValueName[] {
  const { optimizer, terms } = options
  const whole = states.map((state, index) => ({
    ...state,
    gradient: options.gradients[index] ?? '',
  }))
  const trained = whole.filter(({ isStatistic }) => !isStatistic)
  const gradients = emitGradientTerms(graph, trained, terms)
  const moves = trained.map(({ parameter, slots }, index) => {
    return { parameter, gradient: gradients[index] ?? '', slots }
  })
  const moved = emitMoves(graph, optimizer, { moves, scalars })
  const updates = whole.map(state => {
    const index = trained.indexOf(state)
    // What stands in the place of a statistic's gradient is what it is now.
    const made = moved[index] ?? { parameter: state.gradient, slots: [] }
    const given = { parameter: made.parameter, rate: averageRate ?? '' }
    const { average } = state
    return { ...made, average: average && emitAverage(graph, { average, ...given }) }
  })
  return updates.flatMap(flat)
}

function flat(state: Pick<DeclaredState, 'parameter' | 'slots' | 'average'>) {
  return [state.parameter, ...state.slots, ...(state.average ? [state.average] : [])]
}

/** Inputs that stay the same from step to step, with their shapes. */
export function fixedInputs(parameters: readonly ParameterRoles[], { proximal }: ScheduleRoles) {
  const shaped = parameters.flatMap(({ shape, anchor, control }) =>
    [anchor, control].flatMap(name => (name ? [{ name, shape }] : [])),
  )
  return [...shaped, ...(proximal ? [{ name: proximal, shape: [] }] : [])]
}

/** All states of all parameters with their shapes. */
export function shapedStates(parameters: readonly ParameterRoles[]) {
  return parameters.flatMap(({ shape, ...parameter }) =>
    stateTensors(parameter).map(state => ({ ...state, shape })),
  )
}
