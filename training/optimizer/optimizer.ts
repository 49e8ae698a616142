import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'

export interface OptimizerInputs {
  readonly parameter: ValueName
  readonly gradient: ValueName
  /** In the order of `slots`. */
  readonly slots: readonly ValueName[]
  /** In the order of `scalars`. */
  readonly scalars: readonly ValueName[]
}

export interface OptimizerOutputs {
  readonly parameter: ValueName
  readonly slots: readonly ValueName[]
}

/** How one parameter is moved, as nodes of the training step. */
export interface Optimizer {
  /** Tensors kept from step to step beside each parameter, in its shape, zero at first. */
  readonly slots: readonly string[]
  /** What a slot is to be multiplied by to be as in the paper; all 1 where left out. */
  readonly slotScales?: readonly number[]
  /** Each move depends on all of a parameter's elements, so that parameters cannot be moved as one. */
  readonly seesWhole?: true
  /** Numbers that change from step to step and come in from outside. */
  readonly scalars: readonly string[]
  /** Their values, in the order of `scalars`. Steps count from 1. */
  scalarsAt(step: number, learningRate: number): readonly number[]
  emit(graph: GraphEmitter, inputs: OptimizerInputs): OptimizerOutputs
}
