import type { Assignment, AssignmentStatus } from '../protocol/assignment.ts'
import type { AgentEvent, AgentState, ControllerState } from '../protocol/life.ts'
import type { RoundContribution } from '../protocol/round-record.ts'
import type { AgentView } from './agent-view.ts'
import type { FleetMessage, FleetView, ModelView } from './fleet-view.ts'

/** Something that happened, in words for a person. */
export interface FleetEvent {
  /** What is routine happens in every round; a screen shows it in other ways. */
  readonly tone: 'routine' | 'note' | 'good' | 'bad'
  readonly text: string
}

/** What a message tells that the view before it did not know. */
export function eventsOf(before: FleetView, message: FleetMessage): readonly FleetEvent[] {
  const agentId = message.parameters.agentId ?? ''
  const agent = before.agents.get(agentId)
  switch (message.name) {
    case 'controllerState':
      return message.body.state === before.controller ? [] : [controllerEvent(message.body)]
    case 'agentState':
      return agent ? stateEvents(agent, message.body) : []
    case 'agentEvent':
      return agentEvents(agentId, message.body)
    case 'crClock':
      if (before.clock?.crId === message.body.crId) return []
      return [{ tone: 'routine', text: `communication round ${message.body.crId} starts` }]
    case 'assignment':
      return agent ? assignmentEvents(agent, message.body) : []
    case 'assignmentStatus':
      return statusEvents(agentId, message.body)
    case 'roundRecord':
      if (before.rounds.has(message.body.crId)) return []
      return message.body.contributions.map(contributionEvent)
    case 'modelManifest':
      return manifestEvents(before.models.get(message.body.modelId), message.body)
    case 'agentBirth':
    case 'agentHealth':
    case 'urp':
      return []
  }
}

function controllerEvent({ state, reason }: ControllerState): FleetEvent {
  return note(`controller is ${state}${because(reason)}`)
}

function stateEvents(agent: AgentView, { state, reason }: AgentState): readonly FleetEvent[] {
  if (agent.state === state || isRoutine(agent.state, state)) return []
  const isBad = state === 'lost' || state === 'degraded'
  const tone = isBad ? 'bad' : state === 'init' ? 'routine' : 'note'
  return [{ tone, text: `${agent.agentId} is ${state}${because(reason)}` }]
}

function agentEvents(agentId: string, { severity, text }: AgentEvent): readonly FleetEvent[] {
  return severity === 'info' ? [] : [{ tone: 'bad', text: `${agentId}: ${text}` }]
}

function assignmentEvents(agent: AgentView, assignment: Assignment): readonly FleetEvent[] {
  const isKnown = agent.rounds.some(round => round.assignment?.crId === assignment.crId)
  if (isKnown) return []
  return [{ tone: 'routine', text: `${agent.agentId} ${assignmentText(assignment)}` }]
}

function note(text: string): FleetEvent {
  return { tone: 'note', text }
}

function because(reason: string | undefined): string {
  return reason ? ` (${reason})` : ''
}

/** An agent is busy and ready again in every round. */
function isRoutine(before: string, after: string): boolean {
  return [before, after].every(state => state === 'ready' || state === 'busy')
}

function assignmentText({ sense, consume, reason }: Assignment): string {
  const sensing = sense ? `senses for ${sense.modelId}` : ''
  const training = consume ? `trains ${consume.modelId} with ${consume.sampleCount} samples` : ''
  const parts = [sensing, training].filter(part => part !== '')
  return `${parts.join(', ') || 'idles'}${because(reason)}`
}

function statusEvents(agentId: string, status: AssignmentStatus): readonly FleetEvent[] {
  const { modelId, part, reason } = status
  if (status.status !== 'refused' && status.status !== 'failed') return []
  const verb = part === 'sense' ? 'sensing for' : 'training'
  return [{ tone: 'bad', text: `${agentId} ${status.status} ${verb} ${modelId}${because(reason)}` }]
}

function contributionEvent(contribution: RoundContribution): FleetEvent {
  const { agentId, modelId, outcome, reason, sampleCount, lossBefore, lossAfter } = contribution
  if (outcome !== 'aggregated') {
    const lateness = outcome === 'late' ? lateText(contribution) : ''
    const text = `update of ${modelId} by ${agentId} ${outcome}${lateness}${because(reason)}`
    return { tone: 'bad', text }
  }
  const losses =
    lossBefore === undefined || lossAfter === undefined
      ? ''
      : `, its loss ${lossBefore.toFixed(2)} → ${lossAfter.toFixed(2)} nats`
  return {
    tone: 'good',
    text: `update of ${modelId} by ${agentId} averaged in: ${sampleCount ?? 0} samples${losses}`,
  }
}

function lateText({ lateMs }: RoundContribution): string {
  return lateMs === undefined ? '' : ` by ${Math.round(lateMs)} ms`
}

function manifestEvents(
  model: ModelView | undefined,
  manifest: { readonly versionNumber: number; readonly bitsPerByte?: number | undefined },
): readonly FleetEvent[] {
  const { versionNumber } = manifest
  const bits = manifest.bitsPerByte
  if (!model || bits === undefined || model.bitsPerByte.has(versionNumber)) return []
  const { modelId, unigramBitsPerByte } = model
  const change = percentBelow(bits, unigramBitsPerByte)
  const text = `${modelId} version ${versionNumber}: ${bits.toFixed(2)} bits per byte, ${change}`
  return [{ tone: bits < unigramBitsPerByte ? 'good' : 'note', text }]
}

/** "34 % below the unigram's 5.16": how far the model is from knowing no context at all. */
export function percentBelow(bits: number, unigram: number): string {
  const percent = Math.round((1 - bits / unigram) * 100)
  return `${Math.abs(percent)} % ${percent >= 0 ? 'below' : 'above'} unigram ${unigram.toFixed(2)}`
}
