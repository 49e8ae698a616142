import { expect } from 'vitest'
import { isEnd } from '../../protocol/assignment.ts'
import type { AgentHealth } from '../../protocol/life.ts'
import type { DaemonLine } from './daemon-process.ts'
import type { TestFleet } from './fleet.ts'
import { waitFor } from './wait-for.ts'

/** Messages that went through an agent's outbox and were heard, by session and sequence. */
export function outboxMessagesSeen({ tap }: TestFleet, agentId: string): Set<string> {
  const statuses = tap.all('assignmentStatus').filter(({ body }) => isEnd(body.status))
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
 * Between two bursts of reports nothing is stored, and what the agent says it delivered is what was
 * heard, each once. A message that was lost, or counted twice, would keep the two apart for ever.
 */
export async function expectAllDelivered(fleet: TestFleet, agentId: string): Promise<void> {
  const said = (): AgentHealth['outbox'] | undefined =>
    fleet.tap.last('agentHealth', { agentId })?.body.outbox
  const heard = (): number =>
    outboxMessagesSeen(fleet, agentId).size + updatesAnswered(fleet, agentId).size
  await waitFor(() => said()?.storedMessages === 0 && said()?.delivered === heard(), {
    ms: 45_000,
    what: `${agentId} has delivered what was heard`,
  }).catch(cause => {
    throw new Error(`heard ${heard()}, ${agentId} says ${JSON.stringify(said())}`, { cause })
  })
  expect(said()?.dropped).toBe(0)
}

/** What a controller has taken of an agent's reports, as its log says: each once. */
export function statusesTaken(lines: readonly DaemonLine[], agentId: string): string[] {
  return lines
    .filter(line => line.msg === 'status' && line.agentId === agentId)
    .map(({ crId, grId, part, status }) => `${crId} ${grId} ${part} ${status}`)
}
