import { dataElement } from '../forward/model-input.ts'
import { GraphEmitter, type ValueName } from '../graph/graph-emitter.ts'
import { ELEMENT, type ElementType } from '../onnx/element-type.ts'
import { elementCount } from '../onnx/tensor.ts'
import { emitContinuousStep } from './continuous-update.ts'
import { emitDiscreteStep } from './discrete-update.ts'
import { ACTION, type SacModels } from './sac-models.ts'
import type { SacSettings } from './sac-settings.ts'
import { SAC_PARTS, type SacPart, type SacState, sacOptimizer, sacStates } from './sac-states.ts'
import type { SacStep } from './sac-step.ts'

/** Names of the replay buffer around the Scan: its body gathers rows of them. */
export const REPLAY = {
  observation: (input: string) => `replay.observation.${input}`,
  next: (input: string) => `replay.next.${input}`,
  action: 'replay.action',
  reward: 'replay.reward',
  continues: 'replay.continues',
} as const

/** What is scanned over, beside the optimizer's numbers: [updates, batch], twice [updates, …action]. */
export const SCHEDULE = {
  rows: 'schedule.rows',
  noise: 'schedule.noise',
  nextNoise: 'schedule.nextNoise',
  scalar: (part: SacPart, name: string) => `schedule.${part}.${name}`,
} as const

export interface Column {
  readonly name: string
  readonly elementType: ElementType
  readonly sampleShape: readonly number[]
}

/** Of one action: its numbers, or the one that says which choice it is. */
export function actionShapeOf({ actions, critics: [critic] }: SacModels): readonly number[] {
  if (actions === 'discrete') return [1]
  return critic.inputs.find(({ name }) => name === ACTION)?.sampleShape ?? []
}

/** The columns of the replay buffer. */
export function replayColumns(models: SacModels): readonly Column[] {
  const observed = (nameOf: (input: string) => string) =>
    models.actor.inputs.map(input => ({
      name: nameOf(input.name),
      elementType: dataElement(input),
      sampleShape: input.sampleShape,
    }))
  const float = (name: string, sampleShape: readonly number[]): Column => {
    return { name, elementType: ELEMENT.float, sampleShape }
  }
  const action = float(REPLAY.action, actionShapeOf(models))
  return [
    ...observed(REPLAY.observation),
    ...observed(REPLAY.next),
    models.actions === 'discrete' ? { ...action, elementType: ELEMENT.int32 } : action,
    float(REPLAY.reward, [1]),
    float(REPLAY.continues, [1]),
  ]
}

/** The body of the Scan: one update. */
export function buildSacBody(models: SacModels, settings: SacSettings) {
  const graph = new GraphEmitter('update.')
  const { batch } = settings
  const float = (wish: string, shape: readonly number[]) =>
    graph.declare(graph.unique(wish), { elementType: ELEMENT.float, shape })
  const parameters = declareParameters(models, settings, float)
  const rowType = { elementType: ELEMENT.int32, shape: [batch] }
  const rows = graph.declare(graph.unique('rows'), rowType)
  const noiseShape = [batch, ...actionShapeOf(models)]
  const noise =
    models.actions === 'continuous'
      ? [float('noise', noiseShape), float('nextNoise', noiseShape)]
      : []
  const scalarsOf = (part: SacPart) =>
    sacOptimizer.scalars.map(scalar => float(`${part}.${scalar}`, []))
  const scalars = {
    actor: scalarsOf('actor'),
    critic: scalarsOf('critic'),
    temperature: scalarsOf('temperature'),
  }
  const taken = gatherBatch(graph, models, rows)
  const step: SacStep = { graph, models, settings, parameters, scalars, batch: taken }
  const { states, series, choices } = emitStep(step, noise)
  const held = [...parameters.actor, ...parameters.critics.flat(), parameters.logTemperature]
  const inputs = [
    ...held.flatMap(({ parameter, slots }) => [parameter, ...slots]),
    ...parameters.targets.flat(),
    ...[rows, ...noise],
    ...SAC_PARTS.flatMap(part => scalars[part]),
  ]
  const body = graph.finish({ name: 'update', inputs, outputs: [...states, ...series] })
  return { body, choices }
}

function emitStep(step: SacStep, [noise, nextNoise]: readonly ValueName[]) {
  if (noise === undefined || nextNoise === undefined) return emitDiscreteStep(step)
  const { models, settings } = step
  const targetEntropy = settings.targetEntropy ?? -elementCount(actionShapeOf(models))
  const made = emitContinuousStep({ ...step, noise, nextNoise, targetEntropy })
  return { ...made, choices: undefined }
}

function declareParameters(
  models: SacModels,
  settings: SacSettings,
  float: (wish: string, shape: readonly number[]) => ValueName,
): SacStep['parameters'] {
  const states = sacStates(models, settings)
  const hold = ({ name, shape }: SacState) => ({
    name,
    parameter: float(name, shape),
    slots: sacOptimizer.slots.map(slot => float(`${name}.${slot}`, shape)),
  })
  return {
    actor: states.actor.map(hold),
    critics: states.critics.map(critic => critic.map(hold)),
    logTemperature: hold(states.logTemperature),
    targets: states.targets.map(target => target.map(({ name, shape }) => float(name, shape))),
  }
}

/** This update's rows of what is around the body. */
function gatherBatch(graph: GraphEmitter, models: SacModels, rows: ValueName): SacStep['batch'] {
  const gathered = new Map(
    replayColumns(models).map(({ name, elementType, sampleShape }) => {
      // How many transitions there are is not known here; gathering rows never asks.
      const all = graph.declare(name, { elementType, shape: [-1, ...sampleShape] })
      return [name, graph.emit('Gather', [all, rows])]
    }),
  )
  const column = (name: string) => gathered.get(name) ?? ''
  const observed = (nameOf: (input: string) => string) =>
    new Map(models.actor.inputs.map(({ name }) => [name, column(nameOf(name))]))
  return {
    observation: observed(REPLAY.observation),
    next: observed(REPLAY.next),
    action: column(REPLAY.action),
    reward: column(REPLAY.reward),
    continues: column(REPLAY.continues),
  }
}
