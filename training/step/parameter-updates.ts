import { type ArtifactMetadata, stateShape, stateTensors } from '../forms/artifact-metadata.ts'
import type { ParameterInfo } from '../forward/forward-graph.ts'
import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { emitMoves, joinFlat, smallOnes, splitFlat } from '../optimizer/joint-moves.ts'
import type { Optimizer, OptimizerOutputs } from '../optimizer/optimizer.ts'
import { emitGradientTerms, type GradientTerms, TERM_INPUT } from './gradient-terms.ts'
import {
  declareJointStates,
  type JointMember,
  type JointStates,
  jointStates,
} from './joint-states.ts'
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
  /** The parameter as the optimizer moves it: of one row, maybe, like the slots. */
  readonly held: ValueName
  readonly slots: readonly ValueName[]
  readonly average: ValueName | undefined
  readonly isStatistic: boolean
  /** Parameter and slots are carried in the joint states. */
  readonly isJoint: boolean
}

/** What a step takes in beside its batch. */
export interface DeclaredStates {
  readonly states: readonly DeclaredState[]
  readonly scalars: readonly ValueName[]
  readonly averageRate: ValueName | undefined
  readonly joint: JointStates | undefined
  /** All of the states: the joint ones, then the others in the order of stateTensors. */
  readonly inputs: readonly ValueName[]
}

/**
 * Declares states and scalars under the names of their roles, which the emitter's prefix precedes. Those
 * of the `members` are declared as joint states.
 */
export function declareStates(
  graph: GraphEmitter,
  parameters: readonly ParameterRoles[],
  { scalars, averageRate }: ScheduleRoles,
  members: readonly JointMember[] = [],
): DeclaredStates {
  const float = (role: string, shape: readonly number[]) =>
    graph.declare(graph.unique(role), { elementType: ELEMENT.float, shape })
  const joint = declareJointStates(graph, members)
  const states = parameters.map(parameter => {
    const { name, shape, input, slots, average, isStatistic = false } = parameter
    const part = joint?.parts.get(name)
    const stated = stateShape(parameter)
    const held = part ?? float(input, stated)
    return {
      name,
      shape,
      parameter: graph.reshape(held, shape),
      held,
      slots: part ? [] : slots.map(slot => float(slot.input, stated)),
      average: average && float(average.input, stated),
      isStatistic,
      isJoint: part !== undefined,
    }
  })
  return {
    states,
    scalars: scalars.map(scalar => float(scalar, [])),
    averageRate: averageRate === undefined ? undefined : float(averageRate, []),
    joint,
    inputs: [
      ...flatJoint(joint),
      ...states.flatMap(state => flat({ ...state, parameter: state.held })),
    ],
  }
}

/** One step of the optimizer. Returns all of the states after it, in the order of the inputs. */
export function emitUpdates(
  graph: GraphEmitter,
  { states, scalars, averageRate, joint }: DeclaredStates,
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
  const moves = trained.map((state, index) => ({ ...state, gradient: gradients[index] ?? '' }))
  const together = moves.filter(({ isJoint }) => isJoint)
  const vectors =
    joint &&
    optimizer.emit(graph, {
      ...joint,
      gradient: joinFlat(
        graph,
        together.map(({ gradient }) => gradient),
      ),
      scalars,
    })
  const parts = vectors
    ? splitFlat(
        graph,
        vectors.parameter,
        together.map(({ shape }) => shape),
      )
    : []
  const alone = moves.flatMap(move => {
    const { held: parameter, gradient, isJoint } = move
    const fitted = graph.reshape(gradient, graph.shape(parameter))
    return isJoint ? [] : [{ ...move, parameter, gradient: fitted }]
  })
  const made = new Map<string, OptimizerOutputs>([
    ...together.map(
      ({ name }, index) => [name, { parameter: parts[index] ?? '', slots: [] }] as const,
    ),
    ...emitMoves(graph, optimizer, { moves: alone, scalars }).map(
      (moved, index) => [alone[index]?.name ?? '', moved] as const,
    ),
  ])
  const updates = whole.map(({ name, gradient, average, isJoint }) => {
    // What stands in the place of a statistic's gradient is what it is now.
    const { parameter, slots } = made.get(name) ?? { parameter: gradient, slots: [] }
    const rate = averageRate ?? ''
    return {
      parameter,
      slots,
      isJoint,
      average: average && emitAverage(graph, { average, parameter, rate }),
    }
  })
  return [...flatJoint(vectors), ...updates.flatMap(flat)]
}

function flatJoint(joint: OptimizerOutputs | undefined): readonly ValueName[] {
  return joint ? [joint.parameter, ...joint.slots] : []
}

function flat({
  parameter,
  slots,
  average,
  isJoint,
}: Pick<DeclaredState, 'parameter' | 'slots' | 'average' | 'isJoint'>) {
  return [...(isJoint ? [] : [parameter, ...slots]), ...(average ? [average] : [])]
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
  return parameters.flatMap(parameter =>
    stateTensors(parameter).map(state => ({ ...state, shape: stateShape(parameter) })),
  )
}

/** With the states of all but the `members` as rows, on which an optimizer is faster. */
export function withRows(
  parameters: readonly ParameterRoles[],
  members: readonly JointMember[],
): ParameterRoles[] {
  const joint = new Set(members.map(({ name }) => name))
  return parameters.map(parameter =>
    parameter.isStatistic || joint.has(parameter.name) ? parameter : { ...parameter, isRow: true },
  )
}

/** Those parameters whose states are best carried together. */
export function jointMembers(
  optimizer: Optimizer,
  parameters: readonly ParameterRoles[],
): readonly JointMember[] {
  return smallOnes(
    optimizer,
    parameters.filter(({ isStatistic }) => !isStatistic),
  )
}

/** The states as a Scan carries them, in the order of DeclaredStates.inputs. */
export function carriedStates(
  parameters: readonly ParameterRoles[],
  members: readonly JointMember[],
) {
  const names = new Set(members.map(({ name }) => name))
  const others = parameters.flatMap(parameter => {
    const states = stateTensors(parameter)
    const shape = stateShape(parameter)
    const kept = names.has(parameter.name) ? states.slice(1 + parameter.slots.length) : states
    return kept.map(state => ({ ...state, shape }))
  })
  return [...jointStates(members), ...others]
}
