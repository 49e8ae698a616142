import type { RoundDecision } from '../../../protocol/round-record.ts'
import { messageOf } from '../../../runtime/errors.ts'
import type { Logger } from '../../../runtime/logger.ts'
import { IDLE } from '../horizon/transition.ts'
import type { LatentGraph } from '../latent-graph.ts'
import { ComingRounds, frozenStages } from '../policies/coming-rounds.ts'
import { greedyGainPolicy } from '../policies/greedy-gain-policy.ts'
import { plannedMatching } from '../policies/planned-matching.ts'
import { type Matching, matchingOf, type Policy, type PolicyContext } from '../policies/policy.ts'
import { bestPlan, recedingDpPolicy } from '../policies/receding-dp-policy.ts'
import { promisedGain } from './promised-gain.ts'

/** Time for the plan beside the proposal: part of the control slot, which assignments share. */
const BESIDE_MS_MAX = 100
/** Promises that differ by less are the same plan, summed in another order. */
const BETTER_SHARE_MIN = 1e-9
const CAUSES_MAX = 50
/** Limit of `failure` in the round record. */
const FAILURE_LENGTH_MAX = 300
export interface ExecutedPolicyOptions {
  readonly log: Logger
  /** A steady clock. */
  readonly nowMs?: () => number
  readonly besideMsMax?: number
}

interface Proposal {
  readonly by: string
  readonly matching: Matching
  readonly failure?: string
}

type Promises = Pick<RoundDecision, 'rounds' | 'proposedGain' | 'besideGain' | 'outlookBound'>

/**
 * What the controller executes of a policy: its proposal, or the receding-horizon plan where that
 * promises more over the coming rounds (design of orchestration: rule, fallback and teacher). The
 * promise is that of the plan's own view; a policy that has learned where this view errs judges for
 * itself, device by device. What a policy throws never ends the rounds: greedy gain proposes then.
 */
export class ExecutedPolicy implements Policy {
  readonly name: string
  readonly label: string
  readonly #policy: Policy
  readonly #options: ExecutedPolicyOptions
  readonly #nowMs: () => number
  readonly #causes = new Set<string>()
  #replacedCount = 0

  constructor(policy: Policy, options: ExecutedPolicyOptions) {
    this.name = policy.name
    this.label = policy.label
    this.#policy = policy
    this.#options = options
    this.#nowMs = options.nowMs ?? (() => performance.now())
  }

  propose(graph: LatentGraph, context: PolicyContext): Matching {
    const startedAtMs = this.#nowMs()
    const proposal = this.#proposal(graph, context)
    const beside = this.#planBeside(graph, context, proposal)
    const better = beside?.isBetter ? plannedMatching(graph, beside.plan) : undefined
    const matching = better ?? proposal.matching
    const by = better ? recedingDpPolicy.name : proposal.by
    const { guarded } = matching
    if (by !== this.name || (guarded?.refusedCount ?? 0) > 0) this.#replacedCount++
    const { failure } = proposal
    return {
      ...matching,
      decision: {
        executed: by,
        planMs: Math.round((this.#nowMs() - startedAtMs) * 100) / 100,
        ...beside?.promises,
        ...(guarded ? { replacedDevices: guarded.refusedCount } : {}),
        replacedCount: this.#replacedCount,
        ...(failure === undefined ? {} : { failure: failure.slice(0, FAILURE_LENGTH_MAX) }),
      },
    }
  }

  /** Of the policy, else of greedy gain, else that everybody idles. */
  #proposal(graph: LatentGraph, context: PolicyContext): Proposal {
    let failure: string | undefined
    for (const policy of [this.#policy, greedyGainPolicy]) {
      try {
        const matching = (policy.proposeGuarded ?? policy.propose)(graph, context)
        checkMatching(graph, matching)
        return {
          by: executedOf(policy, matching),
          matching,
          ...(failure === undefined ? {} : { failure }),
        }
      } catch (error) {
        failure ??= messageOf(error)
        this.#tell(policy.name, error)
      }
    }
    const reason = 'idle: no policy could decide'
    const idle = graph.devices.map(({ agentId }) => ({ agentId, edge: null, reason }))
    return { by: 'none', matching: matchingOf(graph, idle), failure: failure ?? reason }
  }

  /** Null where the proposal stands alone, or there is no time for another plan. */
  #planBeside(graph: LatentGraph, context: PolicyContext, { by, matching }: Proposal) {
    const isPlan = by === recedingDpPolicy.name || matching.guarded !== undefined
    if (graph.gains.length === 0 || isPlan) return null
    const endMs = this.#nowMs() + (this.#options.besideMsMax ?? BESIDE_MS_MAX)
    const tick = (): void => {
      if (this.#nowMs() > endMs) throw new PlanOverdue()
    }
    try {
      const timed = { ...context, tick }
      const stages = frozenStages(graph.stage, context.roundsLeft)
      const coming = new ComingRounds(graph, timed, stages)
      const plan = bestPlan(graph, timed, coming)
      const { bound: outlookBound } = plan.outlook
      const promise = (chosen: readonly number[]): number =>
        promisedGain(graph, chosen, { coming, context: timed })
      const proposedGain = promise(matching.choices.map(({ edge }) => edge?.model ?? IDLE))
      const besideGain = promise(plan.steps.map(({ model }) => model))
      const promises: Promises = { rounds: coming.rounds, proposedGain, besideGain, outlookBound }
      return { plan, promises, isBetter: besideGain > proposedGain * (1 + BETTER_SHARE_MIN) }
    } catch (error) {
      if (!(error instanceof PlanOverdue)) this.#tell(recedingDpPolicy.name, error)
      return null
    }
  }

  /** Once for each cause, as it may come in every round. */
  #tell(policy: string, err: unknown): void {
    const cause = `${policy}: ${messageOf(err)}`
    if (this.#causes.has(cause) || this.#causes.size >= CAUSES_MAX) return
    this.#causes.add(cause)
    this.#options.log.error({ err, policy }, 'policy failed, another one decides')
  }
}

/** The plan that a policy corrects, where none of its corrections is left. */
function executedOf({ name }: Policy, { guarded }: Matching): string {
  const isPlan = guarded?.correctedCount === 0 && guarded.refusedCount > 0
  return isPlan ? guarded.plan : name
}

class PlanOverdue extends Error {}

/** What a policy must hold so that assignments can be made of it. */
function checkMatching(graph: LatentGraph, { choices, gain, bound, gap }: Matching): void {
  const isComplete =
    choices.length === graph.devices.length &&
    choices.every(({ agentId }, device) => agentId === graph.devices[device]?.agentId)
  if (!isComplete) throw new RangeError(`${choices.length} choices are not one a device`)
  const figures = [gain, bound, gap, ...choices.map(({ edge }) => edge?.gain ?? 0)]
  if (!figures.every(Number.isFinite)) throw new RangeError('a gain of the matching is no number')
}
