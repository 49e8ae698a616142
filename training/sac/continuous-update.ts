import { buildBackwardGraph } from '../graph/backward-graph.ts'
import type { ValueName } from '../graph/graph-emitter.ts'
import { ACTION } from './sac-models.ts'
import { moveParameters } from './sac-states.ts'
import {
  finishStep,
  forward,
  mean,
  rowCount,
  type SacStep,
  type SacStepOutputs,
  withGradients,
} from './sac-step.ts'
import { emitTanhGaussian } from './tanh-gaussian.ts'

export interface ContinuousStep extends SacStep {
  /** For the actions that are drawn for the observations and for those that follow, in their shape. */
  readonly noise: ValueName
  readonly nextNoise: ValueName
  /** H̄ in nats. */
  readonly targetEntropy: number
}

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
export function emitContinuousStep(step: ContinuousStep): SacStepOutputs {
  const { graph, parameters } = step
  const temperature = graph.emit('Exp', [parameters.logTemperature.parameter])
  const goal = emitGoal(step, temperature)
  const critics = step.models.critics.map((_, index) => emitCriticStep(step, index, goal))
  const values = critics.map(({ moved }) => moved.map(({ parameter }) => parameter))
  const actor = emitActorStep(step, values, temperature)
  const { logLikelihoodMean } = actor
  const entropy = graph.neg(logLikelihoodMean)
  const excess = graph.sub(entropy, graph.scalar(step.targetEntropy, entropy))
  return finishStep(step, { critics, actor, entropy, excess, temperature })
}

/** y, [batch, 1]. */
function emitGoal(step: ContinuousStep, temperature: ValueName): ValueName {
  const { graph, models, settings, batch, parameters } = step
  const actor = parameters.actor.map(({ parameter }) => parameter)
  const { prediction } = forward(graph, models.actor, batch.next, actor)
  const next = emitTanhGaussian(graph, { distribution: prediction, noise: step.nextNoise })
  const inputs = new Map([...batch.next, [ACTION, next.action]])
  const told = models.critics.map((critic, index) => {
    return forward(graph, critic, inputs, parameters.targets[index] ?? []).prediction
  })
  const soft = graph.sub(graph.emit('Min', told), graph.mul(next.logLikelihood, temperature))
  const discount = graph.mul(batch.continues, graph.scalar(settings.discount, soft))
  return graph.add(batch.reward, graph.mul(discount, soft))
}

function emitCriticStep(step: ContinuousStep, index: number, goal: ValueName) {
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
  step: ContinuousStep,
  critics: readonly (readonly ValueName[])[],
  temperature: ValueName,
) {
  const { graph, models, batch, parameters, scalars } = step
  const names = parameters.actor.map(({ parameter }) => parameter)
  // Only these: the critics' own steps, before, depend on the actor too.
  const { made, nodes } = graph.record(() => {
    const { prediction } = forward(graph, models.actor, batch.observation, names)
    const drawn = emitTanhGaussian(graph, { distribution: prediction, noise: step.noise })
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
