import type { AgentBirth, AgentHealth, AgentState } from '../../../protocol/life.ts'
import type { Urp } from '../../../protocol/urp.ts'
import { urpOf } from '../orchestrate/urps.ts'

const envelope = (session: number) => ({
  session,
  sequence: 0,
  sentAt: '2026-01-01T00:00:00.000Z',
})

export function birthOf(session: number): AgentBirth {
  return {
    ...envelope(session),
    agentId: 'pi-04',
    version: '0.1.0',
    startedAt: '2026-01-01T00:00:00.000Z',
    board: {
      model: 'a board',
      cpu: 'a core',
      architecture: 'arm64',
      cores: 1,
      memoryBytes: 1e9,
      os: 'an os',
      node: 'v20',
    },
    sensors: [],
    limits: { computingShare: 0.8, memoryBytes: 1e9, outboxBytes: 1e6 },
  }
}

export function stateOf(session: number, state: AgentState['state'], reason?: string): AgentState {
  return { ...envelope(session), state, ...(reason ? { reason } : {}) }
}

export function urpFrom(session: number, crId = 7): Urp {
  return { ...urpOf(), session, crId }
}

export function healthOf(session: number): AgentHealth {
  return {
    ...envelope(session),
    uptimeSeconds: 1,
    cpuShare: 0.01,
    rssBytes: 1e8,
    outbox: { storedMessages: 0, storedBytes: 0, delivered: 0, dropped: 0 },
    sensors: {},
    wire: { bytesSent: 0, bytesReceived: 0 },
    rejectedMessages: 0,
  }
}
