import { type AssignmentStatus, isEnd } from '../../protocol/assignment.ts'
import type { Envelope } from '../../protocol/envelope.ts'
import type { WireSession } from '../../protocol/wire-session.ts'
import { messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { RoundRunner } from '../rounds/round-runner.ts'
import type { BlobPublisher } from '../transfer/blob-publisher.ts'
import type { DeliveryLedger } from '../transfer/delivery-ledger.ts'
import type { Fleet, FleetChange } from './fleet.ts'

export interface FleetListenerOptions {
  readonly wire: WireSession
  readonly fleet: Fleet
  readonly runner: RoundRunner
  readonly ledger: DeliveryLedger
  readonly blobs: BlobPublisher
  /** SHA-256 of the blobs that a model's current version is made of. */
  readonly blobsOf: (modelId: string) => readonly string[]
  readonly log: Logger
}

/** Brings what agents say to the fleet and to the rounds. */
export async function listenToFleet(options: FleetListenerOptions): Promise<void> {
  const { wire, fleet, runner, ledger, log } = options
  const apply = (change: FleetChange | null): void => {
    if (change?.type === 'born') log.info({ ...change }, 'agent was born')
    if (change?.type !== 'died') return
    log.warn({ agentId: change.agentId, reason: change.reason }, 'agent died')
    runner.onDied(change.agentId, change.reason)
  }
  await wire.on('agentBirth', {}, (birth, { agentId }) => {
    const change = fleet.onBirth(agentId, birth)
    // A new life without a death in between: what the old one owed is lost with it.
    if (change?.type === 'born') runner.onBorn(agentId)
    apply(change)
  })
  await wire.on('agentState', {}, (state, { agentId }) => apply(fleet.onState(agentId, state)))
  await wire.on('agentHealth', {}, (health, { agentId }) => fleet.onHealth(agentId, health))
  await wire.on('urp', {}, (urp, { agentId }) => {
    if (fleet.onUrp(agentId, urp)) runner.onUrp(agentId, urp)
  })
  await wire.on('agentEvent', {}, async (event, { agentId }) => {
    const { code, severity, text, fields } = event
    if (ledger.isNew(agentId, event.session, event.sequence)) {
      log.info({ agentId, code, severity, text, fields }, 'agent event')
    }
    await confirm(options, agentId, event)
  })
  await wire.on('assignmentStatus', {}, async (status, { agentId }) => {
    if (!isEnd(status.status)) return
    if (ledger.isNew(agentId, status.session, status.sequence)) onStatus(options, agentId, status)
    await confirm(options, agentId, status)
  })
}

/** The agent keeps the message until it hears this, and hears it for each repetition. */
async function confirm(
  { wire, ledger, log }: FleetListenerOptions,
  agentId: string,
  { session, sequence }: Envelope,
): Promise<void> {
  await ledger.settled()
  await wire.publish('taken', { agentId }, { messages: [{ session, sequence }] }).catch(error => {
    log.debug({ agentId, reason: messageOf(error) }, 'confirmation not sent')
  })
}

function onStatus(
  { runner, blobs, blobsOf, log }: FleetListenerOptions,
  agentId: string,
  status: AssignmentStatus,
): void {
  const { crId, grId, part, reason = 'no reason given' } = status
  log.debug({ agentId, crId, grId, part, status: status.status, reason: status.reason }, 'status')
  if (part === 'sense') {
    runner.onSenseStatus(agentId, status)
    return
  }
  runner.onConsumeStatus(agentId, status)
  if (status.status === 'refused') {
    runner.dispatch({ type: 'contribution-refused', crId, agentId, grId, reason })
  }
  if (status.status !== 'failed') return
  runner.dispatch({ type: 'contribution-failed', crId, agentId, grId, reason })
  // Its blocks may be damaged on the broker: new ones cost little and heal that.
  if (status.phase === 'download') {
    for (const sha256 of blobsOf(status.modelId)) {
      blobs.republish(sha256).catch(err => log.warn({ err, sha256 }, 'blob not published again'))
    }
  }
}
