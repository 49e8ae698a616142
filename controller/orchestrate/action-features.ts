import type { DecisionStage } from './decision-stage.ts'
import { IDLE, poolAfter, senseAll } from './horizon/transition.ts'
import { type SlotArrays, sumOver } from './slot-kernels.ts'

/**
 * What is told of one action of one device, in this order. Everything is a share, a gain or a
 * logarithm, so that fleets of any size and any hardware lie in the same range. Idling has a row of
 * its own, with zeros for what belongs to a model.
 */
export const ACTION_FEATURES = [
  /** 1 for a model, 0 for idling. */
  'associates',
  /** 5·g */
  'gain',
  /** ln(1 + D/D₀) and ln(1 + G/D₀), D₀ the samples that the prior is worth. */
  'workload',
  'sensed',
  /** χ */
  'correlation',
  /** Blocks of download and upload, and computing of D₀ samples, as shares of a free CR. */
  'payload-share',
  'computing-share',
  /** A */
  'value',
  /** Whether the model learns from a sensor that takes no blocks, and from one that does. */
  'passive-sensing',
  'active-sensing',
  /** What the action leaves of the next pool. */
  'blocks-after',
  'computing-after',
  /** ln(1 + G/D₀) of the next round, as things are seen now, by kind of sensing. */
  'next-passive',
  'next-active',
  'next-both',
  /** Rounds that follow, as a share of all. */
  'rounds-left',
  /** ρ_r */
  'blocks-now',
  'computing-now',
  /** 5·(what the rounds after it gain, less what they gain after idling): the price of the action. */
  'look-ahead',
] as const

/** Of gains among features. */
export const GAIN_SCALE = 5

/** One action of a device. */
export interface Action {
  /** IDLE, or the model. */
  readonly model: number
  /** g and D*; 0 for idling. */
  readonly gain: number
  readonly workload: number
  /** What the rounds after it gain, less what they gain after idling. */
  readonly lookAhead: number
}

export interface ActionFeaturesOptions {
  /** This round among them. */
  readonly roundsLeft: number
  readonly roundsInAll: number
}

/** Sets of kinds by whether their sensors take blocks: passive, active, both. */
const PASSIVE = 0
const ACTIVE = 1
const BOTH = 2

/** Writes what a learned policy sees of actions, from the pools ρ_r on; the same for real URPs. */
export class ActionFeatures {
  readonly #stage: DecisionStage
  readonly #pools: SlotArrays
  readonly #roundsAfter: number
  readonly #prior: number
  readonly #next: Float64Array
  readonly #residual: { blocks: Float64Array; flops: Float64Array; offset: number }
  #features: Float32Array = new Float32Array()
  /** Where the next feature goes. */
  #at = 0
  /** By kind of sensing, the most that the next round could sense. */
  readonly #nextByKind = new Float64Array(3)

  constructor(stage: DecisionStage, pools: SlotArrays, o: ActionFeaturesOptions) {
    this.#stage = stage
    this.#pools = pools
    this.#roundsAfter = (o.roundsLeft - 1) / o.roundsInAll
    this.#prior = stage.inputs.gain.effectiveSamplesPrior
    this.#next = new Float64Array(stage.kindSets.length)
    const empty = (): Float64Array => new Float64Array(stage.slots)
    this.#residual = { blocks: empty(), flops: empty(), offset: 0 }
  }

  /** `sensed`: G(ρ_r, m) of the device by set of kinds. */
  write(
    device: number,
    action: Action,
    o: {
      readonly sensed: Float64Array
      readonly features: Float32Array
      readonly offset: number
    },
  ): void {
    const { model, lookAhead } = action
    poolAfter(this.#stage, device, action, this.#residual)
    this.#senseNext(device)
    this.#features = o.features
    this.#at = o.offset
    if (model === IDLE) this.#at += MODEL_FEATURES
    else this.#writeModel(device, action, o.sensed[this.#stage.kindSetOf[model] ?? 0] ?? 0)
    this.#writePools(device)
    this.#write(GAIN_SCALE * lookAhead)
  }

  #write(value: number): void {
    this.#features[this.#at++] = value
  }

  #writeModel(device: number, { model, gain, workload }: Action, sensed: number): void {
    const stage = this.#stage
    const pair = device * stage.modelCount + model
    const kind = this.#kindOf(device, stage.kindSetOf[model] ?? 0)
    const pool = stage.inputs.devices[device]?.nextPool
    const blocks = (stage.downloadBlocks[pair] ?? 0) + (stage.uploadBlocks[pair] ?? 0)
    const flops = (stage.flopsPerSample[pair] ?? 0) * this.#prior
    this.#write(1)
    this.#write(GAIN_SCALE * gain)
    this.#write(this.#logOf(workload))
    this.#write(this.#logOf(sensed))
    this.#write(stage.correlation[pair] ?? 0)
    this.#write(shareOf(blocks, pool?.blocksMax))
    this.#write(shareOf(flops, pool?.flopsMax))
    this.#write(stage.inputs.models[model]?.value ?? 0)
    this.#write(kind === ACTIVE ? 0 : 1)
    this.#write(kind === PASSIVE ? 0 : 1)
  }

  /** What is left afterwards, and what there is now. */
  #writePools(device: number): void {
    const { slots, inputs } = this.#stage
    const { pool, nextPool } = inputs.devices[device] ?? {}
    const from = device * slots
    this.#write(shareOf(sumOver(this.#residual.blocks, 0, slots), nextPool?.blocksMax))
    this.#write(shareOf(sumOver(this.#residual.flops, 0, slots), nextPool?.flopsMax))
    for (let kind = 0; kind < 3; kind++) this.#write(this.#logOf(this.#nextByKind[kind] ?? 0))
    this.#write(this.#roundsAfter)
    this.#write(shareOf(sumOver(this.#pools.blocks, from, from + slots), pool?.blocksMax))
    this.#write(shareOf(sumOver(this.#pools.flops, from, from + slots), pool?.flopsMax))
  }

  #senseNext(device: number): void {
    senseAll(this.#stage, device, this.#residual, { sensed: this.#next })
    this.#nextByKind.fill(0)
    for (let set = 0; set < this.#next.length; set++) {
      const sensed = this.#next[set] ?? 0
      const kind = this.#kindOf(device, set)
      this.#nextByKind[kind] = Math.max(this.#nextByKind[kind] ?? 0, sensed)
    }
  }

  #kindOf(device: number, set: number): number {
    const classes = this.#stage.sensing[device * this.#stage.kindSets.length + set]?.classes ?? []
    let active = 0
    for (const one of classes) if (one.blocksPerSnapshot > 0) active++
    if (active === 0) return PASSIVE
    return active === classes.length ? ACTIVE : BOTH
  }

  #logOf(samples: number): number {
    return Math.log1p(samples / this.#prior)
  }
}

/** associates … active-sensing: what an idle row leaves at zero. */
const MODEL_FEATURES = ACTION_FEATURES.indexOf('blocks-after')

function shareOf(amount: number, whole: number | undefined): number {
  return whole !== undefined && whole > 0 ? amount / whole : 0
}
