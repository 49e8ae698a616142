import { type CorrelationMemo, CorrelationRow } from './correlation-memo.ts'
import { correlationOf, effectiveSamplesOf, smoothedShares } from './gai-gain.ts'
import type {
  BinCounts,
  GraphDevice,
  GraphInputs,
  GraphModel,
  GraphSensor,
  LinkRates,
} from './graph-inputs.ts'
import { LearningCurve } from './learning-curve.ts'
import { bestSerialSplit, type SerialNeeds, type SerialSplit } from './serial-split.ts'
import {
  blocksFor,
  downloadEnd,
  type SlotArrays,
  type Stretch,
  sumOver,
  uploadStart,
  wholeSamples,
} from './slot-kernels.ts'
import { CONTROL_SLOTS, type SlotPool } from './slot-pool.ts'
import {
  type ConsumptionNeeds,
  cheapestFirst,
  type SensingClass,
  sensingCapacity,
  sensingClassOf,
  trainingFlopsPerSample,
} from './workload.ts'

/** Why a pair has no edge; 'ok' where it depends on sensing alone. */
export const PAIR_FAULTS = [
  'ok',
  'no-sensor',
  'no-sketch',
  'no-link',
  'download',
  'upload',
  'window',
  'computing',
  'split',
] as const
export type PairFault = (typeof PAIR_FAULTS)[number]

/** What a device can sense with for a model: one class a kind of sensor. */
export interface SensingSet {
  readonly sensors: readonly GraphSensor[]
  /** The cheapest to pre-process first. */
  readonly classes: readonly SensingClass[]
  readonly sketch: BinCounts | undefined
}

/**
 * GAI round r for every pair, without the residual pools ρ_r: all that a choice in r depends on and
 * all that it does to r + 1. Pairs stand device by device: pair p = device·M + model. The gain of a
 * pair is factor · φ(min(G(ρ_r), capacity)), its effect on ρ_{r+1} the canonical cells taken from
 * `fresh`. Many rounds of many devices are computed on these arrays; `latent-graph.ts` shows one
 * decision of them to people and policies.
 */
export interface DecisionStage {
  readonly inputs: GraphInputs
  readonly deviceCount: number
  readonly modelCount: number
  readonly slots: number
  /** Slot up to which consumption may reach. */
  readonly slotsEnd: number
  /** URP_{r+1} of all devices, in which round r is consumed. */
  readonly fresh: SlotArrays
  /** Kinds of sensors that models use, each once: 'camera', 'camera+isac' … */
  readonly kindSets: readonly string[]
  readonly kindSetOf: Int32Array
  /** Device by device, a set for each of `kindSets`; null where a sensor is missing. */
  readonly sensing: readonly (SensingSet | null)[]
  /** Index into PAIR_FAULTS. */
  readonly fault: Uint8Array
  /** χ */
  readonly correlation: Float64Array
  /** A·χ */
  readonly factor: Float64Array
  /** C(m, URP_{r+1}) */
  readonly capacity: Float64Array
  readonly flopsPerSample: Float64Array
  readonly computeFrom: Int32Array
  readonly computeTo: Int32Array
  readonly downloadBlocks: Float64Array
  readonly uploadBlocks: Float64Array
  readonly curves: readonly LearningCurve[]
  /** By pair, the slot in which sensing ends in a serial round; absent in Zeros. */
  readonly sensingEnd?: Int32Array
  /** By device; absent where all are believed. */
  readonly credibility?: Float64Array
}

export function buildDecisionStage(inputs: GraphInputs): DecisionStage {
  const { devices, models } = inputs
  const pairs = devices.length * models.length
  const slots = devices[0]?.nextPool.slots ?? 0
  const kindSets = [...new Set(models.map(kindsOf))]
  const stage: DecisionStage = {
    inputs,
    deviceCount: devices.length,
    modelCount: models.length,
    slots,
    slotsEnd: Math.min(slots, CONTROL_SLOTS + (inputs.consumptionSlotsMax ?? slots)),
    fresh: slotArraysOf(
      devices.map(device => device.nextPool),
      slots,
    ),
    kindSets,
    kindSetOf: Int32Array.from(models, model => kindSets.indexOf(kindsOf(model))),
    sensing: devices.flatMap(device => kindSets.map(kinds => sensingSetOf(device, kinds))),
    fault: new Uint8Array(pairs),
    correlation: new Float64Array(pairs),
    factor: new Float64Array(pairs),
    capacity: new Float64Array(pairs),
    flopsPerSample: new Float64Array(pairs),
    computeFrom: new Int32Array(pairs),
    computeTo: new Int32Array(pairs),
    downloadBlocks: new Float64Array(pairs),
    uploadBlocks: new Float64Array(pairs),
    curves: curvesOf(inputs),
    ...(inputs.schedule === 'serial' ? { sensingEnd: new Int32Array(pairs) } : {}),
    ...credibilityOf(devices),
  }
  fillPairs(stage)
  return stage
}

function credibilityOf(devices: readonly GraphDevice[]): Pick<DecisionStage, 'credibility'> {
  if (devices.every(({ credibility = 1 }) => credibility >= 1)) return {}
  return { credibility: Float64Array.from(devices, ({ credibility = 1 }) => credibility) }
}

/** Pools in one array. What is no number or negative offers nothing. */
export function slotArraysOf(pools: readonly SlotPool[], slots: number): SlotArrays {
  const arrays = {
    blocks: new Float64Array(pools.length * slots),
    flops: new Float64Array(pools.length * slots),
  }
  for (const [device, pool] of pools.entries()) {
    for (let slot = CONTROL_SLOTS; slot < slots; slot++) {
      arrays.blocks[device * slots + slot] = atLeast0(pool.blocks[slot])
      arrays.flops[device * slots + slot] = atLeast0(pool.flops[slot])
    }
  }
  return arrays
}

function atLeast0(value: number | undefined): number {
  return value !== undefined && value > 0 ? value : 0
}

function kindsOf({ sensorKind, furtherSensorKinds = [] }: GraphModel): string {
  return [sensorKind, ...furtherSensorKinds].join('+')
}

/** Models that have absorbed the same share one curve, and what it has computed. */
function curvesOf({ models, gain }: GraphInputs): LearningCurve[] {
  const known = new Map<string, LearningCurve>()
  return models.map(({ absorbedSamples, curve: own = gain }) => {
    const { effectiveSamplesPrior, exponent } = own
    const samples = effectiveSamplesOf(effectiveSamplesPrior, absorbedSamples)
    const key = `${samples} ${exponent}`
    const curve = known.get(key) ?? new LearningCurve(samples, exponent)
    known.set(key, curve)
    return curve
  })
}

function sensingSetOf(device: GraphDevice, kinds: string): SensingSet | null {
  const sensors = kinds.split('+').map(kind => bestSensor(device, kind))
  const found = sensors.filter(sensor => sensor !== undefined)
  if (found.length < sensors.length) return null
  const { slotSeconds } = device.pool
  return {
    sensors: found,
    classes: cheapestFirst(found.map(sensor => classOf(sensor, slotSeconds))),
    sketch: jointSketch(found) ?? device.sketch,
  }
}

function classOf(sensor: GraphSensor, slotSeconds: number): SensingClass {
  return sensor.sensingClass ?? sensingClassOf(sensor, slotSeconds)
}

/** The sensor of the kind that delivers most in this CR; ties go to the one reported first. */
function bestSensor({ sensors, pool }: GraphDevice, kind: string): GraphSensor | undefined {
  const ofKind = sensors.filter(sensor => sensor.kind === kind)
  if (ofKind.length < 2) return ofKind[0]
  return ofKind
    .map(sensor => ({
      sensor,
      samples: sensingCapacity(pool, [classOf(sensor, pool.slotSeconds)]),
    }))
    .sort((a, b) => b.samples - a.samples)[0]?.sensor
}

/** What several sensors see together, where each says what it sees. */
function jointSketch(sensors: readonly GraphSensor[]): BinCounts | undefined {
  const [first, ...others] = sensors.map(sensor => sensor.sketch)
  if (first === undefined) return undefined
  return others.reduce<BinCounts | undefined>(
    (sum, one) => sum && one && { counts: sum.counts.map((n, bin) => n + (one.counts[bin] ?? 0)) },
    first,
  )
}

function fillPairs(stage: DecisionStage): void {
  const { devices, models, gain, correlations } = stage.inputs
  const targets = models.map(model => smoothedShares(model.targetSketch.counts, gain.smoothing))
  for (const [device, { agentId }] of devices.entries()) {
    const rows = stage.kindSets.map((kinds, set) => {
      const sketch = stage.sensing[device * stage.kindSets.length + set]?.sketch
      return sketch && rowOf(correlations, `${agentId} ${kinds}`, sketch.counts)
    })
    for (let model = 0; model < models.length; model++) {
      const pair = device * stage.modelCount + model
      const row = rows[stage.kindSetOf[model] ?? 0]
      const fault = fillPair(stage, device, model)
      const isBlind = row?.counts.length !== targets[model]?.length
      const worse = isBlind && fault !== 'no-sensor' ? 'no-sketch' : fault
      stage.fault[pair] = PAIR_FAULTS.indexOf(worse)
      if (stage.fault[pair] !== 0 || row === undefined) continue
      const correlation = correlationIn(row, stage.inputs, model, targets[model] ?? [])
      stage.correlation[pair] = correlation
      stage.factor[pair] = (models[model] as GraphModel).value * correlation
    }
  }
}

/** χ as it was kept, or computed and kept. */
function correlationIn(
  row: CorrelationRow,
  { models, gain }: GraphInputs,
  model: number,
  target: readonly number[],
): number {
  const { modelId, targetSketch } = models[model] as GraphModel
  const { counts } = targetSketch
  const known = row.known(model, modelId, counts)
  if (known !== undefined) return known
  // A sketch that holds what is no number tells nothing.
  const correlation = correlationOf(row.shares(gain.smoothing), target) || 0
  row.keep(model, { modelId, counts, correlation })
  return correlation
}

function rowOf(
  memo: CorrelationMemo | undefined,
  key: string,
  counts: readonly number[],
): CorrelationRow {
  return memo?.rowOf(key, counts) ?? new CorrelationRow(counts, () => undefined)
}

/** Window and capacity of a pair; all but its correlation. */
function fillPair(stage: DecisionStage, device: number, model: number): PairFault {
  const pair = device * stage.modelCount + model
  const { fresh, slots, slotsEnd, kindSets } = stage
  const needs = consumptionNeedsOf(stage.inputs, device, model)
  stage.flopsPerSample[pair] = needs.flopsPerSample
  if (!stage.sensing[device * kindSets.length + (stage.kindSetOf[model] ?? 0)]) return 'no-sensor'
  const rates = linkRatesOf(stage.inputs, device, model)
  if (rates === undefined) return 'no-link'
  const download = blocksFor(needs.downloadBits, rates.downlinkBitsPerBlock)
  const upload = blocksFor(needs.uploadBits, rates.uplinkBitsPerBlock)
  const span = { offset: device * slots, from: CONTROL_SLOTS, to: slotsEnd }
  const from = downloadEnd(fresh.blocks, span, download)
  if (from < 0) return 'download'
  const to = uploadStart(fresh.blocks, span, upload)
  if (to < 0) return 'upload'
  if (from >= to) return 'window'
  stage.downloadBlocks[pair] = download
  stage.uploadBlocks[pair] = upload
  stage.computeFrom[pair] = from
  stage.computeTo[pair] = to
  const flops = sumOver(fresh.flops, span.offset + from, span.offset + to)
  stage.capacity[pair] = wholeSamples(flops / needs.flopsPerSample)
  if ((stage.capacity[pair] ?? 0) < 1) return 'computing'
  return stage.sensingEnd === undefined ? 'ok' : splitPair(stage, device, model, stage.sensingEnd)
}

/** A serial round: what it can sense and consume in the parts of one CR is its capacity. */
function splitPair(
  stage: DecisionStage,
  device: number,
  model: number,
  sensingEnd: Int32Array,
): PairFault {
  const pair = device * stage.modelCount + model
  const split = serialSplitOf(stage, device, model)
  if (split === null) return 'split'
  sensingEnd[pair] = split.sensingEnd
  stage.computeFrom[pair] = split.computeFrom
  stage.computeTo[pair] = split.computeTo
  stage.capacity[pair] = split.workload
  return 'ok'
}

/** Another pool or other needs than those of the stage tell what they would bring. */
export function serialSplitOf(
  stage: DecisionStage,
  device: number,
  model: number,
  o: { readonly pool?: Stretch; readonly needs?: Partial<SerialNeeds> } = {},
): SerialSplit | null {
  const pair = device * stage.modelCount + model
  const set = device * stage.kindSets.length + (stage.kindSetOf[model] ?? 0)
  return bestSerialSplit(o.pool ?? { ...stage.fresh, offset: device * stage.slots }, {
    slotsEnd: stage.slotsEnd,
    classes: stage.sensing[set]?.classes ?? [],
    downloadBlocks: stage.downloadBlocks[pair] ?? 0,
    uploadBlocks: stage.uploadBlocks[pair] ?? 0,
    flopsPerSample: stage.flopsPerSample[pair] ?? Number.POSITIVE_INFINITY,
    ...o.needs,
  })
}

/** What consuming one round of a pair takes of CR r + 1. */
export function consumptionNeedsOf(
  inputs: GraphInputs,
  device: number,
  modelIndex: number,
): ConsumptionNeeds {
  const { agentId } = inputs.devices[device] as GraphDevice
  const model = inputs.models[modelIndex] as GraphModel
  return {
    downloadBits: model.downloadBits,
    uploadBits: model.uploadBits,
    flopsPerSample: trainingFlopsPerSample({
      flopsPerSample: model.flopsPerSample,
      localEpochs: model.localEpochs,
      computeOverhead: inputs.computeOverheadOf(agentId, model.modelId),
    }),
  }
}

/** Rates to the model's edge server; undefined where it is out of reach or carries nothing. */
export function linkRatesOf(
  { devices, models }: GraphInputs,
  device: number,
  model: number,
): LinkRates | undefined {
  const { links, nextPool } = devices[device] as GraphDevice
  const { link } = models[model] as GraphModel
  const rates = links === undefined || link === undefined ? nextPool : links.get(link)
  const carries = rates && rates.downlinkBitsPerBlock > 0 && rates.uplinkBitsPerBlock > 0
  return carries ? rates : undefined
}
