import { GraphEmitter, type ValueName } from '../graph-emitter.ts'
import { dataElement } from '../model-input.ts'
import { attr } from '../onnx/attribute.ts'
import { buildModel, buildNode, buildValueInfo, OPSET_MAX } from '../onnx/build.ts'
import { ELEMENT, type ElementType } from '../onnx/element-type.ts'
import { encodeModel } from '../onnx/onnx-codec.ts'
import { ACTION, type SacModels } from './sac-models.ts'
import type { SacSettings } from './sac-settings.ts'
import {
  SAC_PARTS,
  type SacPart,
  type SacState,
  sacOptimizer,
  sacStates,
  withSlots,
} from './sac-states.ts'
import { emitSacStep, SAC_SERIES } from './sac-update-graph.ts'

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

/** The name under which a run gives a state back. */
export function updated(state: string): string {
  return `updated.${state}`
}

export interface SacUpdate {
  readonly bytes: Uint8Array
  readonly states: readonly SacState[]
  /** Without the batch. */
  readonly actionShape: readonly number[]
  readonly targetEntropy: number
}

interface Column {
  readonly name: string
  readonly elementType: ElementType
  readonly sampleShape: readonly number[]
}

/**
 * Any number of SAC updates as one run: a single Scan whose state are the networks, their targets, the
 * temperature and all optimizer slots, over the rows, noise and rates of each update. The replay
 * buffer comes in whole from outside of the body, so that a batch costs no copy on the way in.
 *
 * Names in the body begin with "update.", names around it with something else: a body sees both.
 */
export function buildSacUpdate(models: SacModels, settings: SacSettings): SacUpdate {
  const { body, actionShape, targetEntropy } = buildBody(models, settings)
  const states = withSlots(sacStates(models, settings))
  const scalars = SAC_PARTS.flatMap(part =>
    sacOptimizer.scalars.map(scalar => SCHEDULE.scalar(part, scalar)),
  )
  const scanned = [SCHEDULE.rows, SCHEDULE.noise, SCHEDULE.nextNoise, ...scalars]
  const scan = buildNode({
    opType: 'Scan',
    inputs: [...states.map(({ name }) => name), ...scanned],
    outputs: [...states.map(({ name }) => updated(name)), ...SAC_SERIES],
    attributes: [attr.graph('body', body), attr.int('num_scan_inputs', scanned.length)],
    name: 'updates',
  })
  const float = (name: string, shape: readonly (number | string)[]) =>
    buildValueInfo(name, ELEMENT.float, shape)
  const noiseShape = ['updates', settings.batch, ...actionShape]
  const graph = {
    node: [scan],
    name: 'sac-update',
    initializer: [],
    input: [
      ...replayColumns(models, actionShape).map(({ name, elementType, sampleShape }) =>
        buildValueInfo(name, elementType, ['transitions', ...sampleShape]),
      ),
      ...states.map(({ name, shape }) => float(name, shape)),
      buildValueInfo(SCHEDULE.rows, ELEMENT.int32, ['updates', settings.batch]),
      float(SCHEDULE.noise, noiseShape),
      float(SCHEDULE.nextNoise, noiseShape),
      ...scalars.map(name => float(name, ['updates'])),
    ],
    output: [
      ...states.map(({ name, shape }) => float(updated(name), shape)),
      ...SAC_SERIES.map(name => float(name, ['updates'])),
    ],
    valueInfo: [],
  }
  const bytes = encodeModel(buildModel({ graph, opset: OPSET_MAX }))
  return { bytes, states, actionShape, targetEntropy }
}

/** The columns of the replay buffer. */
export function replayColumns(
  { actor }: SacModels,
  actionShape: readonly number[],
): readonly Column[] {
  const observed = (nameOf: (input: string) => string) =>
    actor.inputs.map(input => ({
      name: nameOf(input.name),
      elementType: dataElement(input),
      sampleShape: input.sampleShape,
    }))
  const float = (name: string, sampleShape: readonly number[]): Column => {
    return { name, elementType: ELEMENT.float, sampleShape }
  }
  return [
    ...observed(REPLAY.observation),
    ...observed(REPLAY.next),
    float(REPLAY.action, actionShape),
    float(REPLAY.reward, [1]),
    float(REPLAY.continues, [1]),
  ]
}

function actionShapeOf({ critics: [critic] }: SacModels): readonly number[] {
  return critic.inputs.find(({ name }) => name === ACTION)?.sampleShape ?? []
}

function buildBody(models: SacModels, settings: SacSettings) {
  const graph = new GraphEmitter('update.')
  const actionShape = actionShapeOf(models)
  const actionSize = actionShape.reduce((a, b) => a * b, 1)
  const targetEntropy = settings.targetEntropy ?? -actionSize
  const declare = (
    wish: string,
    shape: readonly number[],
    elementType: ElementType = ELEMENT.float,
  ) => graph.declare(graph.unique(wish), { elementType, shape })
  const states = sacStates(models, settings)
  const hold = ({ name, shape }: SacState) => ({
    name,
    parameter: declare(name, shape),
    slots: sacOptimizer.slots.map(slot => declare(`${name}.${slot}`, shape)),
  })
  const parameters = {
    actor: states.actor.map(hold),
    critics: states.critics.map(critic => critic.map(hold)),
    logTemperature: hold(states.logTemperature),
    targets: states.targets.map(target => target.map(({ name, shape }) => declare(name, shape))),
  }
  const rows = declare('rows', [settings.batch], ELEMENT.int32)
  const noise = declare('noise', [settings.batch, ...actionShape])
  const nextNoise = declare('nextNoise', [settings.batch, ...actionShape])
  const scalarsOf = (part: SacPart) =>
    sacOptimizer.scalars.map(scalar => declare(`${part}.${scalar}`, []))
  const scalars = {
    actor: scalarsOf('actor'),
    critic: scalarsOf('critic'),
    temperature: scalarsOf('temperature'),
  }
  const gathered = gatherColumns(graph, replayColumns(models, actionShape), rows)
  const column = (name: string) => gathered.get(name) ?? ''
  const observed = (nameOf: (input: string) => string) =>
    new Map(models.actor.inputs.map(({ name }) => [name, column(nameOf(name))]))
  const { states: moved, series } = emitSacStep({
    graph,
    models,
    settings: { ...settings, targetEntropy },
    parameters,
    scalars,
    batch: {
      observation: observed(REPLAY.observation),
      next: observed(REPLAY.next),
      action: column(REPLAY.action),
      reward: column(REPLAY.reward),
      continues: column(REPLAY.continues),
      noise,
      nextNoise,
    },
  })
  const held = [...parameters.actor, ...parameters.critics.flat(), parameters.logTemperature]
  const inputs = [
    ...held.flatMap(({ parameter, slots }) => [parameter, ...slots]),
    ...parameters.targets.flat(),
    ...[rows, noise, nextNoise],
    ...SAC_PARTS.flatMap(part => scalars[part]),
  ]
  const body = graph.finish({ name: 'update', inputs, outputs: [...moved, ...series] })
  return { body, actionShape, targetEntropy }
}

function gatherColumns(
  graph: GraphEmitter,
  columns: readonly Column[],
  rows: ValueName,
): ReadonlyMap<string, ValueName> {
  return new Map(
    columns.map(({ name, elementType, sampleShape }) => {
      // How many transitions there are is not known here; gathering rows never asks.
      const all = graph.declare(name, { elementType, shape: [-1, ...sampleShape] })
      return [name, graph.emit('Gather', [all, rows])]
    }),
  )
}
