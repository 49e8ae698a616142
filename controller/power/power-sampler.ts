import type { InferenceSession } from 'onnxruntime-node'
import { GainnetError } from '../../runtime/errors.ts'
import { fillStandardNormal, type Random } from '../../runtime/seeded-random.ts'
import { buildInferenceForm } from '../../training/forms/inference-form.ts'
import { readForwardModel } from '../../training/forward/forward-graph.ts'
import {
  buildChannelSampler,
  type ChannelDenoiserSizes,
} from '../../training/models/diffusion/channel-denoiser.ts'
import { floatOutput, type Ort, openOrtSession } from '../../training/trainer/ort-session.ts'
import { type ChannelRows, checkChannelRows } from './channel-gains.ts'
import { POWER_SCHEDULE } from './power-diffusion.ts'
import { powerConditions } from './power-pairs.ts'

export interface PowerSamplerOptions {
  readonly sizes: ChannelDenoiserSizes
  /** Of the denoiser, in the order of its file. */
  readonly parameters: Float32Array
  /** Passes through the network for one allocation. */
  readonly steps: number
  readonly hasCaps: boolean
}

/** Allocates power by denoising: all rows and all steps in one run of one graph. */
export class PowerSampler {
  readonly #ort: Ort
  readonly #ortSession: InferenceSession
  readonly #options: PowerSamplerOptions

  private constructor(ort: Ort, ortSession: InferenceSession, options: PowerSamplerOptions) {
    this.#ort = ort
    this.#ortSession = ortSession
    this.#options = options
  }

  static async open(ort: Ort, options: PowerSamplerOptions): Promise<PowerSampler> {
    const session = await openOrtSession(ort, powerSamplerFile(options))
    return new PowerSampler(ort, session, options)
  }

  /**
   * Shares of the budget for each channel and device, [rows, channels, size]: none below 0, and over
   * the channels a sum of 1 for each device. Conditions are [rows, channels, conditionSize].
   */
  async shares(
    conditions: Float32Array,
    o: { readonly noise: Float32Array; readonly caps?: Float32Array },
  ): Promise<Float32Array> {
    const { channels, size, conditionSize } = this.#options.sizes
    const rows = conditions.length / (channels * conditionSize)
    const tensor = (values: Float32Array, width: number) =>
      new this.#ort.Tensor('float32', values, [rows, channels, width])
    const ran = await this.#ortSession.run({
      noise: tensor(o.noise, size),
      condition: tensor(conditions, conditionSize),
      ...(o.caps ? { caps: tensor(o.caps, size) } : {}),
    })
    return floatOutput(ran, 'shares')
  }

  /**
   * Power of each channel, of one device a row. Feasible whatever the gains are: with a budget of 0 all
   * is 0, and what cannot be computed with is refused with DATA_INVALID.
   */
  async allocate(rows: ChannelRows, random: Random): Promise<Float64Array> {
    checkChannelRows(rows)
    const { channels } = this.#options.sizes
    if (rows.channels !== channels) {
      throw new GainnetError(
        'DATA_INVALID',
        `power allocation: this sampler is for ${channels} channels, not ${rows.channels}`,
      )
    }
    const { gains, budget } = rows
    if (budget === 0) return new Float64Array(gains.length)
    const caps = rows.caps && Float32Array.from(rows.caps, cap => Math.min(1, cap / budget))
    const noise = fillStandardNormal(new Float32Array(gains.length), random)
    const shares = await this.shares(powerConditions(rows), { noise, ...(caps ? { caps } : {}) })
    return toPowers(shares, rows)
  }

  async release(): Promise<void> {
    await this.#ortSession.release()
  }
}

/** The ONNX file of a sampler. */
export function powerSamplerFile(options: PowerSamplerOptions): Uint8Array {
  const { sizes, parameters, steps, hasCaps } = options
  const model = buildChannelSampler(sizes, { schedule: POWER_SCHEDULE, steps, hasCaps })
  return buildInferenceForm(model, {
    parameters: readForwardModel(model).parameters,
    values: parameters,
  })
}

/** In float64, where sums of float32 shares that round up would spend more than there is. */
function toPowers(shares: Float32Array, { channels, budget, caps }: ChannelRows): Float64Array {
  const powers = new Float64Array(shares.length)
  for (let from = 0; from < shares.length; from += channels) {
    let sum = 0
    for (let place = from; place < from + channels; place++) sum += shares[place] ?? 0
    const scale = sum > 1 || caps === undefined ? budget / sum : budget
    for (let place = from; place < from + channels; place++) {
      const power = scale * (shares[place] ?? 0)
      powers[place] = caps === undefined ? power : Math.min(power, caps[place] ?? 0)
    }
  }
  return powers
}
