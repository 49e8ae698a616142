import {
  buildDecisionStage,
  type DecisionStage,
  slotArraysOf,
} from '../orchestrate/decision-stage.ts'
import { gainOf, IDLE, poolAfter, senseAll, workloadOf } from '../orchestrate/horizon/transition.ts'
import { graphOfStage, type LatentGraph } from '../orchestrate/latent-graph.ts'
import type { Matching } from '../orchestrate/policies/policy.ts'
import type { SlotArrays } from '../orchestrate/slot-kernels.ts'
import { inputsOfRound, type Scenario } from './scenario.ts'

/** What a decision really brought. */
export interface StepResult {
  readonly gain: number
  /** Device by device. */
  readonly gains: Float64Array
  readonly workloads: Float64Array
}

/**
 * A cell over its rounds: the multi-round decision problem of GainNet, III-B, as it plays. The
 * state of a device is its residual pool; a step applies a choice for each device, pays the gains
 * and arranges the next pools canonically. What devices see and where they are goes on by itself.
 */
export class Environment {
  /** The rounds as they will be; a policy may see those ahead only where it is said to be clairvoyant. */
  readonly stages: readonly DecisionStage[]
  readonly #staleStages: readonly DecisionStage[]
  #pools: SlotArrays
  #round = 0

  /** `staleCrs`: how many CRs old is what a decision is made on. */
  constructor(scenario: Scenario, { staleCrs = 0 }: { readonly staleCrs?: number } = {}) {
    const rounds = Array.from({ length: scenario.options.rounds }, (_, round) => round)
    this.stages = rounds.map(round => buildDecisionStage(inputsOfRound(scenario, round)))
    this.#staleStages =
      staleCrs === 0
        ? this.stages
        : rounds.map(round =>
            buildDecisionStage(
              inputsOfRound(scenario, round, {
                sensingCr: Math.max(0, round - staleCrs),
                linkCr: Math.max(0, round + 1 - staleCrs),
              }),
            ),
          )
    this.#pools = this.#freshPools()
  }

  get round(): number {
    return this.#round
  }

  /** Rounds that are still to be decided, this one among them. */
  get roundsLeft(): number {
    return this.stages.length - this.#round
  }

  get isOver(): boolean {
    return this.roundsLeft === 0
  }

  /** ρ_r of all devices. */
  get pools(): SlotArrays {
    return this.#pools
  }

  /** The round to be decided, as the controller knows it. */
  get stage(): DecisionStage {
    return this.#staleStages[this.#round] as DecisionStage
  }

  /** The rounds from this one on as they will be. */
  get stagesAhead(): readonly DecisionStage[] {
    return this.stages.slice(this.#round)
  }

  reset(): void {
    this.#round = 0
    this.#pools = this.#freshPools()
  }

  graph(): LatentGraph {
    return graphOfStage(this.stage, this.#pools)
  }

  /** Plays one decision: a model for each device, or IDLE. */
  step(models: Int32Array): StepResult {
    const stage = this.stages[this.#round] as DecisionStage
    const gains = new Float64Array(stage.deviceCount)
    const workloads = new Float64Array(stage.deviceCount)
    const next = emptyPools(stage)
    const sets = stage.kindSets.length
    const sensed = new Float64Array(sets)
    const pool = { ...this.#pools, offset: 0 }
    const residual = { ...next, offset: 0 }
    for (let device = 0; device < stage.deviceCount; device++) {
      const model = models[device] ?? IDLE
      pool.offset = device * stage.slots
      residual.offset = pool.offset
      let workload = 0
      if (model !== IDLE) {
        const pair = device * stage.modelCount + model
        senseAll(stage, device, pool, { sensed, offset: 0 })
        workload = workloadOf(stage, pair, sensed[stage.kindSetOf[model] ?? 0] ?? 0)
        gains[device] = workload > 0 ? gainOf(stage, pair, workload) : 0
        workloads[device] = workload
      }
      poolAfter(stage, device, { model, workload }, residual)
    }
    this.#pools = next
    this.#round++
    return { gain: gains.reduce((sum, gain) => sum + gain, 0), gains, workloads }
  }

  #freshPools(): SlotArrays {
    const [first] = this.stages
    if (first === undefined) throw new RangeError('a scenario needs a round')
    return slotArraysOf(
      first.inputs.devices.map(device => device.pool),
      first.slots,
    )
  }
}

function emptyPools({ deviceCount, slots }: DecisionStage): SlotArrays {
  const size = deviceCount * slots
  return { blocks: new Float64Array(size), flops: new Float64Array(size) }
}

/** A matching as `step` takes it. */
export function modelsOf({ choices }: Matching): Int32Array {
  return Int32Array.from(choices, ({ edge }) => edge?.model ?? IDLE)
}
