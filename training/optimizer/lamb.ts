import { z } from 'zod'
import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import {
  adamScalars,
  emitDirection,
  emitMoments,
  MOMENT_SLOTS,
  momentScales,
  momentSettings,
} from './adam.ts'
import type { Optimizer } from './optimizer.ts'

export const lambSchema = z.strictObject({
  kind: z.literal('lamb'),
  ...momentSettings,
  epsilon: z.number().positive().default(1e-6),
  weightDecay: z.number().nonnegative().default(0.01),
})

/**
 * LAMB (You et al. 2020, algorithm 2, with φ the identity), for large batches: each tensor moves in
 * proportion to its own norm. r is Adam's step of rate 1, scaled as in adam.ts.
 *
 *   r = lrₜ(1) · M / (√V + εₜ) + λ · w
 *   w ← w − lr · ‖w‖ / ‖r‖ · r           the ratio is 1 where one of the norms is 0
 */
export function lamb(settings: z.output<typeof lambSchema>): Optimizer {
  return {
    seesWhole: true,
    slots: MOMENT_SLOTS,
    slotScales: momentScales(settings),
    scalars: ['learningRate', 'momentScale', 'epsilon'],
    scalarsAt: (step, learningRate) => [learningRate, ...adamScalars(settings, step, 1)],
    emit(graph, { parameter, gradient, slots, scalars }) {
      const [learningRate = '', momentScale = '', epsilon = ''] = scalars
      const moments = emitMoments(graph, { ...settings, gradient, slots })
      const adapted = graph.mul(emitDirection(graph, { ...moments, epsilon }), momentScale)
      const decay = graph.mul(parameter, graph.scalar(settings.weightDecay, parameter))
      const direction = settings.weightDecay === 0 ? adapted : graph.add(adapted, decay)
      const rate = graph.mul(learningRate, trustRatio(graph, parameter, direction))
      return {
        parameter: graph.sub(parameter, graph.mul(direction, rate)),
        slots: [moments.first, moments.second],
      }
    },
  }
}

function trustRatio(graph: GraphEmitter, parameter: ValueName, direction: ValueName): ValueName {
  const [norm, moved] = [emitNorm(graph, parameter), emitNorm(graph, direction)]
  const zero = graph.scalar(0, norm)
  const areBoth = graph.emit('And', [
    graph.emit('Greater', [norm, zero]),
    graph.emit('Greater', [moved, zero]),
  ])
  const one = graph.scalar(1, norm)
  // Where nothing moves the quotient is not chosen.
  return graph.where(areBoth, graph.div(norm, moved), one)
}

/** ‖x‖, without axes. */
function emitNorm(graph: GraphEmitter, x: ValueName): ValueName {
  return graph.emit('ReduceL2', [x], [attr.int('keepdims', 0)])
}
