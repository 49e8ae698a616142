import { GainnetError } from '../../runtime/errors.ts'
import { emitForward, type ForwardModel } from '../forward/forward-graph.ts'
import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { emitAverage } from '../step/weight-average.ts'
import type { SacModels } from './sac-models.ts'
import type { SacSettings } from './sac-settings.ts'
import { type HeldParameter, moveParameters, type SacScalars } from './sac-states.ts'

/** A batch out of the replay buffer. */
export interface SacBatch {
  /** By the names of the actor's inputs. */
  readonly observation: ReadonlyMap<string, ValueName>
  readonly next: ReadonlyMap<string, ValueName>
  readonly action: ValueName
  /** [batch, 1] */
  readonly reward: ValueName
  /** [batch, 1]: 0 where the episode ended, else 1. */
  readonly continues: ValueName
}

export interface SacParameters {
  readonly actor: readonly HeldParameter[]
  readonly critics: readonly (readonly HeldParameter[])[]
  /** The parameters of the target critics, in the same order. */
  readonly targets: readonly (readonly ValueName[])[]
  readonly logTemperature: HeldParameter
}

export interface SacStep {
  readonly graph: GraphEmitter
  readonly models: SacModels
  readonly settings: SacSettings
  readonly batch: SacBatch
  readonly parameters: SacParameters
  readonly scalars: SacScalars
}

/** What each update tells, one number a name. */
export const SAC_SERIES = [
  'criticLoss0',
  'criticLoss1',
  'actorLoss',
  'temperatureLoss',
  'temperature',
  'entropy',
  'value',
] as const
export type SacSeriesName = (typeof SAC_SERIES)[number]

interface Moved {
  readonly parameter: ValueName
  readonly slots: readonly ValueName[]
}

/** What the three parts of an update come to. */
export interface SacParts {
  readonly critics: readonly {
    readonly moved: readonly Moved[]
    readonly loss: ValueName
    /** Of the actions that were taken, [batch, 1]. */
    readonly value: ValueName
  }[]
  readonly actor: { readonly moved: readonly Moved[]; readonly loss: ValueName }
  /** Mean entropy of the policy, and how far it is above the one wanted; without axes. */
  readonly entropy: ValueName
  readonly excess: ValueName
  readonly temperature: ValueName
}

export interface SacStepOutputs {
  /** In the order of the inputs: each parameter before its slots, then the target critics. */
  readonly states: readonly ValueName[]
  /** In the order of SAC_SERIES. */
  readonly series: readonly ValueName[]
}

/** Moves the temperature (J_α = E α · (entropy − H̄)) and the targets, and gathers all that is new. */
export function finishStep(step: SacStep, parts: SacParts): SacStepOutputs {
  const { graph, parameters, scalars } = step
  const { critics, actor, entropy, excess, temperature } = parts
  // d J_α / d ln α is J_α itself, since α = exp(ln α).
  const temperatureLoss = graph.mul(temperature, excess)
  const temperatureMoved = moveParameters(
    graph,
    [{ ...parameters.logTemperature, gradient: temperatureLoss }],
    scalars.temperature,
  )
  const moved = [...actor.moved, ...critics.flatMap(critic => critic.moved), ...temperatureMoved]
  return {
    states: [
      ...moved.flatMap(({ parameter, slots }) => [parameter, ...slots]),
      ...critics.flatMap((critic, index) => emitTargets(step, index, critic.moved)),
    ],
    series: [
      ...critics.map(({ loss }) => loss),
      actor.loss,
      temperatureLoss,
      temperature,
      entropy,
      mean(graph, critics[0]?.value ?? ''),
    ],
  }
}

/** The target critics after this update. */
function emitTargets(
  { graph, settings, parameters }: SacStep,
  index: number,
  moved: readonly { readonly parameter: ValueName }[],
): readonly ValueName[] {
  return moved.map(({ parameter }, place) => {
    const average = parameters.targets[index]?.[place] ?? ''
    return emitAverage(graph, {
      average,
      parameter,
      rate: graph.scalar(settings.targetRate, parameter),
    })
  })
}

export function forward(
  graph: GraphEmitter,
  model: ForwardModel,
  inputs: ReadonlyMap<string, ValueName>,
  parameters: readonly ValueName[],
) {
  const named = new Map(model.parameters.map(({ name }, place) => [name, parameters[place] ?? '']))
  const [first = ''] = inputs.values()
  const [batch = 0] = graph.shape(first)
  // Dropout would make the critics disagree with themselves.
  return emitForward(graph, model, { inputs, parameters: named, batch, purpose: 'inference' })
}

export function withGradients(
  held: readonly HeldParameter[],
  gradients: ReadonlyMap<ValueName, ValueName>,
) {
  return held.map(one => {
    const gradient = gradients.get(one.parameter)
    if (gradient !== undefined) return { ...one, gradient }
    throw new GainnetError('MODEL_INVALID', `nothing depends on the parameter ${one.name}`, {
      parameter: one.name,
    })
  })
}

/** Of all elements, without axes. */
export function mean(graph: GraphEmitter, x: ValueName): ValueName {
  return graph.emit('ReduceMean', [x], [attr.int('keepdims', 0)])
}

export function rowCount(graph: GraphEmitter, x: ValueName): ValueName {
  return graph.scalar(graph.shape(x)[0] ?? 0, x)
}
