import { z } from 'zod'
import type { ValueName } from '../../graph/graph-emitter.ts'
import { attr } from '../../onnx/attribute.ts'
import { ELEMENT } from '../../onnx/element-type.ts'
import { activate, linear } from '../layers.ts'
import type { ModelBuilder } from '../model-builder.ts'

/** What every denoiser is told beside the sample. */
export const contextOptions = {
  conditionSize: z
    .int()
    .min(0)
    .max(8192)
    .default(0)
    .describe('Numbers of what a sample is generated for: channel gains, say; 0 for nothing.'),
  /** Half of them sines, half of them cosines. */
  timeSize: z
    .int()
    .min(2)
    .max(1024)
    .refine(size => size % 2 === 0, 'is odd: a sine goes with each cosine')
    .default(64)
    .describe('Sines and cosines that stand for a step.'),
}

/** The longest wave is this long, in steps over 2π (Vaswani et al. 2017, section 3.5). */
const PERIOD_MAX = 10_000

/**
 * Step and condition as one vector, [batch, size], from the inputs `t` and, where there is one,
 * `condition`: each through two layers (for the step Ho et al. 2020, appendix B).
 */
export function embedContext(
  model: ModelBuilder,
  options: { readonly size: number; readonly timeSize: number; readonly conditionSize: number },
): ValueName {
  const { size, timeSize, conditionSize } = options
  const t = model.input('t', [], ELEMENT.int32)
  const step = twoLayers(model, embedStep(model, t, timeSize), { name: 'time', size })
  if (conditionSize === 0) return step
  const condition = model.input('condition', [conditionSize])
  return model.graph.add(step, twoLayers(model, condition, { name: 'condition', size }))
}

/**
 * Sines and cosines of waves from short to long (Vaswani et al. 2017, section 3.5).
 *
 *   sin(t · ωᵢ), cos(t · ωᵢ)      ωᵢ = 10000^(−i / (timeSize / 2))
 */
export function embedStep(model: ModelBuilder, t: ValueName, timeSize: number): ValueName {
  const { graph } = model
  const half = timeSize / 2
  const frequencies = Array.from({ length: half }, (_, index) => PERIOD_MAX ** (-index / half))
  const time = graph.emit('Unsqueeze', [graph.cast(t, ELEMENT.float), graph.ints([1])])
  const phases = graph.mul(time, model.table([1, half], frequencies))
  const waves = [graph.emit('Sin', [phases]), graph.emit('Cos', [phases])]
  return graph.emit('Concat', waves, [attr.int('axis', 1)])
}

function twoLayers(
  model: ModelBuilder,
  x: ValueName,
  { name, size }: { readonly name: string; readonly size: number },
): ValueName {
  const hidden = activate(model, linear(model, x, { name: `${name}.0`, size }), 'silu')
  return linear(model, hidden, { name: `${name}.1`, size })
}
