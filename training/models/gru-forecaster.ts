import { z } from 'zod'
import { attr } from '../onnx/attribute.ts'
import { buildNode } from '../onnx/build.ts'
import { lecunNormal, xavierUniform } from './initial-weights.ts'
import { linear } from './layers.ts'
import { ModelBuilder } from './model-builder.ts'
import { extent, seed, width } from './option-fields.ts'

export const gruForecasterSchema = z.strictObject({
  kind: z.literal('gru-forecaster'),
  windowSteps: extent().describe('Past steps that the model sees.'),
  features: width().default(1).describe('Numbers of each past step.'),
  hiddenWidth: width().default(32).describe('Of the recurrent state.'),
  horizonSteps: extent().default(1).describe('Steps ahead that it tells.'),
  quantiles: z
    .int()
    .min(1)
    .max(99)
    .optional()
    .describe('Quantiles of each step ahead, for the loss quantile; left out, one value a step.'),
  seed: seed(),
})

/**
 * A gated recurrent unit over a window of the past (Cho et al. 2014, equations 5 to 8; reset after the
 * product, as in cuDNN and PyTorch), and a linear layer from its last state to all steps ahead.
 * float32 [batch, windowSteps, features] → [batch, horizonSteps] or [batch, horizonSteps, quantiles].
 */
export function buildGruForecaster(options: z.output<typeof gruForecasterSchema>): Uint8Array {
  const { windowSteps, features, hiddenWidth, horizonSteps, quantiles, seed } = options
  const model = new ModelBuilder({ name: 'gru-forecaster', seed })
  const { graph } = model
  const window = model.input('window', [windowSteps, features])
  // Update, reset and candidate, one below the other.
  const rows = 3 * hiddenWidth
  const input = model.parameter('gru.input.weight', [1, rows, features], xavierUniform, {
    fanIn: features,
    fanOut: hiddenWidth,
  })
  const recurrent = model.parameter('gru.recurrent.weight', [1, rows, hiddenWidth], xavierUniform, {
    fanIn: hiddenWidth,
    fanOut: hiddenWidth,
  })
  const bias = model.parameter('gru.bias', [1, 2 * rows])
  const state = graph.unique('gru.state')
  graph.addNode(
    buildNode({
      opType: 'GRU',
      inputs: [graph.transpose(window, [1, 0, 2]), input, recurrent, bias],
      outputs: ['', state],
      attributes: [attr.int('hidden_size', hiddenWidth), attr.int('linear_before_reset', 1)],
      name: 'gru',
    }),
  )
  const last = graph.emit('Squeeze', [state, graph.ints([0])])
  const forecast = { name: 'forecast', initial: lecunNormal }
  if (quantiles === undefined) {
    return model.finish([linear(model, last, { ...forecast, size: horizonSteps })])
  }
  const size = horizonSteps * quantiles
  const flat = linear(model, last, { ...forecast, size, output: 'quantiles.flat' })
  const shape = graph.ints([-1, horizonSteps, quantiles])
  return model.finish([model.node('Reshape', [flat, shape], { output: 'forecast' })])
}
