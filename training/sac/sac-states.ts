import type { ForwardModel } from '../forward/forward-graph.ts'
import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { emitMoves } from '../optimizer/joint-moves.ts'
import { createOptimizer, optimizerSchema } from '../optimizer/registry.ts'
import type { SacModels } from './sac-models.ts'
import type { SacSettings } from './sac-settings.ts'

/** Of all three parts; each has a learning rate of its own. */
export const sacOptimizer = createOptimizer(optimizerSchema.parse({ kind: 'adam' }))

export const SAC_PARTS = ['actor', 'critic', 'temperature'] as const
export type SacPart = (typeof SAC_PARTS)[number]

/** The numbers that the optimizer takes at each update, for each part. */
export type SacScalars = Readonly<Record<SacPart, readonly ValueName[]>>

/** A tensor that an update takes in and gives back changed. */
export interface SacState {
  readonly name: string
  readonly shape: readonly number[]
  readonly initial: Float32Array
}

/** A parameter and the optimizer's slots, in a graph. */
export interface HeldParameter {
  readonly name: string
  readonly parameter: ValueName
  readonly slots: readonly ValueName[]
}

export interface SacStates {
  readonly actor: readonly SacState[]
  readonly critics: readonly (readonly SacState[])[]
  readonly logTemperature: SacState
  /** Like the critics at first. */
  readonly targets: readonly (readonly SacState[])[]
}

/** The parameters of all networks, without the optimizer's slots. */
export function sacStates(
  { actor, critics }: SacModels,
  { initialTemperature }: SacSettings,
): SacStates {
  return {
    actor: parametersOf(actor, 'actor'),
    critics: critics.map((critic, index) => parametersOf(critic, `critic.${index}`)),
    logTemperature: {
      name: 'logTemperature',
      shape: [],
      initial: Float32Array.of(Math.log(initialTemperature)),
    },
    targets: critics.map((critic, index) => parametersOf(critic, `target.${index}`)),
  }
}

function parametersOf(
  { parameters, initialParameters }: ForwardModel,
  prefix: string,
): readonly SacState[] {
  return parameters.map(({ name, shape, offset, count }) => ({
    name: `${prefix}.${name}`,
    shape,
    initial: initialParameters.slice(offset, offset + count),
  }))
}

/** All states in the order in which a step gives them back: each parameter before its slots. */
export function withSlots(states: SacStates): readonly SacState[] {
  const { actor, critics, logTemperature, targets } = states
  const moved = [...actor, ...critics.flat(), logTemperature].flatMap(state => [
    state,
    ...sacOptimizer.slots.map(slot => ({
      name: `${state.name}.${slot}`,
      shape: state.shape,
      initial: new Float32Array(state.initial.length),
    })),
  ])
  return [...moved, ...targets.flat()]
}

/** Moves parameters along their gradients. */
export function moveParameters(
  graph: GraphEmitter,
  held: readonly (HeldParameter & { readonly gradient: ValueName })[],
  scalars: readonly ValueName[],
) {
  return emitMoves(graph, sacOptimizer, { moves: held, scalars })
}
