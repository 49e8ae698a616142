import { expect } from 'vitest'
import type { AgentHealth } from '../../protocol/life.ts'
import type { DaemonLine } from './daemon-process.ts'
import type { TestFleet } from './fleet.ts'
import { waitFor } from './wait-for.ts'

/** Messages that went through an agent's outbox and were heard, by session and sequence. */
export function outboxMessagesSeen({ tap }: TestFleet, agentId: string): Set<string> {
  const statuses = tap.all('assignmentStatus').filter(({ body }) => body.status !== 'progress')
  return new Set(
    [...statuses, ...tap.all('agentEvent')]
      .filter(({ parameters }) => parameters.agentId === agentId)
      .map(({ body }) => `${body.session} ${body.sequence}`),
  )
}

/** Updates of the agent that the controller has answered for good. */
export function updatesAnswered({ tap }: TestFleet, agentId: string): Set<string> {
  return new Set(
    tap
      .all('updateAck')
      .filter(({ parameters, body }) => parameters.agentId === agentId && body.status !== 'wanted')
      .map(({ body }) => `${body.grId} ${body.sha256}`),
  )
}

/**
 * To be called when nothing is produced any more: waits until nothing is stored, then what the agent
 * says it delivered is what was heard, each once, and nothing was dropped.
 */
export async function expectAllDelivered(fleet: TestFleet, agentId: string): Promise<void> {
  const health = (): AgentHealth['outbox'] | undefined =>
    fleet.tap.last('agentHealth', { agentId })?.body.outbox
  const heard = (): number =>
    outboxMessagesSeen(fleet, agentId).size + updatesAnswered(fleet, agentId).size
  await waitFor(() => health()?.storedMessages === 0 && (health()?.delivered ?? 0) >= heard(), {
    ms: 20_000,
    what: `${agentId} has delivered ${heard()}, it says ${JSON.stringify(health())}`,
  })
  expect(health()).toMatchObject({ delivered: heard(), storedMessages: 0, dropped: 0 })
}

/** What a controller has taken of an agent's reports, as its log says: each once. */
export function statusesTaken(lines: readonly DaemonLine[], agentId: string): string[] {
  return lines
    .filter(line => line.msg === 'status' && line.agentId === agentId)
    .filter(({ status }) => status !== 'progress')
    .map(({ crId, grId, part, status }) => `${crId} ${grId} ${part} ${status}`)
}
