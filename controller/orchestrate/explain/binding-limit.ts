import type { RoundLimit } from '../../../protocol/round-record.ts'
import { type DecisionStage, type SensingSet, serialSplitOf } from '../decision-stage.ts'
import { gainOf } from '../horizon/transition.ts'
import type { GraphEdge, LatentGraph } from '../latent-graph.ts'
import { downloadEnd, samplesSensed, sumOver, uploadStart, wholeSamples } from '../slot-kernels.ts'
import { CONTROL_SLOTS } from '../slot-pool.ts'

/** Less is rounding of whole samples. */
const RELIEF_MIN = 1e-9

/** How many times as much there were of each. */
interface Relief {
  readonly spectrum?: number
  readonly compute?: number
  readonly data?: number
}

const RELIEFS: readonly (readonly [RoundLimit, Relief])[] = [
  ['data', { data: 2 }],
  ['compute', { compute: 2 }],
  ['spectrum', { spectrum: 2 }],
]

/**
 * What bound an edge: that of which twice as much would raise its gain most. Correlation doubles up
 * to 1. Where nothing helps alone, all of them together would, which longer slots bring: time.
 * A device that is not believed is bound by its records before all else.
 */
export function bindingLimit(graph: LatentGraph, edge: GraphEdge): RoundLimit {
  const { stage } = graph
  const { correlation } = edge
  if ((stage.credibility?.[edge.device] ?? 1) < 1) return 'records'
  const gain = gainOf(stage, pairOf(stage, edge), edge.workload)
  let best: RoundLimit = 'correlation'
  let most = gain * (Math.min(1, 2 * correlation) / correlation)
  for (const [limit, relief] of RELIEFS) {
    const relieved = gainOf(stage, pairOf(stage, edge), relievedWorkload(graph, edge, relief))
    if (relieved <= most * (1 + RELIEF_MIN)) continue
    best = limit
    most = relieved
  }
  return most > gain * (1 + RELIEF_MIN) ? best : 'time'
}

function pairOf(stage: DecisionStage, { device, model }: GraphEdge): number {
  return device * stage.modelCount + model
}

function relievedWorkload(graph: LatentGraph, edge: GraphEdge, relief: Relief): number {
  if (graph.stage.sensingEnd !== undefined) return relievedSerial(graph, edge, relief)
  return Math.min(relievedSensing(graph, edge, relief), relievedConsumption(graph, edge, relief))
}

function relievedSerial(
  { stage }: LatentGraph,
  edge: GraphEdge,
  { spectrum = 1, compute = 1, data = 1 }: Relief,
): number {
  const { device, model } = edge
  const set = device * stage.kindSets.length + (stage.kindSetOf[model] ?? 0)
  const { classes } = stage.sensing[set] as SensingSet
  const from = device * stage.slots
  const pool = {
    blocks: stage.fresh.blocks.slice(from, from + stage.slots).map(free => free * spectrum),
    flops: stage.fresh.flops.slice(from, from + stage.slots).map(free => free * compute),
    offset: 0,
  }
  const eased = classes.map(one => ({ ...one, samplesPerSnapshot: one.samplesPerSnapshot * data }))
  return serialSplitOf(stage, device, model, { pool, needs: { classes: eased } })?.workload ?? 0
}

function relievedSensing(
  { stage, pools }: LatentGraph,
  { device, model, sensingCapacity }: GraphEdge,
  { spectrum = 1, compute = 1, data = 1 }: Relief,
): number {
  const set = device * stage.kindSets.length + (stage.kindSetOf[model] ?? 0)
  const { classes } = stage.sensing[set] as SensingSet
  const from = device * stage.slots
  const own = {
    blocks: pools.blocks.slice(from, from + stage.slots).map(free => free * spectrum),
    flops: pools.flops.slice(from, from + stage.slots).map(free => free * compute),
  }
  const eased = classes.map(one => ({ ...one, samplesPerSnapshot: one.samplesPerSnapshot * data }))
  return Math.max(sensingCapacity, samplesSensed(own, 0, stage.slots, eased))
}

function relievedConsumption(
  { stage }: LatentGraph,
  edge: GraphEdge,
  { spectrum = 1, compute = 1 }: Relief,
): number {
  const pair = pairOf(stage, edge)
  const { fresh, slots, slotsEnd } = stage
  const span = { offset: edge.device * slots, from: CONTROL_SLOTS, to: slotsEnd }
  const blocks = (needed: number | undefined): number => Math.ceil((needed ?? 0) / spectrum)
  const from = downloadEnd(fresh.blocks, span, blocks(stage.downloadBlocks[pair]))
  const to = uploadStart(fresh.blocks, span, blocks(stage.uploadBlocks[pair]))
  const flops = sumOver(fresh.flops, span.offset + from, span.offset + to) * compute
  return wholeSamples(flops / edge.needs.flopsPerSample)
}
