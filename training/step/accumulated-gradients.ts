import { refuseStatistics } from '../forward/batch-statistics.ts'
import type { ForwardModel } from '../forward/forward-graph.ts'
import { GraphEmitter, type ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { buildNode } from '../onnx/build.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import {
  type BatchGradients,
  type BatchOptions,
  emitBatchGradients,
  gatherRows,
} from './batch-gradients.ts'

/**
 * The gradients of one large batch, computed in parts that fit into memory: a Scan over the parts
 * inside of the step. With the loss, gradients and weight Wₖ of each part k,
 *
 *   loss = Σ Wₖ · lossₖ / Σ Wₖ      g = Σ Wₖ · gₖ / Σ Wₖ
 *
 * which are those of the large batch, whatever parts are only filling. `rows` and `weights` are
 * [accumulation, batch].
 */
export function emitAccumulatedGradients(
  graph: GraphEmitter,
  model: ForwardModel,
  options: BatchOptions & { readonly rows: ValueName; readonly accumulation: number },
): BatchGradients {
  const { parameters, rows, weights, maskKey } = options
  // ORT 1.27 updates a statistic in place, also one that the body only sees around it.
  refuseStatistics(model.parameters, 'accumulation')
  const keys = maskKey === undefined ? [] : [maskKey]
  const part = buildPart(graph, model, options)
  const sums = part.sums.map(({ wish, shape }) => ({ name: graph.unique(wish), shape }))
  const shapes = new Map(sums.map(({ name, shape }) => [name, shape]))
  const scan = buildNode({
    opType: 'Scan',
    inputs: [...sums.map(({ shape }) => graph.zeros(shape, weights)), rows, weights, ...keys],
    outputs: sums.map(({ name }) => name),
    attributes: [attr.graph('body', part.body), attr.int('num_scan_inputs', 2 + keys.length)],
    name: 'parts',
  })
  graph.addNode(scan, name => {
    const shape = shapes.get(name)
    return shape && { elementType: ELEMENT.float, shape }
  })
  const [weightSum = '', lossSum = '', ...gradientSums] = sums.map(({ name }) => name)
  const divisor = graph.reshape(weightSum, [])
  return {
    ...part.made,
    loss: graph.div(graph.reshape(lossSum, []), divisor),
    weightSum,
    gradients: parameters.map((_, index) => graph.div(gradientSums[index] ?? '', divisor)),
  }
}

/** What a part adds to the sums: its weight, its loss and its gradients, times its weight. */
function buildPart(
  around: GraphEmitter,
  model: ForwardModel,
  { loss, batch, parameters, maskKey }: Omit<BatchOptions, 'weights'>,
) {
  const graph = new GraphEmitter('part.')
  const declare = (wish: string, shape: readonly number[]) =>
    graph.declare(graph.unique(wish), { elementType: ELEMENT.float, shape })
  for (const parameter of parameters) graph.declare(parameter, around.type(parameter))
  const sums = [
    { wish: 'sum.weights', shape: [1] },
    { wish: 'sum.loss', shape: [1] },
    ...model.parameters.map(({ name, shape }) => ({ wish: `sum.gradient.${name}`, shape })),
  ]
  const before = sums.map(({ wish, shape }) => declare(wish, shape))
  const rows = graph.declare(graph.unique('rows'), { elementType: ELEMENT.int32, shape: [batch] })
  const weights = declare('weights', [batch])
  const key =
    maskKey === undefined
      ? undefined
      : graph.declare(graph.unique('maskKey'), { elementType: ELEMENT.int32, shape: [] })
  const read = gatherRows(graph, rows)
  const own = { weights, read, maskKey: key }
  const made = emitBatchGradients(graph, model, { loss, batch, parameters, ...own })
  const weight = graph.reshape(made.weightSum, [1])
  const weighted = [graph.reshape(made.loss, [1]), ...made.gradients].map(value => {
    // A parameter without axes keeps none.
    const factor = graph.shape(value).length === 0 ? graph.reshape(weight, []) : weight
    return graph.mul(value, factor)
  })
  const after = [weight, ...weighted].map((value: ValueName, index) =>
    graph.add(before[index] ?? '', value),
  )
  const body = graph.finish({
    name: 'part',
    inputs: [...before, rows, weights, ...(key === undefined ? [] : [key])],
    outputs: after,
  })
  return { body, sums, made }
}
