import type { DecisionStage } from '../decision-stage.ts'
import type { SlotArrays } from '../slot-kernels.ts'
import { GrowingArray } from './growing-array.ts'
import { gainOf, IDLE, poolAfter, senseAll, workloadOf } from './transition.ts'

/** What may be taken into account beside the gains, by stage·M + model. */
export interface ModelPrices {
  /** λ: price of serving a model in a stage. */
  readonly prices?: Float64Array
  /** Devices that the model still takes in the stage; 0 closes it. */
  readonly room?: Float64Array
}

/** One device's part of the graph: its nodes stand in the order of their stages, the root first. */
export interface DeviceNodes {
  readonly device: number
  readonly from: number
  readonly to: number
}

/**
 * All states that devices can reach in the coming rounds. The pool ρ_r of a device is a function of
 * the last model and workload (and of exogenous figures), so (r, model, workload) is a sufficient
 * state: at most 1 + Σ D_max states a round, in practice some dozens. As long as devices share
 * nothing, the best plan of each is found by one sweep backwards: exact, and pseudo-polynomial.
 * The paper calls the problem NP-hard; that holds once capacities are shared (`capacity.ts`).
 */
export class StateGraph {
  readonly stages: readonly DecisionStage[]
  /** First edge of each node, and the end of the last. */
  readonly edgesFrom = new GrowingArray()
  readonly stageOf = new GrowingArray()
  readonly edgeModel = new GrowingArray()
  readonly edgeWorkload = new GrowingArray()
  readonly edgeGain = new GrowingArray()
  /** Node that follows, -1 after the last stage. */
  readonly edgeNext = new GrowingArray()
  /** Best total from a node on, and the edge that gives it, as the last sweep found. */
  readonly value = new GrowingArray()
  readonly bestEdge = new GrowingArray()
  readonly #sensed = new GrowingArray()
  readonly #known = new Map<number, number>()
  readonly #scratch: { blocks: Float64Array; flops: Float64Array; offset: number }
  readonly #sets: number
  readonly #models: number

  constructor(stages: readonly DecisionStage[]) {
    const [first] = stages
    if (first === undefined) throw new RangeError('a state graph needs a stage')
    this.stages = stages
    this.#sets = first.kindSets.length
    this.#models = first.modelCount
    const { slots } = first
    this.#scratch = { blocks: new Float64Array(slots), flops: new Float64Array(slots), offset: 0 }
  }

  /** Forgets all devices, and keeps the memory. */
  clear(): void {
    for (const array of [this.edgesFrom, this.stageOf, this.value, this.bestEdge]) array.length = 0
    for (const array of [this.edgeModel, this.edgeWorkload, this.edgeGain, this.edgeNext]) {
      array.length = 0
    }
    this.#sensed.length = 0
  }

  /** Adds what a device can reach from its pool ρ_r at the first stage. */
  addDevice(device: number, pools: SlotArrays): DeviceNodes {
    const from = this.stageOf.length
    const [first] = this.stages as [DecisionStage]
    this.#addNode(0)
    this.#sense(first, device, { ...pools, offset: device * first.slots })
    let layer = from
    for (const [stage, one] of this.stages.entries()) {
      const layerEnd = this.stageOf.length
      this.#known.clear()
      for (let node = layer; node < layerEnd; node++) this.#addEdges(one, stage, device, node)
      layer = layerEnd
    }
    return { device, from, to: this.stageOf.length }
  }

  /** Best value of each node of a device, by one sweep backwards; that of its root is returned. */
  solve({ from, to }: DeviceNodes, { prices, room }: ModelPrices = {}): number {
    const { values: value } = this.value
    const { values: edgeNext } = this.edgeNext
    for (let node = to - 1; node >= from; node--) {
      const end = this.#edgesTo(node)
      let best = Number.NEGATIVE_INFINITY
      let bestEdge = -1
      for (let edge = this.edgesFrom.values[node] ?? 0; edge < end; edge++) {
        const next = edgeNext[edge] ?? -1
        const after = next < 0 ? 0 : (value[next] ?? 0)
        const total = this.#gainLess(node, edge, prices, room) + after
        if (total > best) {
          best = total
          bestEdge = edge
        }
      }
      value[node] = best
      this.bestEdge.values[node] = bestEdge
    }
    return value[from] ?? 0
  }

  /** Gain of an edge less the price of its model; none at all where there is no room. */
  #gainLess(node: number, edge: number, prices?: Float64Array, room?: Float64Array): number {
    const gain = this.edgeGain.values[edge] ?? 0
    const model = this.edgeModel.values[edge] ?? IDLE
    if (model === IDLE || (prices === undefined && room === undefined)) return gain
    const at = (this.stageOf.values[node] ?? 0) * this.#models + model
    if (room !== undefined && !((room[at] ?? 0) > 0)) return Number.NEGATIVE_INFINITY
    return gain - (prices?.[at] ?? 0)
  }

  /** Edges of a device's best plan, stage by stage, as the last sweep found it. */
  planOf({ from }: DeviceNodes): number[] {
    const plan: number[] = []
    for (let node = from; node >= 0; ) {
      const edge = this.bestEdge.values[node] ?? -1
      plan.push(edge)
      node = this.edgeNext.values[edge] ?? -1
    }
    return plan
  }

  /** All actions in a state. */
  edgesOf(node: number): number[] {
    const from = this.edgesFrom.values[node] ?? 0
    return Array.from({ length: this.#edgesTo(node) - from }, (_, offset) => from + offset)
  }

  #edgesTo(node: number): number {
    return node + 1 < this.edgesFrom.length
      ? (this.edgesFrom.values[node + 1] ?? 0)
      : this.edgeModel.length
  }

  #addNode(stage: number): number {
    const node = this.stageOf.push(stage)
    this.edgesFrom.push(0)
    this.value.push(0)
    this.bestEdge.push(-1)
    return node
  }

  #sense(stage: DecisionStage, device: number, pool: Parameters<typeof senseAll>[2]): void {
    const offset = this.#sensed.length
    this.#sensed.extend(this.#sets)
    senseAll(stage, device, pool, { sensed: this.#sensed.values, offset })
  }

  #addEdges(stage: DecisionStage, index: number, device: number, node: number): void {
    this.edgesFrom.values[node] = this.edgeModel.length
    this.#addEdge(index, device, { model: IDLE, workload: 0, gain: 0 })
    for (let model = 0; model < stage.modelCount; model++) {
      const pair = device * stage.modelCount + model
      const set = node * this.#sets + (stage.kindSetOf[model] ?? 0)
      const workload = workloadOf(stage, pair, this.#sensed.values[set] ?? 0)
      if (workload < 1) continue
      this.#addEdge(index, device, { model, workload, gain: gainOf(stage, pair, workload) })
    }
  }

  #addEdge(
    index: number,
    device: number,
    choice: { readonly model: number; readonly workload: number; readonly gain: number },
  ): void {
    const next = index + 1 < this.stages.length ? this.#nodeAfter(index, device, choice) : -1
    this.edgeModel.push(choice.model)
    this.edgeWorkload.push(choice.workload)
    this.edgeGain.push(choice.gain)
    this.edgeNext.push(next)
  }

  #nodeAfter(
    index: number,
    device: number,
    choice: { readonly model: number; readonly workload: number },
  ): number {
    const key = choice.model === IDLE ? 0 : (choice.model + 1) * WORKLOADS_MAX + choice.workload
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const node = this.#addNode(index + 1)
    poolAfter(this.stages[index] as DecisionStage, device, choice, this.#scratch)
    this.#sense(this.stages[index + 1] as DecisionStage, device, this.#scratch)
    this.#known.set(key, node)
    return node
  }
}

/** Above every workload, so that model and workload make one key. */
const WORKLOADS_MAX = 2 ** 40
