import type { DecisionStage } from '../decision-stage.ts'
import { type BestPlan, PlanSearch } from '../horizon/plan-search.ts'
import { gainOf, IDLE, poolAfter } from '../horizon/transition.ts'
import type { LatentGraph } from '../latent-graph.ts'
import type { Choice, PolicyContext } from '../policies/policy.ts'
import { byBestGain, coupledCurves } from '../policies/receding-dp-policy.ts'
import { Room } from '../policies/room.ts'
import type { SlotArrays } from '../slot-kernels.ts'

type Step = Pick<BestPlan, 'model' | 'workload' | 'gain'>

/**
 * What choices promise of all rounds together: they are played, and the rounds after them as the
 * receding-horizon plan would go on from what they leave of pools, curves and room. One measure for
 * every policy, so that plans which look ahead and rules which do not can be compared. Where devices
 * share nothing it is exact: the best that can follow these choices.
 */
export function promisedGain(
  graph: LatentGraph,
  choices: readonly Choice[],
  o: { readonly stages: readonly DecisionStage[]; readonly context: PolicyContext },
): number {
  const { curves, absorb } = coupledCurves(graph)
  const stages = o.stages.map(stage => ({ ...stage, curves }))
  const order = byBestGain(graph)
  let pools = graph.pools
  let sum = 0
  for (const [round, stage] of stages.entries()) {
    const room = new Room(o.context)
    const search = new PlanSearch(stages.slice(round))
    const left = emptyPools(pools)
    for (const device of order) {
      o.context.tick?.()
      const step =
        round === 0
          ? firstStep(graph, stage, device, choices[device])
          : search.best(device, pools, model => room.has(model))
      sum += step.gain
      poolAfter(stage, device, step, { ...left, offset: device * stage.slots })
      if (step.model === IDLE) continue
      room.take(step.model)
      absorb(step.model, step.workload)
    }
    pools = left
  }
  return sum
}

function firstStep(
  graph: LatentGraph,
  stage: DecisionStage,
  device: number,
  choice: Choice | undefined,
): Step {
  const model = choice?.edge?.model ?? IDLE
  if (model === IDLE) return { model, workload: 0, gain: 0 }
  const pair = device * graph.models.length + model
  const workload = graph.workloads[pair] ?? 0
  return { model, workload, gain: gainOf(stage, pair, workload) }
}

function emptyPools({ blocks, flops }: SlotArrays): SlotArrays {
  return { blocks: new Float64Array(blocks.length), flops: new Float64Array(flops.length) }
}
