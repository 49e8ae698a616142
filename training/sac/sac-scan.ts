import { attr } from '../onnx/attribute.ts'
import { buildModel, buildNode, buildValueInfo, OPSET_MAX } from '../onnx/build.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { encodeModel } from '../onnx/onnx-codec.ts'
import { actionShapeOf, buildSacBody, replayColumns, SCHEDULE } from './sac-body.ts'
import type { SacModels } from './sac-models.ts'
import type { SacSettings } from './sac-settings.ts'
import { SAC_PARTS, type SacState, sacOptimizer, sacStates, withSlots } from './sac-states.ts'
import { SAC_SERIES } from './sac-step.ts'

/** The name under which a run gives a state back. */
export function updated(state: string): string {
  return `updated.${state}`
}

export interface SacUpdate {
  readonly bytes: Uint8Array
  readonly states: readonly SacState[]
  /** Of one action, without the batch. */
  readonly actionShape: readonly number[]
  /** That a discrete action is one of. */
  readonly choices: number | undefined
}

/**
 * Any number of SAC updates as one run: a single Scan whose state are the networks, their targets, the
 * temperature and all optimizer slots, over the rows, noise and rates of each update. The replay
 * buffer comes in whole from outside of the body, so that a batch costs no copy on the way in.
 *
 * Names in the body begin with "update.", names around it with something else: a body sees both.
 */
export function buildSacUpdate(models: SacModels, settings: SacSettings): SacUpdate {
  const { body, choices } = buildSacBody(models, settings)
  const actionShape = actionShapeOf(models)
  const states = withSlots(sacStates(models, settings))
  const scalars = SAC_PARTS.flatMap(part =>
    sacOptimizer.scalars.map(scalar => SCHEDULE.scalar(part, scalar)),
  )
  const noise = models.actions === 'continuous' ? [SCHEDULE.noise, SCHEDULE.nextNoise] : []
  const scanned = [SCHEDULE.rows, ...noise, ...scalars]
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
      ...replayColumns(models).map(({ name, elementType, sampleShape }) =>
        buildValueInfo(name, elementType, ['transitions', ...sampleShape]),
      ),
      ...states.map(({ name, shape }) => float(name, shape)),
      buildValueInfo(SCHEDULE.rows, ELEMENT.int32, ['updates', settings.batch]),
      ...noise.map(name => float(name, noiseShape)),
      ...scalars.map(name => float(name, ['updates'])),
    ],
    output: [
      ...states.map(({ name, shape }) => float(updated(name), shape)),
      ...SAC_SERIES.map(name => float(name, ['updates'])),
    ],
    valueInfo: [],
  }
  const bytes = encodeModel(buildModel({ graph, opset: OPSET_MAX }))
  return { bytes, states, actionShape, choices }
}
