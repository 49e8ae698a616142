import { GainnetError } from '../../runtime/errors.ts'
import { buildBackwardGraph } from '../backward-graph.ts'
import { emitForward, type ForwardModel } from '../forward-graph.ts'
import type { GraphEmitter, ValueName } from '../graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { emitAverage } from '../weight-average.ts'
import { ACTION, type SacModels } from './sac-models.ts'
import type { SacSettings } from './sac-settings.ts'
import { type HeldParameter, moveParameters, type SacScalars } from './sac-states.ts'
import { emitTanhGaussian } from './tanh-gaussian.ts'

/** A batch out of the replay buffer, and the noise of the two actions that are drawn. */
export interface SacBatch {
  /** By the names of the actor's inputs. */
  readonly observation: ReadonlyMap<string, ValueName>
  readonly next: ReadonlyMap<string, ValueName>
  readonly action: ValueName
  /** [batch, 1] */
  readonly reward: ValueName
  /** [batch, 1]: 0 where the episode ended, else 1. */
  readonly continues: ValueName
  readonly noise: ValueName
  readonly nextNoise: ValueName
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
  readonly settings: SacSettings & { readonly targetEntropy: number }
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

/**
 * One update of soft actor-critic with two critics and a temperature that tunes itself (Haarnoja et
 * al. 2018b, algorithm 1 and sections 4.2 to 5), in this order:
 *
 *   y   = r + γ · (minₖ Q̄ₖ(s′, a′) − α · ln π(a′|s′))          a′ ~ π(s′); no term where s′ ends
 *   J_Q = E ½ (Qₖ(s, a) − y)²                                  equations 5 and 6
 *   J_π = E α · ln π(a|s) − minₖ Qₖ(s, a)                      equation 9; a = a(s, ε)
 *   J_α = E −α · (ln π(a|s) + H̄)                               equation 18
 *   Q̄ₖ ← τ · Qₖ + (1 − τ) · Q̄ₖ
 *
 * The actor is judged by the critics as they are after their step; α is that before its own. Each part
 * is moved by an Adam of its own.
 */
export function emitSacStep(step: SacStep): {
  readonly states: readonly ValueName[]
  readonly series: readonly ValueName[]
} {
  const { graph, settings, parameters, scalars } = step
  const temperature = graph.emit('Exp', [parameters.logTemperature.parameter])
  const goal = emitGoal(step, temperature)
  const critics = step.models.critics.map((_, index) => emitCriticStep(step, index, goal))
  const values = critics.map(({ moved }) => moved.map(({ parameter }) => parameter))
  const actor = emitActorStep(step, values, temperature)
  const missing = graph.add(
    actor.logLikelihoodMean,
    graph.scalar(settings.targetEntropy, actor.logLikelihoodMean),
  )
  const temperatureLoss = graph.neg(graph.mul(temperature, missing))
  // d J_α / d ln α is J_α itself, since α = exp(ln α).
  const moved = moveParameters(
    graph,
    [{ ...parameters.logTemperature, gradient: temperatureLoss }],
    scalars.temperature,
  )
  const targets = critics.flatMap((critic, index) => emitTargets(step, index, critic.moved))
  return {
    states: [
      ...[...actor.moved, ...critics.flatMap(critic => critic.moved), ...moved].flatMap(
        ({ parameter, slots }) => [parameter, ...slots],
      ),
      ...targets,
    ],
    series: [
      ...critics.map(({ loss }) => loss),
      actor.loss,
      temperatureLoss,
      temperature,
      graph.neg(actor.logLikelihoodMean),
      mean(graph, critics[0]?.value ?? ''),
    ],
  }
}

/** y, [batch, 1]. */
function emitGoal(step: SacStep, temperature: ValueName): ValueName {
  const { graph, models, settings, batch, parameters } = step
  const actor = parameters.actor.map(({ parameter }) => parameter)
  const { prediction } = forward(graph, models.actor, batch.next, actor)
  const next = emitTanhGaussian(graph, { distribution: prediction, noise: batch.nextNoise })
  const inputs = new Map([...batch.next, [ACTION, next.action]])
  const told = models.critics.map((critic, index) => {
    return forward(graph, critic, inputs, parameters.targets[index] ?? []).prediction
  })
  const soft = graph.sub(graph.emit('Min', told), graph.mul(next.logLikelihood, temperature))
  const discount = graph.mul(batch.continues, graph.scalar(settings.discount, soft))
  return graph.add(batch.reward, graph.mul(discount, soft))
}

function emitCriticStep(step: SacStep, index: number, goal: ValueName) {
  const { graph, models, batch, parameters, scalars } = step
  const critic = models.critics[index]
  const held = parameters.critics[index] ?? []
  if (!critic) throw new RangeError(`there is no critic ${index}`)
  const inputs = new Map([...batch.observation, [ACTION, batch.action]])
  const names = held.map(({ parameter }) => parameter)
  const { prediction, nodes } = forward(graph, critic, inputs, names)
  const error = graph.sub(prediction, goal)
  const gradients = buildBackwardGraph({
    graph,
    nodes,
    seeds: new Map([[prediction, graph.div(error, rowCount(graph, error))]]),
    wanted: names,
  })
  const loss = graph.mul(mean(graph, graph.mul(error, error)), graph.scalar(0.5, error))
  const moved = moveParameters(graph, withGradients(held, gradients), scalars.critic)
  return { moved, loss, value: prediction }
}

function emitActorStep(
  step: SacStep,
  critics: readonly (readonly ValueName[])[],
  temperature: ValueName,
) {
  const { graph, models, batch, parameters, scalars } = step
  const names = parameters.actor.map(({ parameter }) => parameter)
  // Only these: the critics' own steps, before, depend on the actor too.
  const { made, nodes } = graph.record(() => {
    const { prediction } = forward(graph, models.actor, batch.observation, names)
    const drawn = emitTanhGaussian(graph, { distribution: prediction, noise: batch.noise })
    const inputs = new Map([...batch.observation, [ACTION, drawn.action]])
    const told = models.critics.map((critic, index) => {
      return forward(graph, critic, inputs, critics[index] ?? []).prediction
    })
    return { logLikelihood: drawn.logLikelihood, value: graph.emit('Min', told) }
  })
  const { logLikelihood, value } = made
  const rows = rowCount(graph, value)
  const column = graph.ints(graph.shape(value))
  const spread = (x: ValueName) => graph.emit('Expand', [graph.div(x, rows), column])
  const gradients = buildBackwardGraph({
    graph,
    nodes,
    seeds: new Map([
      [logLikelihood, spread(temperature)],
      [value, spread(graph.scalar(-1, value))],
    ]),
    wanted: names,
  })
  const logLikelihoodMean = mean(graph, logLikelihood)
  const loss = graph.sub(graph.mul(temperature, logLikelihoodMean), mean(graph, value))
  const moved = moveParameters(graph, withGradients(parameters.actor, gradients), scalars.actor)
  return { moved, loss, logLikelihoodMean }
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

function forward(
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

function withGradients(
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
function mean(graph: GraphEmitter, x: ValueName): ValueName {
  return graph.emit('ReduceMean', [x], [attr.int('keepdims', 0)])
}

function rowCount(graph: GraphEmitter, x: ValueName): ValueName {
  return graph.scalar(graph.shape(x)[0] ?? 0, x)
}
