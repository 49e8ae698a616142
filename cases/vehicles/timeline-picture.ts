import type { DecisionStage } from '../../controller/orchestrate/decision-stage.ts'
import type { GraphEdge } from '../../controller/orchestrate/latent-graph.ts'
import type { Environment } from '../../controller/simulate/environment.ts'
import type { Scenario } from '../../controller/simulate/scenario.ts'
import { element, picture, text } from '../report/svg.ts'
import type { Play } from './play.ts'

const VEHICLES_MAX = 16
const SLOT = 16
const ROW = 30
const LEFT = 90
const TOP = 40

const COLOURS = { sensing: '#4c9f70', download: '#3b6fb6', compute: '#d98032', upload: '#8a4fa3' }
type Phase = keyof typeof COLOURS

/**
 * When who does what, as GainNet, Fig. 5 (b): in each CR a vehicle senses for one GAI round (upper
 * bar) while it downloads, trains and uploads for the one before (lower bar): the Zeros structure.
 */
export function timelinePicture(scenario: Scenario, env: Environment, played: Play): string {
  const { slots, rounds } = scenario.options
  const vehicles = Math.min(VEHICLES_MAX, scenario.rides.length)
  const width = LEFT + (rounds + 1) * slots * SLOT + 20
  const height = TOP + vehicles * ROW + 10
  const parts = [...legend(), ...grid(slots, rounds, height)]
  for (let vehicle = 0; vehicle < vehicles; vehicle++) {
    const y = TOP + vehicle * ROW
    const name = env.stages[0]?.inputs.devices[vehicle]?.agentId ?? ''
    parts.push(text(name, { x: 8, y: y + 15 }))
    for (const [round, { matching }] of played.rounds.entries()) {
      const edge = matching.choices[vehicle]?.edge
      const stage = env.stages[round]
      if (edge && stage) parts.push(...barsOf({ stage, edge, round, y, slots }))
    }
  }
  return picture(width, height, parts)
}

function legend(): string[] {
  return Object.entries(COLOURS).map(([phase, fill], index) => {
    const x = LEFT + index * 100
    const mark = element('rect', { x, y: 6, width: 12, height: 10, fill })
    return mark + text(phase, { x: x + 16, y: 15 })
  })
}

function grid(slots: number, rounds: number, height: number): string[] {
  return Array.from({ length: rounds + 1 }, (_, cr) => {
    const x = LEFT + cr * slots * SLOT
    const line = { x1: x, y1: TOP - 8, x2: x, y2: height, stroke: '#bbbbbb' }
    return element('line', line) + text(`CR ${cr + 1}`, { x: x + 4, y: TOP - 10 })
  })
}

function barsOf(o: {
  readonly stage: DecisionStage
  readonly edge: GraphEdge
  readonly round: number
  readonly y: number
  readonly slots: number
}): string[] {
  const pair = o.edge.device * o.stage.modelCount + o.edge.model
  const [from, to] = [o.stage.computeFrom[pair] ?? 0, o.stage.computeTo[pair] ?? 0]
  const trained = computeEnd(o.stage, o.edge, from)
  const bar = (phase: Phase, cr: number, [start, end]: readonly [number, number]): string =>
    element('rect', {
      x: LEFT + (cr * o.slots + start) * SLOT,
      y: o.y + (phase === 'sensing' ? 2 : 14),
      width: Math.max(0, end - start) * SLOT - 1,
      height: 10,
      fill: COLOURS[phase],
    })
  return [
    bar('sensing', o.round, o.edge.sensorSlots),
    bar('download', o.round + 1, [1, from]),
    bar('compute', o.round + 1, [from, trained]),
    bar('upload', o.round + 1, [to, o.stage.slotsEnd]),
  ]
}

/** Slot after the last in which the canonical arrangement computes. */
function computeEnd({ fresh, slots }: DecisionStage, edge: GraphEdge, from: number): number {
  let rest = edge.workload * edge.needs.flopsPerSample
  let slot = from
  while (rest > 1e-6 && slot < slots) rest -= fresh.flops[edge.device * slots + slot++] ?? 0
  return slot
}
