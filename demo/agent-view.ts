import type { Assignment, AssignmentStatus, PhaseInterval } from '../protocol/assignment.ts'
import type { AgentHealth, AgentState } from '../protocol/life.ts'
import type { Urp } from '../protocol/urp.ts'

export interface PhaseView {
  readonly phase: PhaseInterval['phase']
  readonly startedAtMs: number
  /** null while it lasts. */
  readonly endedAtMs: number | null
}

/** One agent's part in one communication round: the plan and what has come of it so far. */
export interface AgentRound {
  readonly crId: number
  readonly assignment: Assignment | null
  readonly phases: readonly PhaseView[]
  readonly problem: string | null
}

/** null is "not measured", never 0. Rates are per core for computing and medians for the link. */
export interface AgentFigures {
  readonly gflops: number | null
  readonly downlinkMbps: number | null
  readonly uplinkMbps: number | null
  readonly rttMs: number | null
}

export interface AgentView {
  readonly agentId: string
  readonly state: AgentState['state'] | 'unknown'
  readonly figures: AgentFigures
  /** The last two, because a plan may come before its round begins. */
  readonly rounds: readonly AgentRound[]
  /** Per model: updates that were averaged in, and the latest reason for choosing it. */
  readonly served: ReadonlyMap<string, { readonly updates: number; readonly reason: string }>
  /** On its socket to the broker, by session: counters start anew with each. */
  readonly wireBytes: ReadonlyMap<number, number>
}

export function newAgent(agentId: string): AgentView {
  const figures = { gflops: null, downlinkMbps: null, uplinkMbps: null, rttMs: null }
  const empty = { rounds: [], served: new Map(), wireBytes: new Map() }
  return { agentId, state: 'unknown', figures, ...empty }
}

export function wireBytesOf(agents: Iterable<AgentView>): number {
  let sum = 0
  for (const agent of agents) for (const bytes of agent.wireBytes.values()) sum += bytes
  return sum
}

export function withState(agent: AgentView, { state }: AgentState): AgentView {
  return { ...agent, state }
}

export function withFigures(agent: AgentView, urp: Urp): AgentView {
  return { ...agent, figures: figuresOf(urp) }
}

export function withWire(agent: AgentView, { session, wire }: AgentHealth): AgentView {
  const bytes = wire.bytesSent + wire.bytesReceived
  return { ...agent, wireBytes: new Map(agent.wireBytes).set(session, bytes) }
}

export function withRound(agent: AgentView, crId: number, change: Partial<AgentRound>): AgentView {
  const known = agent.rounds.find(round => round.crId === crId)
  const round = { assignment: null, phases: [], problem: null, ...known, ...change, crId }
  const others = agent.rounds.filter(other => other.crId !== crId)
  return { ...agent, rounds: [...others, round].sort((a, b) => a.crId - b.crId).slice(-2) }
}

export function withStatus(agent: AgentView, status: AssignmentStatus): AgentView {
  const { crId, part, reason } = status
  const phases = agent.rounds.find(round => round.crId === crId)?.phases ?? []
  if (status.status === 'refused' || status.status === 'failed') {
    const problem = `${part} ${status.status}: ${reason ?? 'no reason given'}`
    const ended = phases.map(phase => endedPhase(phase, Date.parse(status.sentAt)))
    return withRound(agent, crId, { problem, phases: ended })
  }
  const phase = phaseOf(status)
  if (!phase) return agent
  const others = phases.filter(known => known.phase !== phase.phase)
  // The phases of consumption follow each other, and only the last one is reported when it ends.
  const ended = phase.phase === 'sense' ? others : others.map(other => followed(other, phase))
  return withRound(agent, crId, { phases: [...ended, phase] })
}

function followed(phase: PhaseView, next: PhaseView): PhaseView {
  return phase.phase === 'sense' ? phase : endedPhase(phase, next.startedAtMs)
}

function endedPhase(phase: PhaseView, atMs: number): PhaseView {
  return { ...phase, endedAtMs: phase.endedAtMs ?? atMs }
}

function phaseOf({ part, status, phase, interval, sentAt }: AssignmentStatus): PhaseView | null {
  if (interval) {
    const { startedAt, endedAt } = interval
    const [startedAtMs, endedAtMs] = [Date.parse(startedAt), Date.parse(endedAt)]
    return { phase: interval.phase, startedAtMs, endedAtMs }
  }
  // Sensing has one phase: what was accepted begins when its first slot does.
  const begun = phase ?? (part === 'sense' && status === 'accepted' ? 'sense' : undefined)
  return begun ? { phase: begun, startedAtMs: Date.parse(sentAt), endedAtMs: null } : null
}

function figuresOf({ computing, links }: Urp): AgentFigures {
  const rates = computing.units.map(unit => unit.peakFlopsPerSecond)
  const link = links[0]
  return {
    gflops:
      rates.length > 0 ? rates.reduce((sum, rate) => sum + rate, 0) / rates.length / 1e9 : null,
    downlinkMbps: scaled(link?.downlinkBitsPerSecond?.p50, 1e-6),
    uplinkMbps: scaled(link?.uplinkBitsPerSecond?.p50, 1e-6),
    rttMs: scaled(link?.rttMs?.p50, 1),
  }
}

function scaled(value: number | undefined, factor: number): number | null {
  return value === undefined ? null : value * factor
}

export function withServed(
  agent: AgentView,
  modelId: string,
  { updates = 0, reason }: { readonly updates?: number; readonly reason?: string },
): AgentView {
  const known = agent.served.get(modelId) ?? { updates: 0, reason: '' }
  const served = { updates: known.updates + updates, reason: reason ?? known.reason }
  return { ...agent, served: new Map(agent.served).set(modelId, served) }
}
