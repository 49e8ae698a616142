import type { DecisionStage } from '../decision-stage.ts'
import { PlanSearch } from '../horizon/plan-search.ts'
import { dependsOnPool, IDLE } from '../horizon/transition.ts'
import type { LatentGraph } from '../latent-graph.ts'
import { LearningCurve } from '../learning-curve.ts'
import { type Consequences, greedyMatches } from './match-greatest.ts'
import type { PolicyContext } from './policy.ts'

/**
 * Rounds that a plan without an end looks ahead. What is left of a pool matters to the next round;
 * further ones only weigh how that one chooses.
 */
const HORIZON_ROUNDS = 3

/** The present stage again and again: pools, links, views and gains stay as they are. */
export function frozenStages(stage: DecisionStage, roundsLeft = HORIZON_ROUNDS): DecisionStage[] {
  return new Array<DecisionStage>(Math.max(1, roundsLeft)).fill(stage)
}

/** Whether what is matched counts as absorbed at once, so that devices lower each other's gains. */
export function isCoupled({ stage }: LatentGraph): boolean {
  return stage.inputs.gain.countsMatched ?? true
}

/**
 * What the rounds after a decision bring to each device by its choice now, as each device's exact
 * plan has it. Where matches count as absorbed, the models of the later rounds are those that greedy
 * gain leaves in this one: an estimate that is the same for all plans of the decision, so that they
 * can be compared, and devices can be planned one by one.
 */
export class ComingRounds implements Consequences {
  readonly rounds: number
  readonly search: PlanSearch
  /** The present stage, its models as they will be after this round. */
  readonly settled: DecisionStage
  readonly #workloads: Float64Array
  readonly #models: number
  /** By pair and by device, NaN where it was not asked for. */
  readonly #consequences: Float64Array
  readonly #most: Float64Array

  constructor(graph: LatentGraph, context: PolicyContext, stages: readonly DecisionStage[]) {
    this.rounds = stages.length
    const isAbsorbed = isCoupled(graph) && stages.length > 1
    const curves = isAbsorbed ? curvesAfter(graph, context) : graph.stage.curves
    this.settled = isAbsorbed ? { ...graph.stage, curves } : graph.stage
    this.search = new PlanSearch(isAbsorbed ? laterWith(stages, curves) : stages)
    this.#workloads = graph.workloads
    this.#models = graph.models.length
    this.#consequences = new Float64Array(graph.workloads.length).fill(Number.NaN)
    this.#most = new Float64Array(graph.devices.length).fill(Number.NaN)
  }

  /** What the later rounds gain at most: after idling. */
  most(device: number): number {
    const known = this.#most[device] ?? 0
    if (!Number.isNaN(known)) return known
    this.search.turnTo(device)
    const most = this.search.after(IDLE, 0)
    this.#most[device] = most
    return most
  }

  /** What they gain after a choice, IDLE or a model. */
  after(device: number, model: number): number {
    return this.most(device) + (model === IDLE ? 0 : this.of(device, model))
  }

  of(device: number, model: number): number {
    const pair = device * this.#models + model
    const known = this.#consequences[pair] ?? 0
    if (!Number.isNaN(known)) return known
    if (!dependsOnPool(this.settled, device)) return 0
    const most = this.most(device)
    this.search.turnTo(device)
    const after = this.search.after(model, this.#workloads[pair] ?? 0)
    const consequence = Math.min(0, after - most)
    this.#consequences[pair] = consequence
    return consequence
  }

  ofIdling(): number {
    return 0
  }
}

/** Other curves for the stages after the first; those that are one stage stay one. */
function laterWith(
  [first, ...later]: readonly DecisionStage[],
  curves: readonly LearningCurve[],
): readonly DecisionStage[] {
  const known = new Map(later.map(stage => [stage, { ...stage, curves }] as const))
  return [first, ...later.map(stage => known.get(stage))].filter(stage => stage !== undefined)
}

/** Learning curves after what greedy gain would match now. */
function curvesAfter(graph: LatentGraph, context: PolicyContext): LearningCurve[] {
  const models = graph.models.length
  const matched = new Float64Array(models)
  for (const [device, { model }] of greedyMatches(graph, context).entries()) {
    if (model === IDLE) continue
    matched[model] = (matched[model] ?? 0) + (graph.workloads[device * models + model] ?? 0)
  }
  return graph.stage.curves.map(
    ({ effectiveSamples, exponent }, model) =>
      new LearningCurve(effectiveSamples + (matched[model] ?? 0), exponent),
  )
}
