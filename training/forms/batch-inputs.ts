import { drawsMasks } from '../forward/dropout-mask.ts'
import type { ForwardModel } from '../forward/forward-graph.ts'
import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { emitAccumulatedGradients } from '../step/accumulated-gradients.ts'
import { type BatchGradients, declareBatch, emitBatchGradients } from '../step/batch-gradients.ts'
import { dataRoles, labelElement } from '../step/data-roles.ts'
import type { TrainingGraphOptions } from '../step/training-graph.ts'

export interface DeclaredBatch {
  readonly made: BatchGradients
  /** Roles of samples, labels and weights: `accumulation` · `batch` rows each. */
  readonly roles: ReturnType<typeof dataRoles> & {
    readonly weights: ValueName
    readonly maskKeys?: ValueName
  }
  readonly inputs: readonly ValueName[]
}

/** The gradients of rows that are inputs of the graph itself, where a scan gathers them. */
export function emitDeclaredBatch(
  graph: GraphEmitter,
  model: ForwardModel,
  options: Pick<TrainingGraphOptions, 'loss' | 'batch' | 'accumulation'> & {
    readonly parameters: readonly ValueName[]
  },
): DeclaredBatch {
  const { loss, batch, accumulation, parameters } = options
  const rowCount = batch * accumulation
  const weights = graph.declare('weights', { elementType: ELEMENT.float, shape: [rowCount] })
  const maskKey = declareMaskKeys(graph, model.graph, accumulation === 1 ? [] : [accumulation])
  const batches = { loss, batch, parameters, maskKey }
  const places = Array.from({ length: rowCount }, (_, row) => row)
  const made =
    accumulation === 1
      ? emitBatchGradients(graph, model, { ...batches, weights, read: declareBatch(graph, batch) })
      : emitAccumulatedGradients(graph, model, {
          ...batches,
          accumulation,
          rows: graph.constant(ELEMENT.int32, [accumulation, batch], places),
          weights: graph.reshape(weights, [accumulation, batch]),
        })
  const roles = dataRoles(model, made.labelType)
  if (accumulation > 1) {
    // The parts take their rows from around them: from here.
    const declare = declareBatch(graph, rowCount)
    for (const { input, ...source } of roles.samples) declare({ ...source, name: input })
    if (roles.labels) declare({ ...roles.labels, elementType: labelElement(roles.labels) })
  }
  const taken = [
    ...roles.samples.map(({ input }) => input),
    ...(roles.labels ? [roles.labels.name] : []),
  ]
  const keys = maskKey === undefined ? {} : { maskKeys: maskKey }
  return {
    made,
    roles: { ...roles, weights, ...keys },
    inputs: [...taken, weights, ...Object.values(keys)],
  }
}

/** What Dropout draws its masks from, in a graph that has some: int32, another for each batch. */
export function declareMaskKeys(
  graph: GraphEmitter,
  model: Parameters<typeof drawsMasks>[0],
  shape: readonly number[],
): ValueName | undefined {
  if (!drawsMasks(model)) return undefined
  return graph.declare('schedule.maskKeys', { elementType: ELEMENT.int32, shape })
}
