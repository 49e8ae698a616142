import assert from 'node:assert/strict'
import type { ConsumeOrder } from '../../protocol/assignment.ts'
import type { RoundContribution } from '../../protocol/round-record.ts'
import type { UpdateManifest } from '../../protocol/update.ts'

/** What an agent was asked to deliver in one CR: what it sensed for GAI round `grId`, trained. */
export interface ExpectedContribution {
  readonly agentId: string
  readonly grId: number
  readonly modelId: string
}

/** What the manifest of a stored update says of it. */
export type StoredUpdate = Readonly<
  Pick<
    UpdateManifest,
    'sha256' | 'sampleCount' | 'lossBefore' | 'lossAfter' | 'bytes' | 'phases' | 'baseVersion'
  >
>

/** How far a contribution has come. Only `stored` is averaged, and only once: then `aggregated`. */
export type Contribution = ExpectedContribution &
  (
    | { readonly outcome: 'expected' }
    | { readonly outcome: 'stored'; readonly update: StoredUpdate }
    | { readonly outcome: 'aggregated'; readonly update: StoredUpdate }
    | { readonly outcome: 'refused' | 'failed' | 'lost'; readonly reason: string }
    | { readonly outcome: 'late'; readonly lateMs: number | null }
  )

/** By agent: an agent consumes one GAI round in a CR. */
export type Contributions = ReadonlyMap<string, Contribution>

export type ContributionEvent =
  | {
      readonly type: 'update-stored'
      readonly crId: number
      readonly agentId: string
      readonly grId: number
      readonly storedAtMs: number
      readonly update: StoredUpdate
    }
  | {
      /** The agent refused the order, or the controller the update. */
      readonly type: 'contribution-refused'
      readonly crId: number
      readonly agentId: string
      readonly grId: number
      readonly reason: string
    }
  | {
      readonly type: 'contribution-failed'
      readonly crId: number
      readonly agentId: string
      readonly grId: number
      readonly reason: string
    }

/** Limit of `reason` in the round record. */
const REASON_LENGTH_MAX = 300

export function expectContributions(
  assignments: readonly {
    readonly agentId: string
    readonly assignment: { readonly consume: Readonly<ConsumeOrder> | null }
  }[],
): Contributions {
  const contributions = new Map<string, Contribution>()
  for (const { agentId, assignment } of assignments) {
    if (assignment.consume === null) continue
    const { grId, modelId } = assignment.consume
    contributions.set(agentId, { agentId, grId, modelId, outcome: 'expected' })
  }
  return contributions
}

/**
 * A report of an agent before the deadline. The first one counts; only the loss of an agent is
 * taken back, by its stored update: a broker that was away makes living agents look dead.
 */
export function stepContribution(
  contributions: Contributions,
  event: ContributionEvent,
): Contributions {
  const contribution = contributions.get(event.agentId)
  if (contribution?.grId !== event.grId) return contributions
  const { agentId, grId, modelId, outcome } = contribution
  const expected = { agentId, grId, modelId }
  switch (event.type) {
    case 'update-stored':
      if (outcome !== 'expected' && outcome !== 'lost') return contributions
      return replaced(contributions, { ...expected, outcome: 'stored', update: event.update })
    case 'contribution-refused':
      if (outcome !== 'expected') return contributions
      return replaced(contributions, { ...expected, outcome: 'refused', reason: event.reason })
    case 'contribution-failed':
      if (outcome !== 'expected') return contributions
      return replaced(contributions, { ...expected, outcome: 'failed', reason: event.reason })
  }
}

/** What dead agents still owed is lost at once; what they had delivered stays. */
export function markLost(
  contributions: Contributions,
  died: ReadonlySet<string>,
  reason: string,
): Contributions {
  return mapped(contributions, contribution =>
    contribution.outcome === 'expected' && died.has(contribution.agentId)
      ? { ...contribution, outcome: 'lost', reason }
      : contribution,
  )
}

/** The deadline: whatever is still awaited is late. */
export function closeContributions(contributions: Contributions): Contributions {
  return mapped(contributions, contribution =>
    contribution.outcome === 'expected'
      ? { ...contribution, outcome: 'late', lateMs: null }
      : contribution,
  )
}

/** The same map when the update is not one that the deadline had declared late. */
export function stateLate(
  contributions: Contributions,
  { agentId, grId }: { readonly agentId: string; readonly grId: number },
  lateMs: number,
): Contributions {
  const contribution = contributions.get(agentId)
  if (contribution?.grId !== grId) return contributions
  if (contribution.outcome !== 'late' || contribution.lateMs !== null) return contributions
  return replaced(contributions, { ...contribution, lateMs })
}

/** The average over a model's stored updates was made, or failed with a reason. */
export function settleModel(
  contributions: Contributions,
  modelId: string,
  failure: string | null,
): Contributions {
  return mapped(contributions, contribution => {
    if (contribution.outcome !== 'stored' || contribution.modelId !== modelId) return contribution
    if (failure === null) return { ...contribution, outcome: 'aggregated' }
    const { agentId, grId } = contribution
    return { agentId, grId, modelId, outcome: 'failed', reason: failure }
  })
}

export function recordOf(contribution: Contribution): RoundContribution {
  const { agentId, grId, modelId, outcome } = contribution
  switch (outcome) {
    case 'aggregated': {
      const { sampleCount, lossBefore, lossAfter, bytes, phases } = contribution.update
      const update = { sampleCount, lossBefore, lossAfter, bytes, phases }
      return { agentId, grId, modelId, outcome, ...update }
    }
    case 'refused':
    case 'failed':
    case 'lost': {
      const reason = contribution.reason.slice(0, REASON_LENGTH_MAX)
      return { agentId, grId, modelId, outcome, reason }
    }
    case 'late': {
      const { lateMs } = contribution
      return { agentId, grId, modelId, outcome, ...(lateMs === null ? {} : { lateMs }) }
    }
    case 'expected':
    case 'stored':
      assert.fail(`the contribution of ${agentId} to GR ${grId} is still ${outcome}`)
  }
}

function replaced(contributions: Contributions, contribution: Contribution): Contributions {
  return new Map(contributions).set(contribution.agentId, contribution)
}

function mapped(
  contributions: Contributions,
  change: (contribution: Contribution) => Contribution,
): Contributions {
  return new Map([...contributions].map(([agentId, one]) => [agentId, change(one)]))
}
