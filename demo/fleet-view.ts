import type { ControllerState } from '../protocol/life.ts'
import type { Body } from '../protocol/messages.ts'
import type { ModelManifest } from '../protocol/model-manifest.ts'
import type { RoundRecord } from '../protocol/round-record.ts'
import {
  type AgentView,
  newAgent,
  withFigures,
  withRound,
  withServed,
  withState,
  withStatus,
  withWire,
} from './agent-view.ts'

/** What an observer subscribes to; blobs and updates are not for looking at. */
export const OBSERVED = [
  'agentState',
  'agentBirth',
  'agentHealth',
  'agentEvent',
  'urp',
  'assignment',
  'assignmentStatus',
  'controllerState',
  'crClock',
  'modelManifest',
  'roundRecord',
] as const
export type ObservedName = (typeof OBSERVED)[number]

export type FleetMessage = {
  [Name in ObservedName]: {
    readonly name: Name
    readonly parameters: Readonly<Record<string, string>>
    readonly body: Body<Name>
  }
}[ObservedName]

export interface ModelView {
  readonly modelId: string
  readonly unigramBitsPerByte: number
  readonly versionNumber: number | null
  readonly updates: number
  /** Bits per byte on held-back text by version number. */
  readonly bitsPerByte: ReadonlyMap<number, number>
}

export interface RoundView {
  readonly gain: number
  readonly bound: number
  readonly overlapRatio: number | null
  readonly consumptionMs: number
}

export interface FleetView {
  readonly roundsWanted: number
  readonly controller: ControllerState['state'] | 'unknown'
  readonly clock: Body<'crClock'> | null
  readonly crFirst: number | null
  readonly agents: ReadonlyMap<string, AgentView>
  readonly models: ReadonlyMap<string, ModelView>
  readonly rounds: ReadonlyMap<number, RoundView>
}

export function emptyView(options: {
  readonly roundsWanted: number
  readonly agentIds: readonly string[]
  readonly models: readonly { readonly modelId: string; readonly unigramBitsPerByte: number }[]
}): FleetView {
  return {
    roundsWanted: options.roundsWanted,
    controller: 'unknown',
    clock: null,
    crFirst: null,
    agents: new Map(options.agentIds.map(agentId => [agentId, newAgent(agentId)])),
    models: new Map(
      options.models.map(model => [
        model.modelId,
        { ...model, versionNumber: null, updates: 0, bitsPerByte: new Map() },
      ]),
    ),
    rounds: new Map(),
  }
}

/** The view after one more message. Messages may come twice and out of order. */
export function stepView(view: FleetView, message: FleetMessage): FleetView {
  const { agentId } = message.parameters
  switch (message.name) {
    case 'controllerState':
      return { ...view, controller: message.body.state }
    case 'crClock':
      return { ...view, clock: message.body, crFirst: view.crFirst ?? message.body.crId }
    case 'modelManifest':
      return stepModel(view, message.body)
    case 'roundRecord':
      return stepRound(view, message.body)
    case 'agentState':
      return stepAgent(view, agentId, agent => withState(agent, message.body))
    case 'agentHealth':
      return stepAgent(view, agentId, agent => withWire(agent, message.body))
    case 'urp':
      return stepAgent(view, agentId, agent => withFigures(agent, message.body))
    case 'assignment':
      return stepAgent(view, agentId, agent =>
        withRound(agent, message.body.crId, { assignment: message.body }),
      )
    case 'assignmentStatus':
      return stepAgent(view, agentId, agent => withStatus(agent, message.body))
    case 'agentBirth':
    case 'agentEvent':
      return view
  }
}

/** The communication round that runs at the time and how far it is, from 0 to 1. */
export function roundAt(
  { clock }: FleetView,
  nowMs: number,
): { readonly crId: number; readonly progress: number; readonly startsAtMs: number } | null {
  if (!clock) return null
  const lengthMs = clock.slots * clock.slotMs
  const passed = (nowMs - Date.parse(clock.startsAt)) / lengthMs
  const ahead = Math.floor(passed)
  const startsAtMs = Date.parse(clock.startsAt) + ahead * lengthMs
  return { crId: clock.crId + ahead, progress: passed - ahead, startsAtMs }
}

/** GAI rounds that were sensed and consumed: one less than communication rounds, for these overlap. */
export function roundsRun({ rounds, roundsWanted }: FleetView): number {
  return Math.min(roundsWanted, Math.max(0, rounds.size - 1))
}

function stepAgent(
  view: FleetView,
  agentId: string | undefined,
  step: (agent: AgentView) => AgentView,
): FleetView {
  const agent = agentId === undefined ? undefined : view.agents.get(agentId)
  if (agentId === undefined || !agent) return view
  return { ...view, agents: new Map(view.agents).set(agentId, step(agent)) }
}

function stepModel(view: FleetView, manifest: ModelManifest): FleetView {
  const { modelId, versionNumber, bitsPerByte } = manifest
  return withModel(view, modelId, model => ({
    ...model,
    versionNumber: Math.max(versionNumber, model.versionNumber ?? 0),
    bitsPerByte: withBits(model.bitsPerByte, versionNumber, bitsPerByte),
  }))
}

function stepRound(view: FleetView, record: RoundRecord): FleetView {
  if (view.rounds.has(record.crId)) return view
  const rounds = new Map(view.rounds).set(record.crId, {
    gain: record.gain,
    bound: record.bound,
    overlapRatio: record.overlapRatio ?? null,
    consumptionMs: consumptionMsOf(record),
  })
  let next: FleetView = { ...view, rounds }
  for (const { modelId, versionNumber, contributions, bitsPerByte } of record.models) {
    next = withModel(next, modelId, model => ({
      ...model,
      updates: model.updates + contributions,
      bitsPerByte: withBits(model.bitsPerByte, versionNumber, bitsPerByte),
    }))
  }
  for (const { agentId, modelId, reason } of record.choices) {
    if (modelId) next = stepAgent(next, agentId, agent => withServed(agent, modelId, { reason }))
  }
  for (const { agentId, modelId, outcome } of record.contributions) {
    if (outcome !== 'aggregated') continue
    next = stepAgent(next, agentId, agent => withServed(agent, modelId, { updates: 1 }))
  }
  return next
}

function consumptionMsOf({ contributions }: RoundRecord): number {
  return contributions
    .flatMap(({ phases }) => phases ?? [])
    .filter(({ phase }) => phase !== 'sense')
    .reduce((sum, { startedAt, endedAt }) => sum + Date.parse(endedAt) - Date.parse(startedAt), 0)
}

function withModel(
  view: FleetView,
  modelId: string,
  step: (model: ModelView) => ModelView,
): FleetView {
  const model = view.models.get(modelId)
  return model ? { ...view, models: new Map(view.models).set(modelId, step(model)) } : view
}

function withBits(
  known: ReadonlyMap<number, number>,
  versionNumber: number,
  bitsPerByte: number | undefined,
): ReadonlyMap<number, number> {
  return bitsPerByte === undefined ? known : new Map(known).set(versionNumber, bitsPerByte)
}
