import type { SenseOrder, SlotRange } from '../../protocol/assignment.ts'
import { cellOf } from '../../protocol/matrix.ts'
import type { SampleSpec } from '../../protocol/sample-spec.ts'
import type { SensingFigures, Urp } from '../../protocol/urp.ts'
import type { GraphEdge } from '../orchestrate/latent-graph.ts'
import type { SlotPool } from '../orchestrate/slot-pool.ts'

/** An order has as many runs at most; a device whose blocks come and go more often senses in these. */
const RUNS_MAX = 64

/** The order to sense for a pair that was chosen: in which slots, at which rate, in which blocks. */
export function senseOrderOf(o: {
  readonly crId: number
  readonly edge: GraphEdge
  readonly takes: Pick<SampleSpec, 'rowsPerSecond'> | undefined
  readonly urp: Urp | undefined
  readonly link: string
  /** What consumption leaves of the round. */
  readonly pool: SlotPool
}): SenseOrder {
  const { crId, edge, takes, urp, link, pool } = o
  const figures = urp?.sensing.find(({ sensor }) => sensor === edge.sensor)
  const slots = runsOf(edge.sensorSlots, figures?.resourceBlocks ?? 0, pool)
  return {
    grId: crId,
    modelId: edge.modelId,
    sensor: edge.sensor,
    slots,
    samplesWanted: edge.workload,
    ...rateOf(takes, figures),
    ...(urp && figures?.resourceBlocks
      ? { blocks: freestBlocks(urp, link, { slots, count: figures.resourceBlocks }) }
      : {}),
  }
}

/** A sensor without blocks senses all the time, a radio in the slots that have the blocks it takes. */
function runsOf([from, to]: SlotRange, blocks: number, pool: SlotPool): SlotRange[] {
  const runs: SlotRange[] = []
  for (let slot = from; slot < to; slot++) {
    if (blocks > 0 && (pool.blocks[slot] ?? 0) < blocks) continue
    const last = runs.at(-1)
    if (last && last[1] === slot) last[1] = slot + 1
    else runs.push([slot, slot + 1])
  }
  return runs.length > 0 ? runs.slice(0, RUNS_MAX) : [[from, to]]
}

/** Only where the sensor delivers more than the model asks for. */
function rateOf(
  takes: Pick<SampleSpec, 'rowsPerSecond'> | undefined,
  figures: SensingFigures | undefined,
): Pick<SenseOrder, 'rowsPerSecond'> {
  const wanted = takes?.rowsPerSecond
  if (wanted === undefined || !figures || figures.rowsPerSecond <= wanted) return {}
  return { rowsPerSecond: wanted }
}

/** The blocks of the link that are free most over the slots. */
function freestBlocks(
  urp: Urp,
  link: string,
  { slots, count }: { readonly slots: readonly SlotRange[]; readonly count: number },
): number[] {
  const pool = urp.frequency.find(one => one.link === link)
  if (!pool) return []
  const free = Array.from({ length: pool.blockCount }, (_, block) => ({
    block,
    share: slots.reduce(
      (sum, [from, to]) => sum + freeOver(pool.availability, block, { from, to }),
      0,
    ),
  }))
  return free
    .sort((a, b) => b.share - a.share || a.block - b.block)
    .slice(0, count)
    .map(({ block }) => block)
    .sort((a, b) => a - b)
}

function freeOver(
  availability: Urp['frequency'][number]['availability'],
  block: number,
  { from, to }: { readonly from: number; readonly to: number },
): number {
  let sum = 0
  for (let slot = from; slot < to; slot++) sum += cellOf(availability, slot, block)
  return sum
}
