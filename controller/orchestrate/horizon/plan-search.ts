import type { DecisionStage } from '../decision-stage.ts'
import type { SlotArrays, Stretch } from '../slot-kernels.ts'
import { dependsOnPool, gainOf, IDLE, poolAfter, senseAll, workloadOf } from './transition.ts'

/** First step of the best plan of one device, and what the plan gains in all. */
export interface BestPlan {
  readonly model: number
  readonly workload: number
  readonly gain: number
  readonly total: number
}

/** What a device can do in the first round. The arrays are used again for the next device. */
export interface FirstRound {
  /** By set of kinds. */
  readonly sensed: Float64Array
  /** By model, 0 where there is no edge. */
  readonly gains: Float64Array
  readonly workloads: Float64Array
}

/** One round of the search: its stage, what is known of it, and room to work in. */
interface Level extends FirstRound {
  readonly stage: DecisionStage
  /** Best total from a pool on, by the model and workload that left it. */
  readonly known: Map<number, number>
  readonly pool: Stretch
  /** What no pool can exceed from this round on: the greatest gain of a free pool in each round. */
  bound: number
  /** What a wholly free pool senses, and what it gains from this round on, NaN until it was asked for. */
  readonly freeSensed: Float64Array
  freeTotal: number
}

/** Above the workloads that share a key with a model; greater ones are not remembered. */
const WORKLOADS_KEPT = 2 ** 20

/**
 * The dynamic program of `state-graph.ts` for devices that share nothing, without laying out all
 * states. A round gains most from a wholly free pool, as more of a pool never senses less; the sum
 * of these over the rounds to come bounds what any state can still gain. Actions are tried from the
 * greatest gain down, until not even that bound could make up for the lesser gain. Exact, and much
 * faster where few actions come close to the best; a device whose sensing takes nothing of its pool
 * meets the bound whatever it chooses.
 */
export class PlanSearch {
  readonly #levels: readonly Level[]
  /** Whether free pools are the same in all rounds after the first, and what they gain. */
  readonly #isFrozen: boolean
  #device = -1
  #dependsOnPool = true

  constructor(stages: readonly DecisionStage[]) {
    const [first, second] = stages
    this.#isFrozen =
      first?.fresh === second?.fresh && stages.every((stage, at) => at === 0 || stage === second)
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
      freeSensed: new Float64Array(stage.kindSets.length),
      freeTotal: Number.NaN,
    }))
  }

  /** `open` says of each model whether it still takes a device in the first round. */
  best(device: number, pools: SlotArrays, open?: (model: number) => boolean): BestPlan {
    this.firstRound(device, pools, open)
    return this.#bestFirst()
  }

  /** From here on the search is about this device. */
  firstRound(device: number, pools: SlotArrays, open?: (model: number) => boolean): FirstRound {
    this.turnTo(device)
    const [root] = this.#levels as [Level]
    senseAll(root.stage, device, { ...pools, offset: device * root.stage.slots }, root)
    this.#weigh(root, open)
    return root
  }

  turnTo(device: number): void {
    if (device === this.#device) return
    this.#device = device
    this.#measureFree()
  }

  /** What the rounds after the first gain at most: what they gain after idling, or more. */
  get boundAfter(): number {
    return this.#levels[1]?.bound ?? 0
  }

  /** Whether what the device does in a round changes those after it. */
  get hasConsequences(): boolean {
    return this.#dependsOnPool
  }

  /** What the rounds after the first gain after a choice. */
  after(model: number, workload: number): number {
    return this.#levels.length === 1 ? 0 : this.#after(0, model, workload)
  }

  #measureFree(): void {
    const last = this.#levels.length - 1
    let [gain, bound] = [0, 0]
    this.#dependsOnPool = false
    for (let at = last; at > 0; at--) {
      const level = this.#levels[at] as Level
      if (at === last || !this.#isFrozen) gain = this.#freeGain(at)
      else level.freeSensed.set((this.#levels[last] as Level).freeSensed)
      bound += gain
      level.known.clear()
      level.bound = bound
      level.freeTotal = at === last ? gain : Number.NaN
    }
  }

  /** The greatest gain of a round from a wholly free pool. */
  #freeGain(at: number): number {
    const level = this.#levels[at] as Level
    this.#dependsOnPool ||= dependsOnPool(level.stage, this.#device)
    const before = (this.#levels[at - 1] as Level).stage
    poolAfter(before, this.#device, IDLING, level.pool)
    senseAll(level.stage, this.#device, level.pool, level)
    level.freeSensed.set(level.sensed)
    this.#weigh(level)
    return level.gains[greatest(level.gains)] ?? 0
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

  #bestFirst(): BestPlan {
    const [{ gains, workloads }] = this.#levels as [Level]
    const bound = this.boundAfter
    let best: BestPlan = { model: IDLE, workload: 0, gain: 0, total: -1 }
    for (;;) {
      const model = greatest(gains)
      const gain = gains[model] ?? 0
      if (gain <= 0 || gain + bound <= best.total) break
      const workload = workloads[model] ?? 0
      gains[model] = 0
      const total = gain + this.after(model, workload)
      if (total > best.total) best = { model, workload, gain, total }
    }
    if (bound <= best.total) return best
    const idle = this.after(IDLE, 0)
    return idle > best.total ? { model: IDLE, workload: 0, gain: 0, total: idle } : best
  }

  /** Best total from a level on, its actions weighed. */
  #totalFrom(at: number): number {
    const { gains, workloads } = this.#levels[at] as Level
    const next = this.#levels[at + 1]
    if (next === undefined) return gains[greatest(gains)] ?? 0
    let best = -1
    for (;;) {
      const model = greatest(gains)
      const gain = gains[model] ?? 0
      if (gain <= 0 || gain + next.bound <= best) break
      gains[model] = 0
      best = Math.max(best, gain + this.#after(at, model, workloads[model] ?? 0))
    }
    return next.bound <= best ? best : Math.max(best, this.#after(at, IDLE, 0))
  }

  /** Best total after a choice. */
  #after(at: number, model: number, workload: number): number {
    const next = this.#levels[at + 1] as Level
    if (!this.#dependsOnPool) return next.bound
    if (model === IDLE) return this.#freeTotal(at + 1)
    const key = model * WORKLOADS_KEPT + workload
    const known = workload < WORKLOADS_KEPT ? next.known.get(key) : undefined
    if (known !== undefined) return known
    poolAfter((this.#levels[at] as Level).stage, this.#device, { model, workload }, next.pool)
    senseAll(next.stage, this.#device, next.pool, next)
    const total = isSame(next.sensed, next.freeSensed)
      ? this.#freeTotal(at + 1)
      : this.#totalSensed(at + 1)
    if (workload < WORKLOADS_KEPT) next.known.set(key, total)
    return total
  }

  /** Best total from a level on with a wholly free pool, or one that senses as much. */
  #freeTotal(at: number): number {
    const level = this.#levels[at] as Level
    if (Number.isNaN(level.freeTotal)) {
      level.sensed.set(level.freeSensed)
      level.freeTotal = this.#totalSensed(at)
    }
    return level.freeTotal
  }

  #totalSensed(at: number): number {
    this.#weigh(this.#levels[at] as Level)
    return this.#totalFrom(at)
  }
}

function isSame(a: Float64Array, b: Float64Array): boolean {
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false
  return true
}

const IDLING = { model: IDLE, workload: 0 }

/** Index of the greatest, the first of equal ones. */
export function greatest(values: Float64Array): number {
  let best = 0
  for (let index = 1; index < values.length; index++) {
    if ((values[index] ?? 0) > (values[best] ?? 0)) best = index
  }
  return best
}
