import type { Content } from '../../protocol/messages.ts'
import type { RoundContribution } from '../../protocol/round-record.ts'
import type { Urp } from '../../protocol/urp.ts'
import {
  type Contribution,
  type ContributionEvent,
  type Contributions,
  closeContributions,
  expectContributions,
  markLost,
  recordOf,
  settleModel,
  stateLate,
  stepContribution,
} from './contribution.ts'

export interface AgentAssignment {
  readonly agentId: string
  readonly assignment: Content<'assignment'>
}

/** One communication round (CR). Each phase carries just the data that exists while it lasts. */
export type RoundState =
  | {
      readonly phase: 'collecting'
      readonly crId: number
      readonly urps: ReadonlyMap<string, Urp>
    }
  | {
      readonly phase: 'matching'
      readonly crId: number
      readonly died: ReadonlySet<string>
    }
  | {
      readonly phase: 'running'
      readonly crId: number
      readonly contributions: Contributions
    }
  | {
      readonly phase: 'closing'
      readonly crId: number
      readonly endedAtMs: number
      readonly contributions: Contributions
      readonly aggregating: ReadonlySet<string>
    }
  | {
      readonly phase: 'done'
      readonly crId: number
      readonly endedAtMs: number
      readonly contributions: Contributions
    }

/**
 * What happens to a CR. Deaths belong to no CR; everything else names its own, so that what was
 * meant for another CR changes nothing. `cr-started` and `cr-ended` are the clock's.
 */
export type RoundEvent =
  | {
      readonly type: 'urp-received'
      readonly crId: number
      readonly agentId: string
      readonly urp: Urp
    }
  | { readonly type: 'cr-started'; readonly crId: number }
  | {
      readonly type: 'matched'
      readonly crId: number
      readonly assignments: readonly AgentAssignment[]
    }
  | ContributionEvent
  | { readonly type: 'agent-died'; readonly agentId: string; readonly reason: string }
  | { readonly type: 'cr-ended'; readonly crId: number; readonly endedAtMs: number }
  | { readonly type: 'aggregated'; readonly crId: number; readonly modelId: string }
  | {
      readonly type: 'aggregation-failed'
      readonly crId: number
      readonly modelId: string
      readonly reason: string
    }
  | { readonly type: 'aggregation-overdue'; readonly crId: number }

/** What the round runner has to do; what comes of it returns as an event. */
export type RoundEffect =
  | {
      readonly type: 'match'
      readonly crId: number
      readonly urps: ReadonlyMap<string, Urp>
    }
  | {
      readonly type: 'publish-assignments'
      readonly crId: number
      readonly assignments: readonly AgentAssignment[]
    }
  | {
      readonly type: 'aggregate'
      readonly crId: number
      readonly modelId: string
      readonly contributions: readonly StoredContribution[]
    }
  | {
      readonly type: 'answer-late'
      readonly crId: number
      readonly agentId: string
      readonly grId: number
      readonly lateMs: number
    }
  | {
      readonly type: 'publish-record'
      readonly crId: number
      readonly contributions: readonly RoundContribution[]
    }

export type StoredContribution = Extract<Contribution, { outcome: 'stored' }>

export interface RoundStep {
  readonly state: RoundState
  readonly effects: readonly RoundEffect[]
}

/** URPs for a CR arrive from about half a slot before it starts, so it exists before its start. */
export function openRound(crId: number): RoundState {
  return { phase: 'collecting', crId, urps: new Map() }
}

/** Pure: no clock, no MQTT, no log. The round runner performs the effects that it returns. */
export function stepRound(state: RoundState, event: RoundEvent): RoundStep {
  if ('crId' in event && event.crId !== state.crId) return stay(state)
  switch (state.phase) {
    case 'collecting':
      return stepCollecting(state, event)
    case 'matching':
      return stepMatching(state, event)
    case 'running':
      return stepRunning(state, event)
    case 'closing':
      return stepClosing(state, event)
    case 'done':
      return event.type === 'update-stored' ? answerLate(state, event) : stay(state)
  }
}

type Phase<Name extends RoundState['phase']> = Extract<RoundState, { phase: Name }>

function stepCollecting(state: Phase<'collecting'>, event: RoundEvent): RoundStep {
  const { crId, urps } = state
  switch (event.type) {
    case 'urp-received':
      return stay({ ...state, urps: new Map(urps).set(event.agentId, event.urp) })
    case 'agent-died':
      return stay({ ...state, urps: new Map([...urps].filter(([id]) => id !== event.agentId)) })
    case 'cr-started':
      return {
        state: { phase: 'matching', crId, died: new Set() },
        effects: [{ type: 'match', crId, urps }],
      }
    case 'cr-ended':
      return close(crId, new Map(), event.endedAtMs)
    default:
      return stay(state)
  }
}

function stepMatching(state: Phase<'matching'>, event: RoundEvent): RoundStep {
  const { crId, died } = state
  switch (event.type) {
    case 'agent-died':
      return stay({ ...state, died: new Set([...died, event.agentId]) })
    case 'matched': {
      const { assignments } = event
      const contributions = markLost(expectContributions(assignments), died, 'died during matching')
      return {
        state: { phase: 'running', crId, contributions },
        effects: [{ type: 'publish-assignments', crId, assignments }],
      }
    }
    case 'cr-ended':
      return close(crId, new Map(), event.endedAtMs)
    default:
      return stay(state)
  }
}

/**
 * The wait ends with the CR and not before, even when nothing is awaited any more: sensing for the
 * next consumption goes on until then, and its intervals belong in the record.
 */
function stepRunning(state: Phase<'running'>, event: RoundEvent): RoundStep {
  const { crId, contributions } = state
  switch (event.type) {
    case 'update-stored':
    case 'contribution-refused':
    case 'contribution-failed':
      return stay({ ...state, contributions: stepContribution(contributions, event) })
    case 'agent-died': {
      const died = new Set([event.agentId])
      return stay({ ...state, contributions: markLost(contributions, died, event.reason) })
    }
    case 'cr-ended':
      return close(crId, closeContributions(contributions), event.endedAtMs)
    default:
      return stay(state)
  }
}

function stepClosing(state: Phase<'closing'>, event: RoundEvent): RoundStep {
  switch (event.type) {
    case 'update-stored':
      return answerLate(state, event)
    case 'aggregated':
      return settle(state, [event.modelId], null)
    case 'aggregation-failed':
      return settle(state, [event.modelId], event.reason)
    case 'aggregation-overdue':
      return settle(state, [...state.aggregating], 'the aggregation took too long')
    default:
      return stay(state)
  }
}

function close(crId: number, contributions: Contributions, endedAtMs: number): RoundStep {
  const stored = [...contributions.values()].filter(one => one.outcome === 'stored')
  const aggregating = new Set(stored.map(one => one.modelId).sort())
  if (aggregating.size === 0) return finish(crId, contributions, endedAtMs)
  return {
    state: { phase: 'closing', crId, endedAtMs, contributions, aggregating },
    effects: [...aggregating].map(modelId => ({
      type: 'aggregate',
      crId,
      modelId,
      contributions: stored.filter(one => one.modelId === modelId),
    })),
  }
}

function settle(
  state: Phase<'closing'>,
  modelIds: readonly string[],
  failure: string | null,
): RoundStep {
  const contributions = modelIds.reduce(
    (all, modelId) => settleModel(all, modelId, failure),
    state.contributions,
  )
  const aggregating = new Set([...state.aggregating].filter(one => !modelIds.includes(one)))
  if (aggregating.size === 0) return finish(state.crId, contributions, state.endedAtMs)
  return stay({ ...state, contributions, aggregating })
}

function finish(crId: number, contributions: Contributions, endedAtMs: number): RoundStep {
  return {
    state: { phase: 'done', crId, endedAtMs, contributions },
    effects: [
      { type: 'publish-record', crId, contributions: [...contributions.values()].map(recordOf) },
    ],
  }
}

/** An update that is complete only after the CR is answered once and never averaged. */
function answerLate(
  state: Phase<'closing'> | Phase<'done'>,
  event: Extract<RoundEvent, { type: 'update-stored' }>,
): RoundStep {
  const lateMs = Math.max(0, event.storedAtMs - state.endedAtMs)
  const contributions = stateLate(state.contributions, event, lateMs)
  if (contributions === state.contributions) return stay(state)
  const { crId, agentId, grId } = event
  return {
    state: { ...state, contributions },
    effects: [{ type: 'answer-late', crId, agentId, grId, lateMs }],
  }
}

function stay(state: RoundState): RoundStep {
  return { state, effects: [] }
}
