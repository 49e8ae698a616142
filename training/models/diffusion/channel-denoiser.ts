import type { ValueName } from '../../graph/graph-emitter.ts'
import { attr } from '../../onnx/attribute.ts'
import { buildNode } from '../../onnx/build.ts'
import { ELEMENT } from '../../onnx/element-type.ts'
import { type ChannelNetwork, channelNetwork, swapChannels } from '../channel-network.ts'
import { ModelBuilder } from '../model-builder.ts'
import { embedStep } from './context.ts'
import type { NoiseSchedule } from './noise-schedule.ts'

/** Of a denoiser that sees channels one by one and their mean. */
export interface ChannelDenoiserSizes {
  readonly channels: number
  /** Numbers of a channel that are generated: one for each device that uses it. */
  readonly size: number
  /** Numbers that a channel's are generated for: its gains. */
  readonly conditionSize: number
  readonly hidden: number
  readonly layers: number
  readonly seed: number
}

/** Sines and cosines that stand for a step: of few steps few waves tell enough. */
const TIME_SIZE = 8

/**
 * Foresees the sample in a noised one, channel by channel (the x₀ form of Ho et al. 2020, section 3.2):
 * trained on `noisedSamples` with the target `sample` by the mean squared error.
 *
 * ONNX: `x` float32 [batch, channels, size], `t` int32 [batch], `condition` float32 [batch, channels,
 * conditionSize] → `sample` like x.
 */
export function buildChannelDenoiser(sizes: ChannelDenoiserSizes): Uint8Array {
  const model = new ModelBuilder({ name: 'channel-denoiser', seed: sizes.seed })
  const { channels, size, conditionSize } = sizes
  const x = swapChannels(model, model.input('x', [channels, size]))
  const t = model.input('t', [], ELEMENT.int32)
  const condition = swapChannels(model, model.input('condition', [channels, conditionSize]))
  const foreseen = foresee(model, networkOf(model, sizes), { x, t, condition })
  const sample = swapChannels(model, foreseen)
  return model.finish([model.node('Identity', [sample], { output: 'sample' })])
}

export interface ChannelSamplerOptions {
  readonly schedule: NoiseSchedule
  /** Passes through the network; no more than the schedule has steps. */
  readonly steps: number
  /** Whether each share has a cap, an input then. */
  readonly hasCaps: boolean
}

/**
 * The whole way from noise to shares as one graph of the same parameters, as many passes as asked for
 * (DDIM, Song et al. 2021, equation 12 with σ = 0), from step s to step r of the schedule:
 *
 *   x̂₀ = clip(f(x, s, condition), 0, channels)
 *   x ← √ᾱᵣ · x̂₀ + √((1 − ᾱᵣ) / (1 − ᾱₛ)) · (x − √ᾱₛ · x̂₀)
 *
 * A sample is `channels · share`: 1 is the even share. The shares of each of the `size` devices sum to 1
 * over the channels and none is below 0, whatever the network says; with caps none is above its own,
 * and they sum to 1 where the caps hold that much.
 *
 * ONNX: `noise` float32 [batch, channels, size], `condition` float32 [batch, channels, conditionSize],
 * and with caps `caps` like noise → `shares` like noise.
 */
export function buildChannelSampler(
  sizes: ChannelDenoiserSizes,
  { schedule, steps, hasCaps }: ChannelSamplerOptions,
): Uint8Array {
  const model = new ModelBuilder({ name: 'channel-sampler', seed: sizes.seed })
  const { channels, size, conditionSize } = sizes
  const { graph } = model
  let x = swapChannels(model, model.input('noise', [channels, size]))
  const condition = swapChannels(model, model.input('condition', [channels, conditionSize]))
  const network = networkOf(model, sizes)
  const places = stepsDown(schedule.steps, steps)
  for (const [place, step] of places.entries()) {
    const t = graph.constant(ELEMENT.int32, [1], [step])
    const foreseen = foresee(model, network, { x, t, condition })
    const bounds = [WEIGHT_MIN, channels].map(bound => graph.scalar(bound, foreseen))
    const sample = graph.emit('Clip', [foreseen, ...bounds])
    const next = places[place + 1]
    x = next === undefined ? sample : stepDown(model, { x, sample, schedule, step, next })
  }
  const shares = hasCaps
    ? fillShares(model, swapChannels(model, x), model.input('caps', [channels, size]))
    : swapChannels(model, graph.div(x, graph.sum(x, [0])))
  return model.finish([model.node('Identity', [shares], { output: 'shares' })])
}

/** Weights that are all 0 would give no shares: so little never shows. */
const WEIGHT_MIN = 1e-6

function networkOf(
  model: ModelBuilder,
  { size, conditionSize, hidden, layers }: ChannelDenoiserSizes,
): ChannelNetwork {
  const features = size + conditionSize
  return channelNetwork(model, { features, outputs: size, hidden, layers, told: TIME_SIZE })
}

function foresee(
  model: ModelBuilder,
  network: ChannelNetwork,
  { x, t, condition }: Readonly<Record<'x' | 't' | 'condition', ValueName>>,
): ValueName {
  const features = model.graph.emit('Concat', [x, condition], [attr.int('axis', 2)])
  return network(features, embedStep(model, t, TIME_SIZE))
}

/** From the last step of the schedule to the first, evenly, the first among them where there are two. */
export function stepsDown(scheduled: number, steps: number): readonly number[] {
  if (!Number.isInteger(steps) || steps < 1 || steps > scheduled) {
    throw new RangeError(`${steps} steps of a schedule of ${scheduled}`)
  }
  if (steps === 1) return [scheduled - 1]
  return Array.from({ length: steps }, (_, place) =>
    Math.round(((scheduled - 1) * (steps - 1 - place)) / (steps - 1)),
  )
}

function stepDown(
  { graph }: ModelBuilder,
  o: {
    readonly x: ValueName
    readonly sample: ValueName
    readonly schedule: NoiseSchedule
    readonly step: number
    readonly next: number
  },
): ValueName {
  const share = o.schedule.signalShares[o.step] ?? 0
  const nextShare = o.schedule.signalShares[o.next] ?? 0
  const ofNow = Math.sqrt((1 - nextShare) / (1 - share))
  const ofSample = Math.sqrt(nextShare) - ofNow * Math.sqrt(share)
  return graph.add(
    graph.mul(o.sample, graph.scalar(ofSample, o.sample)),
    graph.mul(o.x, graph.scalar(ofNow, o.x)),
  )
}

/**
 * min(cap, λ · weight) with a sum of 1. The sum is concave and piecewise linear in λ, so that it lies
 * below each of its pieces, and the λ asked for is the greatest of those at which a piece reaches 1.
 * The pieces follow each other as the channels reach their caps, by rising cap / weight:
 *
 *   λₖ = (1 − Σ of the k caps reached first) / (Σ of the other weights)
 */
function fillShares(model: ModelBuilder, weights: ValueName, caps: ValueName): ValueName {
  const { graph } = model
  const [channels = 0] = model.sampleShape(weights)
  const ratios = graph.div(caps, weights)
  const [sorted, order] = [graph.unique('ratios'), graph.unique('order')]
  graph.addNode(
    buildNode({
      opType: 'TopK',
      inputs: [ratios, graph.ints([channels])],
      outputs: [sorted, order],
      attributes: [attr.int('axis', 1), attr.int('largest', 0)],
    }),
  )
  const [cap = '', weight = ''] = [caps, weights].map(x =>
    graph.emit('GatherElements', [x, order], [attr.int('axis', 1)]),
  )
  const axis = graph.constant(ELEMENT.int64, [], [1])
  const capsBefore = graph.emit('CumSum', [cap, axis], [attr.int('exclusive', 1)])
  // Summed from the end: as a difference of sums it would be rounding alone where little is left.
  const weightsFrom = graph.emit('CumSum', [weight, axis], [attr.int('reverse', 1)])
  const factors = graph.div(graph.sub(graph.scalar(1, cap), capsBefore), weightsFrom)
  const factor = graph.emit('ReduceMax', [factors, graph.ints([1])], [attr.int('keepdims', 1)])
  // Caps that hold less than 1 may end with a factor below 0.
  return graph.emit('Min', [caps, graph.mul(weights, graph.emit('Relu', [factor]))])
}
