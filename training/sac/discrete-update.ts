import { buildBackwardGraph } from '../graph/backward-graph.ts'
import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
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

/** Logits below are of choices that cannot be made. */
const LOGIT_MIN = -5e8

const LAST_AXIS = [attr.int('axis', -1)]

/**
 * One update of soft actor-critic with choices in place of numbers (Christodoulou 2019, section 4 and
 * algorithm 1): expectations over the choices are sums, so that nothing is drawn.
 *
 *   y   = r + γ · Σₐ π(a|s′) · (minₖ Q̄ₖ(s′, a) − α · ln π(a|s′))      no term where s′ ends
 *   J_Q = E ½ (Qₖ(s, a) − y)²
 *   J_π = E Σₐ π(a|s) · (α · ln π(a|s) − minₖ Qₖ(s, a))
 *   J_α = E α · (H(π(·|s)) − ζ · ln of the number of choices in s)
 *
 * The actor is judged by the critics as they are after their step; α is that before its own. Choices
 * that cannot be made have π = 0, and add exactly nothing.
 */
export function emitDiscreteStep(step: SacStep): SacStepOutputs & { readonly choices: number } {
  const { graph, parameters } = step
  const temperature = graph.emit('Exp', [parameters.logTemperature.parameter])
  const goal = emitGoal(step, temperature)
  const critics = step.models.critics.map((_, index) => emitCriticStep(step, index, goal))
  const values = critics.map(({ moved }) => moved.map(({ parameter }) => parameter))
  const { choices, ...actor } = emitActorStep(step, values, temperature)
  return { ...finishStep(step, { critics, temperature, ...actor }), choices }
}

/** Probabilities of the choices and their logarithms. */
function emitPolicy(graph: GraphEmitter, logits: ValueName) {
  return {
    shares: graph.emit('Softmax', [logits], LAST_AXIS),
    logShares: graph.emit('LogSoftmax', [logits], LAST_AXIS),
  }
}

/** y, [batch, 1]. */
function emitGoal(step: SacStep, temperature: ValueName): ValueName {
  const { graph, models, settings, batch, parameters } = step
  const actor = parameters.actor.map(({ parameter }) => parameter)
  const { prediction } = forward(graph, models.actor, batch.next, actor)
  const { shares, logShares } = emitPolicy(graph, prediction)
  const told = models.critics.map((critic, index) => {
    return forward(graph, critic, batch.next, parameters.targets[index] ?? []).prediction
  })
  const soft = graph.sub(graph.emit('Min', told), graph.mul(logShares, temperature))
  const expected = graph.sum(graph.mul(shares, soft), [1])
  const discount = graph.mul(batch.continues, graph.scalar(settings.discount, expected))
  return graph.add(batch.reward, graph.mul(discount, expected))
}

function emitCriticStep(step: SacStep, index: number, goal: ValueName) {
  const { graph, models, batch, parameters, scalars } = step
  const critic = models.critics[index]
  const held = parameters.critics[index] ?? []
  if (!critic) throw new RangeError(`there is no critic ${index}`)
  const names = held.map(({ parameter }) => parameter)
  const { made: value, nodes } = graph.record(() => {
    const { prediction } = forward(graph, critic, batch.observation, names)
    return graph.emit('GatherElements', [prediction, batch.action], LAST_AXIS)
  })
  const error = graph.sub(value, goal)
  const gradients = buildBackwardGraph({
    graph,
    nodes,
    seeds: new Map([[value, graph.div(error, rowCount(graph, error))]]),
    wanted: names,
  })
  const loss = graph.mul(mean(graph, graph.mul(error, error)), graph.scalar(0.5, error))
  const moved = moveParameters(graph, withGradients(held, gradients), scalars.critic)
  return { moved, loss, value }
}

function emitActorStep(
  step: SacStep,
  critics: readonly (readonly ValueName[])[],
  temperature: ValueName,
) {
  const { graph, models, settings, batch, parameters, scalars } = step
  const names = parameters.actor.map(({ parameter }) => parameter)
  const { made, nodes } = graph.record(() => {
    const { prediction } = forward(graph, models.actor, batch.observation, names)
    return { logits: prediction, ...emitPolicy(graph, prediction) }
  })
  const { logits, shares, logShares } = made
  const told = models.critics.map((critic, index) => {
    return forward(graph, critic, batch.observation, critics[index] ?? []).prediction
  })
  const cost = graph.sub(graph.mul(logShares, temperature), graph.emit('Min', told))
  const rows = rowCount(graph, shares)
  const gradients = buildBackwardGraph({
    graph,
    nodes,
    seeds: new Map([
      [shares, graph.div(cost, rows)],
      [logShares, graph.div(graph.mul(shares, temperature), rows)],
    ]),
    wanted: names,
  })
  const loss = mean(graph, graph.sum(graph.mul(shares, cost), [1]))
  const entropies = graph.neg(graph.sum(graph.mul(shares, logShares), [1]))
  const isThere = graph.mask('Greater', logits, graph.scalar(LOGIT_MIN, logits))
  const most = graph.emit('Log', [graph.sum(isThere, [1])])
  const wanted = graph.mul(most, graph.scalar(settings.targetEntropyShare, most))
  const moved = moveParameters(graph, withGradients(parameters.actor, gradients), scalars.actor)
  return {
    actor: { moved, loss },
    entropy: mean(graph, entropies),
    excess: mean(graph, graph.sub(entropies, wanted)),
    choices: graph.shape(shares).at(-1) ?? 0,
  }
}
