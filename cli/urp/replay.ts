import { count } from '../../agent/measure/page/page-text.ts'
import type { Body } from '../../protocol/messages.ts'
import { readUrpSeries } from '../../protocol/urp-series/read-urp-series.ts'
import type { RecordedUrp } from '../../protocol/urp-series/series-format.ts'
import { systemClock, until } from '../../runtime/clock.ts'
import { withDeadline } from '../../runtime/deadline.ts'
import { deferred } from '../../runtime/deferred.ts'
import { GainnetError, hasCode } from '../../runtime/errors.ts'
import { endRequested } from '../../runtime/shutdown.ts'
import type { ConfigOptions } from '../config-options.ts'
import { type FleetVisit, visitFleet } from './fleet-visit.ts'
import { recordedRounds } from './recorded-rounds.ts'
import { ReplayedAgents } from './replayed-agents.ts'

export interface ReplayOptions extends ConfigOptions {
  readonly pace: 'rounds' | 'recorded'
  /** Of the recorded pace. */
  readonly speed: number
  readonly prefix: string
  readonly rounds?: number
  readonly force?: boolean
}

/** Retained messages come with the subscription; this is patience for a bad link. */
const LOOK_MS = 1500

/** `gainnet urp replay <series>`: a recorded fleet as if it were there. */
export async function runReplay(series: string, options: ReplayOptions): Promise<void> {
  const startedMs = systemClock.now()
  // Grows with each replay, as the numbers of an agent's lives do.
  const session = Math.floor(startedMs / 1000)
  await checkSeries(series)
  const visit = await visitFleet(options, { purpose: 'replay', session })
  const ending = new AbortController()
  void endRequested().then(signal => ending.abort(new Error(signal)))
  const startedAt = new Date(startedMs).toISOString()
  const agents = new ReplayedAgents(visit, { prefix: options.prefix, startedAt })
  const counts = { urps: 0, rounds: 0 }
  try {
    if (!options.force) await refuseLiveSite(visit, options.prefix)
    await agents.start()
    const run = options.pace === 'rounds' ? replayRounds : replayRecorded
    await run({ visit, agents, options, series, counts, signal: ending.signal })
  } catch (error) {
    if (!ending.signal.aborted) throw error
  } finally {
    // Where the connection is lost, what was left there is lost with it.
    await agents.leave().catch(() => undefined)
    await visit.close()
    clearLine()
  }
  const { urps, rounds } = counts
  const what = `${count(urps, 'URP')} of ${count(agents.count, 'agent')} in ${count(rounds, 'round')}`
  process.stdout.write(`replayed ${what}\n`)
}

interface Run {
  readonly visit: FleetVisit
  readonly agents: ReplayedAgents
  readonly options: ReplayOptions
  readonly series: string
  readonly counts: { urps: number; rounds: number }
  readonly signal: AbortSignal
}

/** Damage at its start is told before anybody is connected; also that there is something at all. */
async function checkSeries(series: string): Promise<void> {
  for await (const _ of readUrpSeries(series)) return
  throw new GainnetError('DATA_INVALID', `${series} holds no URP`)
}

/** With the rounds of the controller: each recorded round is offered for the coming one. */
async function replayRounds(run: Run): Promise<void> {
  const { visit, agents, options, series, counts, signal } = run
  const clock = new ClockFollower()
  await visit.wire.on('crClock', {}, body => clock.tell(body))
  await awaitController(visit)
  for await (const { entries } of recordedRounds(readUrpSeries(series, { onNote }))) {
    // A controller may wait for agents before it begins with its rounds.
    for (const entry of entries) await agents.bear(entry)
    // The round that runs has its URPs already.
    if (counts.rounds === 0) await clock.next(signal)
    if (counts.rounds >= (options.rounds ?? Number.POSITIVE_INFINITY)) return
    const { crId, startsAt, slots, slotMs } = await clock.next(signal)
    const validUntilMs = Date.parse(startsAt) + 2 * slots * slotMs
    const round = { crId: crId + 1, validUntil: new Date(validUntilMs).toISOString() }
    for (const entry of entries) {
      refuseOtherCut(entry, { slots, slotMs })
      await agents.publish(entry, { ...entry.urp, ...round })
      counts.urps += 1
    }
    counts.rounds += 1
    tell(counts)
  }
  // The last round is offered until it has begun.
  await clock.next(signal)
}

/** As it was received, word for word, at its pace or faster: for who only watches. */
async function replayRecorded({ agents, options, series, counts, signal }: Run): Promise<void> {
  const startMs = systemClock.now()
  const rounds = new Set<number>()
  let firstMs: number | undefined
  for await (const entry of readUrpSeries(series, { onNote })) {
    const receivedMs = Date.parse(entry.receivedAt)
    firstMs ??= receivedMs
    const isNew = !rounds.has(entry.urp.crId)
    if (isNew && rounds.size >= (options.rounds ?? Number.POSITIVE_INFINITY)) return
    await until(systemClock, startMs + (receivedMs - firstMs) / options.speed, signal)
    await agents.publish(entry)
    counts.urps += 1
    counts.rounds = rounds.add(entry.urp.crId).size
    tell(counts)
  }
}

/** The controller's clock, one announcement at a time. */
class ClockFollower {
  #newest: Body<'crClock'> | undefined
  #taken = -1
  #wake: () => void = () => undefined

  tell(clock: Body<'crClock'>): void {
    this.#newest = clock
    this.#wake()
  }

  /** The newest announcement that was not taken yet. */
  async next(signal?: AbortSignal): Promise<Body<'crClock'>> {
    for (;;) {
      signal?.throwIfAborted()
      const newest = this.#newest
      if (newest && newest.crId !== this.#taken) {
        this.#taken = newest.crId
        return newest
      }
      await new Promise<void>(resolve => {
        this.#wake = resolve
        signal?.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  }
}

/** One that is there has said so in a retained message. */
async function awaitController({ wire, config }: FleetVisit): Promise<void> {
  const { promise: there, resolve } = deferred<void>()
  const subscription = await wire.on('controllerState', {}, ({ state }) => {
    if (state === 'waiting' || state === 'running') resolve()
  })
  try {
    await withDeadline(there, { ms: LOOK_MS, what: 'state of the controller' })
  } catch (error) {
    if (!hasCode(error, 'DEADLINE_PASSED')) throw error
    throw new GainnetError(
      'DEADLINE_PASSED',
      `no controller at ${config.broker.url}, site ${config.site}, whose rounds to follow; ` +
        '--pace recorded needs none',
    )
  } finally {
    await subscription.unsubscribe()
  }
}

/** Replayed agents are matched like others: a fleet at work would lose rounds to them. */
async function refuseLiveSite({ wire, config }: FleetVisit, prefix: string): Promise<void> {
  const live = new Set<string>()
  const subscription = await wire.on('agentState', {}, ({ state }, { agentId }) => {
    const isOurs = prefix !== '' && agentId.startsWith(prefix)
    if (!isOurs && state !== 'lost' && state !== 'disconnected') live.add(agentId)
  })
  await until(systemClock, systemClock.now() + LOOK_MS)
  await subscription.unsubscribe()
  if (live.size === 0) return
  const names = [...live].sort().slice(0, 5).join(', ')
  const more = live.size > 5 ? ` and ${live.size - 5} more` : ''
  throw new GainnetError(
    'SITE_LIVE',
    `site ${config.site} at ${config.broker.url} has live agents: ${names}${more}`,
  )
}

function refuseOtherCut(
  { agentId, urp }: RecordedUrp,
  { slots, slotMs }: { readonly slots: number; readonly slotMs: number },
): void {
  if (urp.slots === slots && urp.slotMs === slotMs) return
  throw new GainnetError(
    'USAGE',
    `${agentId} was recorded with ${urp.slots} slots of ${urp.slotMs} ms, the controller has ` +
      `${slots} of ${slotMs}: set clock.slots and clock.slotMs of the controller to those`,
  )
}

function onNote(note: string): void {
  clearLine()
  process.stderr.write(`gainnet: ${note}\n`)
}

function tell({ urps, rounds }: Run['counts']): void {
  if (!process.stderr.isTTY) return
  process.stderr.write(`\r\u001b[K ${urps} URPs in ${rounds} rounds; Ctrl-C ends `)
}

function clearLine(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
}
