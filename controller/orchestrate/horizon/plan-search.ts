import type { DecisionStage } from '../decision-stage.ts'
import type { SlotArrays, Stretch } from '../slot-kernels.ts'
import { gainOf, IDLE, poolAfter, senseAll, workloadOf } from './transition.ts'

/** First step of the best plan of one device, and what the plan gains in all. */
export interface BestPlan {
  readonly model: number
  readonly workload: number
  readonly gain: number
  readonly total: number
}

/** One round of the search: its stage, what is known of it, and room to work in. */
interface Level {
  readonly stage: DecisionStage
  /** Best total from a pool on, by the model and workload that left it. */
  readonly known: Map<number, number>
  readonly pool: Stretch
  readonly sensed: Float64Array
  readonly gains: Float64Array
  readonly workloads: Float64Array
  /** What no pool can exceed from this round on: the greatest gain of a free pool in each round. */
  bound: number
}

/** Above the workloads that share a key with a model; greater ones are not remembered. */
const WORKLOADS_KEPT = 2 ** 20

/**
 * The dynamic program of `state-graph.ts` for devices that share nothing, without laying out all
 * states. A round gains most from a wholly free pool, as more of a pool never senses less; the sum
 * of these over the rounds to come bounds what any state can still gain. Actions are tried from the
 * greatest gain down, until not even that bound could make up for the lesser gain. Exact, and much
 * faster where few actions come close to the best.
 */
export class PlanSearch {
  readonly #levels: readonly Level[]
  #device = 0

  constructor(stages: readonly DecisionStage[]) {
    this.#levels = stages.map(stage => ({
      stage,
      known: new Map(),
      pool: {
        blocks: new Float64Array(stage.slots),
        flops: new Float64Array(stage.slots),
        offset: 0,
      },
      sensed: new Float64Array(stage.kindSets.length),
      gains: new Float64Array(stage.modelCount),
      workloads: new Float64Array(stage.modelCount),
      bound: 0,
    }))
  }

  /**
   * Best totals of the rounds after the first, for idling and then for each model, written from
   * `offset` on. A model without a sample stands as if the device idled.
   */
  totalsAfter(
    device: number,
    pools: SlotArrays,
    into: { readonly totals: Float64Array; readonly offset: number },
  ): void {
    this.#begin(device, pools)
    const [{ workloads }] = this.#levels as [Level]
    const isLast = this.#levels.length === 1
    const idle = isLast ? 0 : this.#after(0, IDLE, 0)
    into.totals[into.offset] = idle
    for (let model = 0; model < workloads.length; model++) {
      const workload = workloads[model] ?? 0
      const total = isLast || workload === 0 ? idle : this.#after(0, model, workload)
      into.totals[into.offset + 1 + model] = total
    }
  }

  /** `open` says of each model whether it still takes a device in the first round. */
  best(device: number, pools: SlotArrays, open?: (model: number) => boolean): BestPlan {
    this.#begin(device, pools, open)
    return this.#search(0)
  }

  #begin(device: number, pools: SlotArrays, open?: (model: number) => boolean): void {
    this.#device = device
    this.#measureFree()
    const [root] = this.#levels as [Level]
    senseAll(root.stage, device, { ...pools, offset: device * root.stage.slots }, root)
    this.#weigh(root, open)
  }

  #measureFree(): void {
    let bound = 0
    for (let at = this.#levels.length - 1; at > 0; at--) {
      const level = this.#levels[at] as Level
      level.known.clear()
      const before = (this.#levels[at - 1] as Level).stage
      poolAfter(before, this.#device, IDLING, level.pool)
      senseAll(level.stage, this.#device, level.pool, level)
      this.#weigh(level)
      bound += level.gains[greatest(level.gains)] ?? 0
      level.bound = bound
    }
  }

  /** Gains and workloads of all models from what was sensed. */
  #weigh(level: Level, open?: (model: number) => boolean): void {
    const { stage, gains, workloads, sensed } = level
    for (let model = 0; model < stage.modelCount; model++) {
      const pair = this.#device * stage.modelCount + model
      const workload = workloadOf(stage, pair, sensed[stage.kindSetOf[model] ?? 0] ?? 0)
      const isTaken = workload >= 1 && (open === undefined || open(model))
      workloads[model] = isTaken ? workload : 0
      gains[model] = isTaken ? gainOf(stage, pair, workload) : 0
    }
  }

  #search(at: number): BestPlan {
    const { gains, workloads } = this.#levels[at] as Level
    const next = this.#levels[at + 1]
    const bound = next?.bound ?? 0
    let best: BestPlan = { model: IDLE, workload: 0, gain: 0, total: -1 }
    for (;;) {
      const model = greatest(gains)
      const gain = gains[model] ?? 0
      if (gain <= 0 || gain + bound <= best.total) break
      const workload = workloads[model] ?? 0
      gains[model] = 0
      const total = gain + (next === undefined ? 0 : this.#after(at, model, workload))
      if (total > best.total) best = { model, workload, gain, total }
    }
    if (bound <= best.total) return best
    const idle = next === undefined ? 0 : this.#after(at, IDLE, 0)
    return idle > best.total ? { model: IDLE, workload: 0, gain: 0, total: idle } : best
  }

  /** Best total after a choice. */
  #after(at: number, model: number, workload: number): number {
    const next = this.#levels[at + 1] as Level
    const key = (model + 1) * WORKLOADS_KEPT + workload
    const known = workload < WORKLOADS_KEPT ? next.known.get(key) : undefined
    if (known !== undefined) return known
    poolAfter((this.#levels[at] as Level).stage, this.#device, { model, workload }, next.pool)
    senseAll(next.stage, this.#device, next.pool, next)
    this.#weigh(next)
    const { total } = this.#search(at + 1)
    if (workload < WORKLOADS_KEPT) next.known.set(key, total)
    return total
  }
}

const IDLING = { model: IDLE, workload: 0 }

function greatest(values: Float64Array): number {
  let best = 0
  for (let index = 1; index < values.length; index++) {
    if ((values[index] ?? 0) > (values[best] ?? 0)) best = index
  }
  return best
}
