import { GainnetError } from '../../runtime/errors.ts'
import type { ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { buildNode } from '../onnx/build.ts'
import type { ModelBuilder } from './model-builder.ts'

/** Added to the scores of places that may not be seen: their share is 0 in float32. */
const UNSEEN = -1e9

/** Sizes that do not divide are told by name, before anything is built. */
export function checkHeads(sizes: {
  readonly width: number
  readonly heads: number
  readonly keyValueHeads?: number
  /** Rotary positions take the numbers of a head in pairs. */
  readonly isRotary?: boolean
}): void {
  const { width, heads, keyValueHeads = heads, isRotary = false } = sizes
  const isDivided = width % (isRotary ? 2 * heads : heads) === 0 && heads % keyValueHeads === 0
  if (isDivided) return
  throw new GainnetError(
    'MODEL_INVALID',
    `${heads} heads and ${keyValueHeads} of keys and values do not share a width of ${width}` +
      (isRotary ? ' in pairs' : ''),
    { width, heads, keyValueHeads },
  )
}

/**
 * Scaled dot-product attention in which each place sees itself and those before it (Vaswani et al.
 * 2017, equation 1 and section 3.2.3):
 *
 *   softmax(q · kᵀ / √size + mask) · v
 *
 * `query` is [batch, places, heads, size], `key` and `value` [batch, places, groups, size]: heads that
 * follow one another share the keys and values of a group (Ainslie et al. 2023). Their queries lie
 * one after the other, so that a group is one product. The result is [batch, places, heads · size].
 */
export function causalAttention(
  model: ModelBuilder,
  given: { readonly query: ValueName; readonly key: ValueName; readonly value: ValueName },
): ValueName {
  const { graph } = model
  const [places = 0, heads = 0, size = 0] = model.sampleShape(given.query)
  const [, groups = 0] = model.sampleShape(given.key)
  const rows = (heads / groups) * places
  const reshape = (x: ValueName, shape: readonly number[]) =>
    heads === groups ? x : model.reshape(x, shape)
  const scaled = graph.mul(given.query, graph.scalar(1 / Math.sqrt(size), given.query))
  const query = reshape(graph.transpose(scaled, [0, 2, 1, 3]), [groups, rows, size])
  const scores = graph.matMul(query, graph.transpose(given.key, [0, 2, 3, 1]))
  const seen = graph.add(reshape(scores, [heads, places, places]), causalMask(model, places))
  const shares = graph.emit('Softmax', [seen], [attr.int('axis', -1)])
  const value = graph.transpose(given.value, [0, 2, 1, 3])
  const mixed = graph.matMul(reshape(shares, [groups, rows, places]), value)
  const each = graph.transpose(reshape(mixed, [heads, places, size]), [0, 2, 1, 3])
  return model.reshape(each, [places, heads * size])
}

/** [places, places]: row q is 0 up to column q. */
function causalMask(model: ModelBuilder, places: number): ValueName {
  const values = Float32Array.from({ length: places * places }, (_, index) =>
    index % places > Math.floor(index / places) ? UNSEEN : 0,
  )
  return model.table([places, places], values)
}

/** The last axis cut into this many equal parts. */
export function splitLast(model: ModelBuilder, x: ValueName, count: number): readonly ValueName[] {
  const { graph } = model
  const size = (graph.shape(x).at(-1) ?? 0) / count
  const sizes = graph.ints(new Array<number>(count).fill(size))
  const outputs = Array.from({ length: count }, () => graph.unique('Split'))
  graph.addNode(
    buildNode({ opType: 'Split', inputs: [x, sizes], outputs, attributes: [attr.int('axis', -1)] }),
  )
  return outputs
}
