import type { WrittenRecord } from '../../controller/rounds/round-records.ts'
import type { PhaseInterval } from '../../protocol/assignment.ts'

/** Devices that are told of; nobody reads hundreds. */
const DEVICES_MAX = 20

/** When each device sensed, downloaded, trained and uploaded, in seconds from the start of the round. */
export function timelineOf({
  startedAt,
  sensing = [],
  contributions,
}: WrittenRecord): readonly (readonly [agentId: string, text: string])[] {
  const phasesOf = new Map<string, PhaseInterval[]>()
  const tell = (agentId: string, phases: readonly PhaseInterval[]): void => {
    phasesOf.set(agentId, [...(phasesOf.get(agentId) ?? []), ...phases])
  }
  for (const { agentId, interval } of sensing) tell(agentId, [interval])
  for (const { agentId, phases = [] } of contributions) tell(agentId, phases)
  const seconds = (at: string): string =>
    ((Date.parse(at) - Date.parse(startedAt)) / 1000).toFixed(1)
  return [...phasesOf]
    .filter(([, phases]) => phases.length > 0)
    .slice(0, DEVICES_MAX)
    .map(([agentId, phases]) => [
      agentId,
      phases
        .map(one => `${one.phase} ${seconds(one.startedAt)} to ${seconds(one.endedAt)}`)
        .join(', '),
    ])
}
