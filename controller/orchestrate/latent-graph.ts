import type { SlotRange } from '../../protocol/assignment.ts'
import type { DataSketch, SensingFigures } from '../../protocol/urp.ts'
import { dataCorrelation, effectiveSamplesOf, gaiGain } from './gai-gain.ts'
import { CONTROL_SLOTS, type SlotPool } from './slot-pool.ts'
import {
  achievableWorkload,
  type ConsumptionNeeds,
  sensingCapacity,
  sensingClassOf,
  trainingFlopsPerSample,
} from './workload.ts'

/** A device as the graph is built from it. */
export interface GraphDevice {
  readonly agentId: string
  /** ρ_r: the pool of this CR less what the consumption of the GAI round before takes from it. */
  readonly pool: SlotPool
  /** Forecast of the pool of the next CR, in which samples sensed now are consumed. */
  readonly nextPool: SlotPool
  readonly sensors: readonly SensingFigures[]
  readonly sketch: DataSketch | undefined
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
  /** Kind of sensor whose samples it learns from. */
  readonly sensorKind: string
  readonly targetSketch: DataSketch
}

export interface GainParameters {
  readonly effectiveSamplesPrior: number
  readonly exponent: number
  readonly smoothing: number
}

/** Vertex features of a device: its residual pool, as shares of a wholly free one. */
export interface DeviceVertex {
  readonly agentId: string
  readonly freeBlockShare: number
  readonly freeComputingShare: number
}

export interface ModelVertex {
  readonly modelId: string
  readonly value: number
  readonly payloadBits: number
  readonly flopsPerSample: number
  readonly effectiveSamples: number
}

/** A connectable pair with a workload of at least one sample, and its edge features. */
export interface GraphEdge {
  readonly agentId: string
  readonly modelId: string
  /** Indices into `devices` and `models` of the graph. */
  readonly device: number
  readonly model: number
  readonly gain: number
  /** D*, in samples. */
  readonly workload: number
  /** χ, in [0, 1]. */
  readonly correlation: number
  readonly limitedBy: 'sensing' | 'consumption'
  readonly sensingCapacity: number
  readonly consumptionCapacity: number
  readonly needs: ConsumptionNeeds
  readonly sensor: string
  readonly sensorSlots: SlotRange
}

export interface MissingEdge {
  readonly agentId: string
  readonly modelId: string
  readonly device: number
  readonly model: number
  readonly reason: string
}

/**
 * Latent relationships graph of one decision (GainNet, III-B, 𝒢 = (𝒱, ℰ)): vertices are devices
 * and domain-specific models, edges the pairs that can serve each other. Edges stand in the order
 * of the devices, then of the models.
 */
export interface LatentGraph {
  readonly crId: number
  readonly devices: readonly DeviceVertex[]
  readonly models: readonly ModelVertex[]
  readonly edges: readonly GraphEdge[]
  readonly missing: readonly MissingEdge[]
  /** β, with which the edges' gains were computed. */
  readonly exponent: number
}

export interface GraphInputs {
  readonly crId: number
  readonly devices: readonly GraphDevice[]
  readonly models: readonly GraphModel[]
  readonly gain: GainParameters
  /** Real over ideal computing of this model on this device, as far as it was measured. */
  readonly computeOverheadOf: (agentId: string, modelId: string) => number
}

export function buildLatentGraph(inputs: GraphInputs): LatentGraph {
  const { crId, devices, models } = inputs
  const edges: GraphEdge[] = []
  const missing: MissingEdge[] = []
  for (const device of devices.keys()) {
    for (const model of models.keys()) {
      const edge = edgeOf(inputs, device, model)
      if ('reason' in edge) missing.push(edge)
      else edges.push(edge)
    }
  }
  return {
    crId,
    devices: devices.map(deviceVertexOf),
    models: models.map(model => modelVertexOf(model, inputs.gain)),
    edges,
    missing,
    exponent: inputs.gain.exponent,
  }
}

function edgeOf(inputs: GraphInputs, device: number, model: number): GraphEdge | MissingEdge {
  const one = at(inputs.devices, device)
  const other = at(inputs.models, model)
  const ids = { agentId: one.agentId, modelId: other.modelId, device, model }
  const sensor = bestSensor(one, other.sensorKind)
  if (sensor === undefined) return { ...ids, reason: `no sensor of kind ${other.sensorKind}` }
  if (one.sketch === undefined) return { ...ids, reason: 'no sketch of its data was reported' }
  const needs = {
    downloadBits: other.downloadBits,
    uploadBits: other.uploadBits,
    flopsPerSample: trainingFlopsPerSample({
      ...other,
      computeOverhead: inputs.computeOverheadOf(one.agentId, other.modelId),
    }),
  }
  const result = achievableWorkload({
    sensingPool: one.pool,
    consumptionPool: one.nextPool,
    classes: [sensingClassOf(sensor, one.pool.slotSeconds)],
    needs,
  })
  if (!result.ok) return { ...ids, reason: result.reason }
  const { workload, limitedBy, sensingCapacity, consumptionCapacity } = result
  const correlation = dataCorrelation(one.sketch, other.targetSketch, inputs.gain.smoothing)
  const effectiveSamples = modelVertexOf(other, inputs.gain).effectiveSamples
  const { exponent } = inputs.gain
  return {
    ...ids,
    gain: gaiGain({ value: other.value, correlation, workload, effectiveSamples, exponent }),
    workload,
    correlation,
    limitedBy,
    sensingCapacity,
    consumptionCapacity,
    needs,
    sensor: sensor.sensor,
    sensorSlots: [CONTROL_SLOTS, one.pool.slots],
  }
}

/** The sensor of the kind that delivers most in this CR; ties go to the one reported first. */
function bestSensor({ sensors, pool }: GraphDevice, kind: string): SensingFigures | undefined {
  return sensors
    .filter(sensor => sensor.kind === kind)
    .map(sensor => ({
      sensor,
      samples: sensingCapacity(pool, [sensingClassOf(sensor, pool.slotSeconds)]),
    }))
    .sort((a, b) => b.samples - a.samples)[0]?.sensor
}

function deviceVertexOf({ agentId, pool }: GraphDevice): DeviceVertex {
  return {
    agentId,
    freeBlockShare: shareOf(pool.blocks, pool.blocksMax),
    freeComputingShare: shareOf(pool.flops, pool.flopsMax),
  }
}

function modelVertexOf(model: GraphModel, gain: GainParameters): ModelVertex {
  return {
    modelId: model.modelId,
    value: model.value,
    payloadBits: model.downloadBits + model.uploadBits,
    flopsPerSample: model.flopsPerSample,
    effectiveSamples: effectiveSamplesOf(gain.effectiveSamplesPrior, model.absorbedSamples),
  }
}

function shareOf(free: Float64Array, max: number): number {
  return max > 0 ? free.reduce((sum, value) => sum + value, 0) / max : 0
}

function at<T>(list: readonly T[], index: number): T {
  const value = list[index]
  if (value === undefined) throw new RangeError(`no entry ${index} of ${list.length}`)
  return value
}
