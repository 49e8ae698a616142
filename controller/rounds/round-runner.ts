import type { AssignmentStatus, SenseOrder } from '../../protocol/assignment.ts'
import type { Content } from '../../protocol/messages.ts'
import type { RoundContribution } from '../../protocol/round-record.ts'
import type { Urp } from '../../protocol/urp.ts'
import { allEnded } from '../../runtime/all-ended.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import { messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Stoppable } from '../../runtime/shutdown.ts'
import type { Schedule } from '../orchestrate/graph-inputs.ts'
import type { CrCounter } from './cr-counter.ts'
import { ReportedUploads } from './reported-uploads.ts'
import {
  type AgentAssignment,
  openRound,
  type RoundEffect,
  type RoundEvent,
  type RoundState,
  type StoredContribution,
  stepRound,
} from './round-machine.ts'
import type { PlanInputs, RoundPlan } from './round-planner.ts'
import { SensedRounds } from './sensed-rounds.ts'

/** Rounds whose machine is kept, so that what comes late finds its round and is answered. */
const ROUNDS_KEPT = 4
/** Part of the control slot in which URPs and sensing reports are awaited at most. */
const COLLECT_SHARE = 0.75
/** Part of the control slot after which averages of the last CR are no longer awaited. */
const CLOSE_SHARE = 0.7
/** From the announcement of the first round to its start: agents take a first look at their load. */
const FIRST_LEAD_MS = 2500

/** Everything that a round does to the world; the runner decides when. */
export interface RoundActions {
  announce(clock: Content<'crClock'>): Promise<void>
  plan(
    o: Pick<
      PlanInputs,
      'crId' | 'nowMs' | 'slots' | 'slotMs' | 'urps' | 'sensed' | 'maySense' | 'roundsLeft'
    >,
  ): RoundPlan
  publishAssignments(assignments: readonly AgentAssignment[]): Promise<void>
  /** Averages, stores and publishes; rejects with the reason. */
  aggregate(
    modelId: string,
    contributions: readonly StoredContribution[],
    round: AggregatingRound,
  ): Promise<void>
  /** The record of a finished round; called once a round, in order. */
  record(o: FinishedRound): Promise<void>
  answerLate(o: {
    readonly crId: number
    readonly agentId: string
    readonly grId: number
    readonly lateMs: number
  }): void
}

/** The round that an average is made for. */
export interface AggregatingRound {
  /** It has gone on without the average, which must not become a version any more. */
  isOverdue(): boolean
  /** The average is a version from now on, whenever the broker has it. */
  onCommitted(): void
}

export interface FinishedRound {
  readonly crId: number
  readonly startedAtMs: number
  readonly endedAtMs: number
  readonly plan: RoundPlan | null
  readonly contributions: readonly RoundContribution[]
  readonly sensed: SensedRounds
  readonly uploads: ReportedUploads
}

export interface RoundRunnerOptions {
  readonly clock: Clock
  readonly counter: CrCounter
  readonly slots: number
  readonly slotMs: number
  /** Zeros where absent. */
  readonly schedule?: Schedule
  /** GAI rounds to run; unlimited where left out. In Zeros the last one is consumed in one CR more. */
  readonly limit?: number | undefined
  readonly actions: RoundActions
  /** Agents that are expected to send a URP. */
  readonly present: () => readonly string[]
  readonly onFinished: () => void
  readonly log: Logger
}

interface LiveRound {
  state: RoundState
  startsAtMs: number
  plan: RoundPlan | null
}

/**
 * Runs communication rounds one after the other on a fixed grid of time: feeds the round machines
 * with what happens, and performs what they ask for.
 */
export class RoundRunner implements Stoppable {
  readonly #options: RoundRunnerOptions
  readonly #rounds = new Map<number, LiveRound>()
  readonly #sensed = new SensedRounds()
  readonly #uploads = new ReportedUploads()
  #timer: Timer | undefined
  #collectTimer: Timer | undefined
  #current = 0
  #count = 0
  #afterCollecting: (() => void) | null = null
  /** Closed rounds whose records wait for what agents still say of their sensing. */
  #unrecorded: FinishedRound[] = []
  #recording: Promise<unknown> = Promise.resolve()
  #aggregating: Promise<unknown> = Promise.resolve()
  #isStopped = false

  constructor(options: RoundRunnerOptions) {
    this.#options = options
  }

  /** Announces the first round, which starts shortly after. */
  async start(): Promise<void> {
    const { clock, counter } = this.#options
    const startsAtMs = clock.now() + FIRST_LEAD_MS
    const crId = await counter.next()
    this.#open(crId, startsAtMs)
    await this.#announce(crId, startsAtMs)
    this.#timer = clock.at(startsAtMs, () => this.#guard(this.#onBoundary(crId, startsAtMs)))
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#collectTimer?.cancel()
    this.#record()
  }

  /** GAI rounds of one order, with what the agents said of them. */
  get sensed(): SensedRounds {
    return this.#sensed
  }

  /** What agents said of their uploads, for the records. */
  get uploads(): ReportedUploads {
    return this.#uploads
  }

  /** What happened to a round: reports of agents, stored updates. */
  dispatch(event: RoundEvent): void {
    const rounds = 'crId' in event ? [event.crId] : [...this.#rounds.keys()]
    for (const crId of rounds) this.#step(crId, event)
    this.#checkCollected()
  }

  onUrp(agentId: string, urp: Urp): void {
    this.dispatch({ type: 'urp-received', crId: urp.crId, agentId, urp })
  }

  onSenseStatus(agentId: string, message: AssignmentStatus): void {
    this.#sensed.onStatus(agentId, message)
    this.#checkCollected()
  }

  onConsumeStatus(agentId: string, message: AssignmentStatus): void {
    this.#uploads.onStatus(agentId, message)
  }

  /** A new life of an agent: what the old one had sensed was in its memory only. */
  onBorn(agentId: string): void {
    this.#sensed.forget(agentId)
    this.onDied(agentId, 'the agent was started anew')
  }

  /** Gone, perhaps only for the time of a reconnect. */
  onDied(agentId: string, reason: string): void {
    this.dispatch({ type: 'agent-died', agentId, reason })
  }

  /** The end of one CR and the start of the next are one moment. */
  async #onBoundary(crId: number, startsAtMs: number): Promise<void> {
    const { clock, slots, slotMs, counter } = this.#options
    const previous = this.#current
    this.#current = crId
    this.#count += 1
    if (previous > 0) await this.#closeRound(previous, startsAtMs)
    const isOver = this.#count > this.#crsMax
    if (this.#isStopped || isOver) this.#record()
    if (this.#isStopped) return
    if (isOver) {
      this.#rounds.delete(crId)
      // Who hears of the end may look for every record.
      await this.#recording
      if (!this.#isStopped) this.#options.onFinished()
      return
    }
    const endsAtMs = startsAtMs + slots * slotMs
    const nextId = await counter.next()
    this.#open(nextId, endsAtMs)
    this.#timer = clock.at(endsAtMs, () => this.#guard(this.#onBoundary(nextId, endsAtMs)))
    if (previous > 0) this.#guard(this.#announce(crId, startsAtMs))
    await this.#collected(startsAtMs + COLLECT_SHARE * slotMs)
    this.#record()
    if (!this.#isStopped) this.#step(crId, { type: 'cr-started', crId })
  }

  /** Ends a round and waits, within its bound, until its averages are published. */
  async #closeRound(crId: number, endedAtMs: number): Promise<void> {
    const { clock, slotMs } = this.#options
    this.#step(crId, { type: 'cr-ended', crId, endedAtMs })
    const deadlineMs = endedAtMs + CLOSE_SHARE * slotMs
    const overdue = clock.at(deadlineMs, () =>
      this.#step(crId, { type: 'aggregation-overdue', crId }),
    )
    await this.#isDone(crId)
    overdue.cancel()
    await this.#published(deadlineMs)
  }

  /** Resolves when the broker has what was averaged, or at the time. */
  #published(untilMs: number): Promise<void> {
    return new Promise(resolve => {
      const timer = this.#options.clock.at(untilMs, resolve)
      void this.#aggregating.then(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  get #crsMax(): number {
    const { limit = Number.POSITIVE_INFINITY, schedule } = this.#options
    return schedule === 'serial' ? limit : limit + 1
  }

  readonly #doneWaits = new Map<number, () => void>()

  #isDone(crId: number): Promise<void> {
    const round = this.#rounds.get(crId)
    if (!round || round.state.phase === 'done') return Promise.resolve()
    return new Promise(resolve => this.#doneWaits.set(crId, resolve))
  }

  /** Resolves when every present agent has reported, or at the time. */
  #collected(untilMs: number): Promise<void> {
    return new Promise(resolve => {
      const end = (): void => {
        this.#collectTimer?.cancel()
        this.#afterCollecting = null
        resolve()
      }
      this.#afterCollecting = end
      this.#collectTimer = this.#options.clock.at(untilMs, end)
      this.#checkCollected()
    })
  }

  #checkCollected(): void {
    const round = this.#rounds.get(this.#current)
    if (!this.#afterCollecting || round?.state.phase !== 'collecting') return
    const { urps } = round.state
    const present = this.#options.present()
    const isComplete = present.every(agentId => urps.has(agentId))
    const awaited = this.#sensed.unsettled.filter(agentId => present.includes(agentId))
    if (isComplete && awaited.length === 0) this.#afterCollecting()
  }

  #open(crId: number, startsAtMs: number): void {
    this.#rounds.set(crId, { state: openRound(crId), startsAtMs, plan: null })
    for (const old of this.#rounds.keys()) {
      if (this.#rounds.size > ROUNDS_KEPT) this.#rounds.delete(old)
    }
  }

  async #announce(crId: number, startsAtMs: number): Promise<void> {
    const { actions, slots, slotMs } = this.#options
    const startsAt = new Date(startsAtMs).toISOString()
    await actions.announce({ crId, startsAt, slots, slotMs })
  }

  #step(crId: number, event: RoundEvent): void {
    const round = this.#rounds.get(crId)
    if (!round) return
    const before = round.state.phase
    const { state, effects } = stepRound(round.state, event)
    round.state = state
    if (state.phase !== before) {
      this.#options.log.debug({ crId, from: before, to: state.phase }, 'round phase changed')
    }
    for (const effect of effects) this.#perform(round, effect)
    if (state.phase !== 'done') return
    this.#doneWaits.get(crId)?.()
    this.#doneWaits.delete(crId)
  }

  #perform(round: LiveRound, effect: RoundEffect): void {
    const { actions } = this.#options
    switch (effect.type) {
      case 'match':
        this.#match(round, effect.crId, effect.urps)
        break
      case 'publish-assignments':
        this.#guard(actions.publishAssignments(effect.assignments))
        break
      case 'aggregate':
        this.#aggregating = allEnded(this.#aggregating, this.#aggregate(round, effect))
        break
      case 'answer-late':
        actions.answerLate(effect)
        break
      case 'publish-record':
        this.#unrecorded.push({
          crId: round.state.crId,
          startedAtMs: round.startsAtMs,
          endedAtMs: this.#options.clock.now(),
          plan: round.plan,
          contributions: effect.contributions,
          sensed: this.#sensed,
          uploads: this.#uploads,
        })
    }
  }

  #record(): void {
    const rounds = this.#unrecorded
    this.#unrecorded = []
    for (const round of rounds) {
      const recorded = this.#options.actions.record(round)
      this.#recording = allEnded(this.#recording, recorded)
      this.#guard(recorded)
    }
  }

  #match(round: LiveRound, crId: number, urps: ReadonlyMap<string, Urp>): void {
    const { actions, slots, slotMs, clock, limit } = this.#options
    const plan = actions.plan({
      crId,
      urps,
      sensed: this.#sensed.take(),
      nowMs: clock.now(),
      slots,
      slotMs,
      maySense: limit === undefined || this.#count <= limit,
      ...(limit === undefined ? {} : { roundsLeft: Math.max(1, limit - this.#count + 1) }),
    })
    round.plan = plan
    const orders = new Map<string, SenseOrder>()
    for (const { agentId, assignment } of plan.assignments) {
      if (assignment.sense) orders.set(agentId, assignment.sense)
    }
    this.#sensed.begin(orders)
    this.#step(crId, { type: 'matched', crId, assignments: plan.assignments })
  }

  async #aggregate(
    round: LiveRound,
    effect: Extract<RoundEffect, { type: 'aggregate' }>,
  ): Promise<void> {
    const { crId, modelId, contributions } = effect
    const onCommitted = (): void => this.#step(crId, { type: 'aggregated', crId, modelId })
    const isOverdue = (): boolean => round.state.phase !== 'closing'
    try {
      await this.#options.actions.aggregate(modelId, contributions, { isOverdue, onCommitted })
    } catch (error) {
      const reason = messageOf(error)
      this.#options.log.error({ crId, modelId, err: error }, 'aggregation failed')
      this.#step(crId, { type: 'aggregation-failed', crId, modelId, reason })
    }
  }

  #guard(work: Promise<unknown>): void {
    work.catch(err => this.#options.log.error({ err }, 'round action failed'))
  }
}
