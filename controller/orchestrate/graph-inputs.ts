import type { DataSketch, SensingFigures } from '../../protocol/urp.ts'
import type { CorrelationMemo } from './correlation-memo.ts'
import type { SlotPool } from './slot-pool.ts'
import type { SensingClass } from './workload.ts'

/** A histogram over bins that are the same on every device. */
export type BinCounts = Pick<DataSketch, 'counts'>

/** A sensor as models see it, with what is known beyond the figures of a URP. */
export interface GraphSensor
  extends Pick<SensingFigures, 'sensor' | 'bytesPerSecond' | 'dropShare' | 'resourceBlocks'> {
  /** What models ask for by `sensorKind`: of equal kind, equal samples. */
  readonly kind: string
  readonly samplesPerSecond: number
  /** How its samples come about, where that is not one snapshot a slot ready for use. */
  readonly sensingClass?: SensingClass
  /** Histogram of what this sensor sees, where sensors of a device see different things. */
  readonly sketch?: BinCounts
  /** Targets in its sensing area (VSD or WSD), where targets are told apart. */
  readonly targetIds?: readonly number[]
}

/** Bits of one resource block in one slot. */
export interface LinkRates {
  readonly downlinkBitsPerBlock: number
  readonly uplinkBitsPerBlock: number
}

/** A device as the graph is built from it. */
export interface GraphDevice {
  readonly agentId: string
  /** ρ_r: the pool of this CR less what the consumption of the GAI round before takes from it. */
  readonly pool: SlotPool
  /** Forecast of the pool of the next CR, in which samples sensed now are consumed. */
  readonly nextPool: SlotPool
  readonly sensors: readonly GraphSensor[]
  readonly sketch: BinCounts | undefined
  /**
   * Forecast for the next CR of the links to the edge servers in reach, by their names. Where it is
   * absent there is one link, with the rates of `nextPool`.
   */
  readonly links?: ReadonlyMap<string, LinkRates>
  /** Part of its workload that its records support; all of it where absent. */
  readonly credibility?: number
}

/** A domain-specific model as the graph is built from it. */
export interface GraphModel {
  readonly modelId: string
  /** A: what one unit of improvement is worth, in (0, 1]. */
  readonly value: number
  readonly downloadBits: number
  readonly uploadBits: number
  /** c_m: forward and backward, one sample, one epoch. */
  readonly flopsPerSample: number
  readonly localEpochs: number
  /** Samples that its versions so far were trained on, in all. */
  readonly absorbedSamples: number
  /** Learning curve as its own rounds show it; that of the gain parameters where absent. */
  readonly curve?: CurveParameters | undefined
  /** Kind of sensor whose samples it learns from. */
  readonly sensorKind: string
  /** Kinds beside it, for a model of several modalities: samples of each count. */
  readonly furtherSensorKinds?: readonly string[]
  readonly targetSketch: BinCounts
  /** Name of the edge server that hosts it, where there are several. */
  readonly link?: string
}

/** D₀ before anything was absorbed, and β of ℒ(D) = ℒ∞ + a·D^-β. */
export interface CurveParameters {
  readonly effectiveSamplesPrior: number
  readonly exponent: number
}

export interface GainParameters extends CurveParameters {
  readonly smoothing: number
  /** Whether what is matched in a decision counts as absorbed at once (decision 001); it does by default. */
  readonly countsMatched?: boolean
}

/**
 * Zeros: a GAI round senses in CR r and is consumed in CR r + 1, beside the sensing of the next one.
 * Serial: it senses and is consumed in one CR, one after the other.
 */
export type Schedule = 'zeros' | 'serial'

export interface GraphInputs {
  readonly crId: number
  /** Zeros where absent. A serial round takes both its parts from `nextPool`. */
  readonly schedule?: Schedule
  readonly devices: readonly GraphDevice[]
  readonly models: readonly GraphModel[]
  readonly gain: GainParameters
  /** Real over ideal computing of this model on this device, as far as it was measured. */
  readonly computeOverheadOf: (agentId: string, modelId: string) => number
  /** Usable slots of a CR, from its first, to which consumption is limited under a strict deadline. */
  readonly consumptionSlotsMax?: number
  /** Correlations of earlier decisions, which hold while the sketches are the same. */
  readonly correlations?: CorrelationMemo
}
