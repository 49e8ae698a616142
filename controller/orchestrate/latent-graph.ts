import type { SlotRange } from '../../protocol/assignment.ts'
import {
  buildDecisionStage,
  consumptionNeedsOf,
  type DecisionStage,
  linkRatesOf,
  PAIR_FAULTS,
  type PairFault,
  type SensingSet,
  serialSplitOf,
  slotArraysOf,
} from './decision-stage.ts'
import type { GraphDevice, GraphInputs, GraphModel } from './graph-inputs.ts'
import { gainOf, senseAll, workloadOf } from './horizon/transition.ts'
import type { SlotArrays } from './slot-kernels.ts'
import { CONTROL_SLOTS, type SlotPool } from './slot-pool.ts'
import { type ConsumptionNeeds, consumptionCapacity } from './workload.ts'

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
  /** Whether the device could reach the model and fetch and return it, had it samples for it. */
  readonly isConnectable: boolean
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
  /** β of models whose rounds have not shown theirs. */
  readonly exponent: number
  /** Gain and workload of pair device·M + model, 0 where there is no edge. */
  readonly gains: Float64Array
  readonly workloads: Float64Array
  /** The edge of a pair, or why there is none: `edges` and `missing` one by one. */
  readonly edgeOf: (device: number, model: number) => GraphEdge | null
  readonly missingOf: (device: number) => readonly MissingEdge[]
  /** The same decision in arrays, with what it does to the next. */
  readonly stage: DecisionStage
  /** ρ_r of all devices. */
  readonly pools: SlotArrays
}

export function buildLatentGraph(inputs: GraphInputs): LatentGraph {
  const stage = buildDecisionStage(inputs)
  const pools = slotArraysOf(
    inputs.devices.map(device => device.pool),
    stage.slots,
  )
  return graphOfStage(stage, pools)
}

/**
 * The graph of a stage whose devices have kept `pools` of this CR. Edges are written out only when
 * they are asked for: a large fleet has hundreds of thousands, of which a policy takes one a device.
 */
export function graphOfStage(stage: DecisionStage, pools: SlotArrays): LatentGraph {
  const { crId, devices, models } = stage.inputs
  const sensed = sensedByAll(stage, pools)
  const { gains, workloads } = weighPairs(stage, sensed)
  const setOf = (device: number, model: number): number =>
    device * stage.kindSets.length + at(stage.kindSetOf, model)
  const edge = (device: number, model: number): GraphEdge | null => {
    const isEdge = at(workloads, device * stage.modelCount + model) >= 1
    return isEdge ? edgeOf(stage, device, model, at(sensed, setOf(device, model))) : null
  }
  const missing = (device: number): MissingEdge[] =>
    [...models.keys()]
      .filter(model => at(workloads, device * stage.modelCount + model) < 1)
      .map(model => missingOf(stage, device, model))
  let edges: readonly GraphEdge[] | undefined
  let missingEdges: readonly MissingEdge[] | undefined
  return {
    crId,
    devices: devices.map((device, index) => deviceVertexOf(device, pools, index, stage.slots)),
    models: models.map((model, index) => modelVertexOf(stage, model, index)),
    get edges() {
      edges ??= [...devices.keys()].flatMap(device =>
        [...models.keys()].flatMap(model => edge(device, model) ?? []),
      )
      return edges
    },
    get missing() {
      missingEdges ??= [...devices.keys()].flatMap(missing)
      return missingEdges
    },
    exponent: stage.inputs.gain.exponent,
    gains,
    workloads,
    edgeOf: edge,
    missingOf: missing,
    stage,
    pools,
  }
}

/** G(ρ_r, m), device by device, for each set of kinds. */
function sensedByAll(stage: DecisionStage, pools: SlotArrays): Float64Array {
  const sets = stage.kindSets.length
  const sensed = new Float64Array(stage.deviceCount * sets)
  const pool = { ...pools, offset: 0 }
  for (let device = 0; device < stage.deviceCount; device++) {
    pool.offset = device * stage.slots
    senseAll(stage, device, pool, { sensed, offset: device * sets })
  }
  return sensed
}

function weighPairs(
  stage: DecisionStage,
  sensed: Float64Array,
): { readonly gains: Float64Array; readonly workloads: Float64Array } {
  const gains = new Float64Array(stage.fault.length)
  const workloads = new Float64Array(stage.fault.length)
  for (let device = 0; device < stage.deviceCount; device++) {
    const row = device * stage.modelCount
    for (let model = 0; model < stage.modelCount; model++) {
      const set = device * stage.kindSets.length + at(stage.kindSetOf, model)
      const workload = workloadOf(stage, row + model, at(sensed, set))
      if (workload < 1) continue
      workloads[row + model] = workload
      gains[row + model] = gainOf(stage, row + model, workload)
    }
  }
  return { gains, workloads }
}

function edgeOf(stage: DecisionStage, device: number, model: number, sensed: number): GraphEdge {
  const pair = device * stage.modelCount + model
  const capacity = at(stage.capacity, pair)
  const workload = workloadOf(stage, pair, sensed)
  const set = device * stage.kindSets.length + at(stage.kindSetOf, model)
  const { sensors } = stage.sensing[set] as SensingSet
  const { modelId, downloadBits, uploadBits } = stage.inputs.models[model] as GraphModel
  const serial = stage.sensingEnd === undefined ? null : serialSplitOf(stage, device, model)
  const [sensingCapacity, consumptionCapacity] = serial
    ? [serial.sensed, serial.capacity]
    : [sensed, capacity]
  return {
    agentId: (stage.inputs.devices[device] as GraphDevice).agentId,
    modelId,
    device,
    model,
    gain: at(stage.factor, pair) * (stage.curves[model]?.share(workload) ?? 0),
    workload,
    correlation: at(stage.correlation, pair),
    limitedBy: sensingCapacity <= consumptionCapacity ? 'sensing' : 'consumption',
    sensingCapacity,
    consumptionCapacity,
    needs: { downloadBits, uploadBits, flopsPerSample: at(stage.flopsPerSample, pair) },
    sensor: sensors[0]?.sensor ?? '',
    sensorSlots: [CONTROL_SLOTS, serial?.sensingEnd ?? stage.slots],
  }
}

function missingOf(stage: DecisionStage, device: number, model: number): MissingEdge {
  const fault = PAIR_FAULTS[stage.fault[device * stage.modelCount + model] ?? 0] ?? 'ok'
  return {
    agentId: (stage.inputs.devices[device] as GraphDevice).agentId,
    modelId: (stage.inputs.models[model] as GraphModel).modelId,
    device,
    model,
    isConnectable: fault === 'ok' || fault === 'computing' || fault === 'split',
    reason: reasonOf(stage, device, model, fault),
  }
}

function reasonOf(stage: DecisionStage, device: number, model: number, fault: PairFault): string {
  const { devices, models } = stage.inputs
  const { sensorKind, link } = models[model] as GraphModel
  if (fault === 'ok') return 'sensing delivers no whole sample in this CR'
  if (fault === 'split') return 'no slot is left to sense in before download, training and upload'
  if (fault === 'no-sensor') return `no sensor of kind ${sensorKind}`
  if (fault === 'no-sketch') return 'no sketch of its data was reported'
  const rates = linkRatesOf(stage.inputs, device, model)
  if (rates === undefined) return `no link to ${link ?? 'the edge server'}`
  const { nextPool } = devices[device] as GraphDevice
  const pool: SlotPool = {
    ...nextPool,
    ...rates,
    blocks: nextPool.blocks.slice(0, stage.slotsEnd),
    slots: stage.slotsEnd,
  }
  const consumption = consumptionCapacity(pool, consumptionNeedsOf(stage.inputs, device, model))
  return consumption.ok ? fault : consumption.reason
}

function deviceVertexOf(
  { agentId, pool }: GraphDevice,
  { blocks, flops }: SlotArrays,
  device: number,
  slots: number,
): DeviceVertex {
  return {
    agentId,
    freeBlockShare: shareOf(blocks, pool.blocksMax, device * slots, slots),
    freeComputingShare: shareOf(flops, pool.flopsMax, device * slots, slots),
  }
}

function modelVertexOf(stage: DecisionStage, model: GraphModel, index: number): ModelVertex {
  return {
    modelId: model.modelId,
    value: model.value,
    payloadBits: model.downloadBits + model.uploadBits,
    flopsPerSample: model.flopsPerSample,
    effectiveSamples: stage.curves[index]?.effectiveSamples ?? 0,
  }
}

function shareOf(free: Float64Array, max: number, from: number, slots: number): number {
  if (!(max > 0)) return 0
  let sum = 0
  for (let slot = from; slot < from + slots; slot++) sum += at(free, slot)
  return sum / max
}

function at(values: Float64Array | Int32Array, index: number): number {
  const value = values[index]
  if (value === undefined) throw new RangeError(`no entry ${index} of ${values.length}`)
  return value
}
