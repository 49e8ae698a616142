import type { Clock } from '../../runtime/clock.ts'
import { until } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Fleet } from './fleet.ts'

const LOOK_MS = 200
/** How often it is said who is still missing. */
const SAY_MS = 5000

/**
 * Waits until so many agents are ready; after the time it goes on with those that are, and says so.
 * Rejects only when aborted.
 */
export async function waitForAgents(o: {
  readonly fleet: Fleet
  readonly agentsMin: number
  readonly waitSeconds: number
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly log: Logger
}): Promise<void> {
  const { fleet, agentsMin, waitSeconds, clock, signal, log } = o
  const deadlineMs = clock.now() + waitSeconds * 1000
  let saidAtMs = Number.NEGATIVE_INFINITY
  while (fleet.present.length < agentsMin && clock.now() < deadlineMs) {
    if (clock.now() - saidAtMs >= SAY_MS) {
      saidAtMs = clock.now()
      log.info({ ready: fleet.present.length, agentsMin }, 'waiting for agents')
    }
    await until(clock, clock.now() + LOOK_MS, signal)
  }
  const ready = fleet.present.length
  if (ready < agentsMin) log.warn({ ready, agentsMin, waitSeconds }, 'starting with fewer agents')
}
