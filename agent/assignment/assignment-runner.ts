import type {
  Assignment,
  ConsumeOrder,
  PhaseInterval,
  SenseOrder,
} from '../../protocol/assignment.ts'
import type { BlobReference, ModelManifest } from '../../protocol/model-manifest.ts'
import type { UplinkPower, UplinkPowerUse } from '../../protocol/uplink-power.ts'
import type { Clock } from '../../runtime/clock.ts'
import { codedMessageOf, hasCode, messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Stoppable } from '../../runtime/shutdown.ts'
import { type CrSchedule, crEndMs, scheduleOf } from '../cr-schedule.ts'
import { TransferPace } from '../limits/transfer-pace.ts'
import type { Samples } from '../samples/samples.ts'
import type { Sensor } from '../sensors/sensor.ts'
import type { UploadOutcome } from '../transfer/update-upload.ts'
import { consumeRound, consumptionRefusal, type LearnedUpdate } from './consumption.ts'
import { phaseUse } from './phase-use.ts'
import { Residuals } from './residuals.ts'
import { SensedRounds, senseRound } from './sensing.ts'
import { SlotGate } from './slot-gate.ts'
import { type ReportStatus, StatusReporter } from './status-reporter.ts'
import type { TrainerPool } from './trainer-pool.ts'

export interface AssignmentRunnerOptions {
  readonly clock: Clock
  /** Controller's clock minus ours, in ms. */
  readonly offsetMs: () => number
  readonly sensors: readonly Sensor[]
  readonly samples: Samples
  readonly trainers: TrainerPool
  readonly memoryBytesMax: number
  readonly fetchBlob: (
    reference: BlobReference,
    o: {
      readonly untilMs: number
      readonly signal: AbortSignal
      readonly pace: TransferPace | undefined
    },
  ) => Promise<Uint8Array>
  /** Keeps the update durably and sends it; resolves with what the controller made of it. */
  readonly upload: (update: LearnedUpdate, pace: TransferPace | undefined) => Promise<UploadOutcome>
  /** Does with the advice on the uplink's power what the radio and its regulator allow. */
  readonly applyPower?: (advice: UplinkPower) => Promise<UplinkPowerUse>
  readonly report: ReportStatus
  readonly onBusy: (isBusy: boolean) => void
  readonly log: Logger
}

/**
 * Carries out the assignments of one communication round after the other: sensing for GAI round r
 * and consuming what was sensed for r - 1 run side by side (Zeros), each in its own slots. Where both
 * are of one GAI round, the second waits for the first (serial).
 */
export class AssignmentRunner implements Stoppable {
  readonly #options: AssignmentRunnerOptions
  readonly #sensed = new SensedRounds()
  readonly #manifests = new Map<string, ModelManifest>()
  readonly #residuals = new Residuals()
  readonly #work = new Set<Promise<unknown>>()
  #latest = { session: 0, crId: -1 }
  #abort = new AbortController()

  constructor(options: AssignmentRunnerOptions) {
    this.#options = options
  }

  onManifest(manifest: ModelManifest): void {
    this.#manifests.set(manifest.modelId, manifest)
  }

  /**
   * An assignment comes again after a reconnect; each is taken once, and only in its own CR or in
   * the slot before: clocks that drifted apart may say that the CR has not begun.
   */
  onAssignment(assignment: Assignment, announced: CrSchedule): void {
    const { clock, log } = this.#options
    const { session, crId } = assignment
    const schedule = scheduleOf(announced, crId)
    const nowMs = clock.now()
    const isItsTime = nowMs >= schedule.startsAtMs - schedule.slotMs && nowMs < crEndMs(schedule)
    if (!isItsTime || !this.#isNew(assignment)) {
      log.debug({ crId, startsInMs: schedule.startsAtMs - nowMs }, 'assignment ignored')
      return
    }
    this.#latest = { session, crId }
    // What is still unfinished of the round before has missed its deadline.
    this.#abort.abort(new Error('the communication round is over'))
    this.#abort = new AbortController()
    const { signal } = this.#abort
    const gate = new SlotGate({ schedule, clock, signal })
    log.info(
      {
        crId,
        sense: assignment.sense?.modelId,
        consume: assignment.consume?.modelId,
        reason: assignment.reason,
      },
      'assigned',
    )
    const { sense, consume } = assignment
    // A serial round consumes what it senses itself; in Zeros the two are of different rounds.
    const isSerial = consume !== null && consume.grId === sense?.grId
    if (consume && !isSerial) this.#start(this.#consume(consume, schedule, gate, signal))
    if (!sense) return
    const sensing = this.#sense(sense, crId, gate, signal)
    const consuming = () => consume && this.#consume(consume, schedule, gate, signal)
    this.#start(isSerial ? sensing.then(consuming) : sensing)
  }

  /** A controller that lost its memory counts its rounds from 1 again, in a later session. */
  #isNew({ session, crId }: Assignment): boolean {
    const latest = this.#latest
    return session > latest.session || (session === latest.session && crId > latest.crId)
  }

  async stop(): Promise<void> {
    this.#abort.abort(new Error('the agent stops'))
    await Promise.allSettled(this.#work)
  }

  #start(work: Promise<unknown>): void {
    const ended = work.finally(() => {
      this.#work.delete(ended)
      if (this.#work.size === 0) this.#options.onBusy(false)
    })
    this.#work.add(ended)
    this.#options.onBusy(true)
  }

  async #sense(
    order: SenseOrder,
    crId: number,
    gate: SlotGate,
    signal: AbortSignal,
  ): Promise<void> {
    const { sensors, clock, report, log } = this.#options
    const { grId, modelId } = order
    const status = new StatusReporter({ crId, grId, modelId, part: 'sense' }, report)
    const sensor = sensors.find(({ id }) => id === order.sensor)
    const manifest = this.#manifests.get(modelId)
    if (!sensor) {
      status.refused(
        `no sensor ${order.sensor}; there are ${sensors.map(({ id }) => id).join(', ')}`,
      )
      return
    }
    if (!manifest) {
      status.refused(`no manifest of model ${modelId} has come`)
      return
    }
    status.accepted()
    try {
      const { takes } = manifest
      const { samples } = this.#options
      const context = { order, sensor, takes, gate, clock, signal }
      const { round, bytes, use } = await senseRound({ ...context, samples })
      this.#sensed.put(round)
      status.done({
        sampleCount: round.sampleCount,
        interval: this.#interval('sense', round.startedAtMs, { bytes, use }),
      })
    } catch (error) {
      log.warn({ crId, sensor: sensor.id, reason: messageOf(error) }, 'sensing failed')
      status.failed(codedMessageOf(error), 'sense')
    }
  }

  async #consume(
    order: ConsumeOrder,
    schedule: CrSchedule,
    gate: SlotGate,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, report, log, trainers, memoryBytesMax } = this.#options
    const { grId, modelId } = order
    const { crId } = schedule
    const status = new StatusReporter({ crId, grId, modelId, part: 'consume' }, report)
    const sensed = this.#sensed.take(grId)
    const manifest = this.#manifests.get(modelId)
    const deadlineMs = crEndMs(schedule)
    const nowMs = clock.now()
    const refusal = consumptionRefusal({
      order,
      manifest,
      sensed,
      nowMs,
      deadlineMs,
      memoryBytesMax,
    })
    if (refusal !== null || !sensed || !manifest) {
      status.refused(refusal ?? 'not possible')
      return
    }
    status.accepted()
    const loan = trainers.lend()
    // Whoever fails before it is used does not look at it.
    loan.trainer.catch(() => undefined)
    const at: { phase: PhaseInterval['phase'] } = { phase: 'download' }
    try {
      const update = await consumeRound({
        crId,
        order,
        manifest,
        sensed,
        store: this.#options.samples.store,
        gate,
        loan,
        memoryBytesMax,
        residual: this.#residuals.get(modelId),
        clock,
        signal,
        fetchBlob: (reference, pace) =>
          this.#options.fetchBlob(reference, { untilMs: deadlineMs, signal, pace }),
        interval: (name, startedAtMs, more) => this.#interval(name, startedAtMs, more),
        onPhase: name => {
          at.phase = name
          status.progress(name)
        },
      })
      loan.release()
      at.phase = 'upload'
      await this.#upload(update, order, { gate, status, signal })
    } catch (error) {
      loan.release()
      log.warn({ crId, phase: at.phase, reason: messageOf(error) }, 'consumption failed')
      if (hasCode(error, 'MEMORY_EXCEEDED')) status.refused(error.message)
      else status.failed(codedMessageOf(error), at.phase)
    }
  }

  async #upload(
    update: LearnedUpdate,
    order: ConsumeOrder,
    o: {
      readonly gate: SlotGate
      readonly status: StatusReporter
      readonly signal: AbortSignal
    },
  ): Promise<void> {
    const { clock, upload } = this.#options
    const [{ gate }, slots] = [o, order.uploadSlots]
    const time = await gate.enter(slots)
    o.status.progress('upload')
    const uplinkPower = order.uplinkPower && (await this.#options.applyPower?.(order.uplinkPower))
    const startedAtMs = clock.now()
    const pace = TransferPace.of(clock, { bits: order.uploadBitsMax, ...time })
    // It is on disk by now and goes on without us.
    const answer = await Promise.race([upload(update, pace), abortOf(o.signal)])
    if (answer.status !== 'stored') {
      o.status.failed(`update ${answer.status}: ${answer.reason ?? 'no reason given'}`, 'upload')
      return
    }
    this.#residuals.keep(order.modelId, update.residual)
    o.status.done({
      sampleCount: update.learned.sampleCount,
      ...(uplinkPower ? { uplinkPower } : {}),
      interval: this.#interval('upload', startedAtMs, {
        bytes: update.payload.length,
        use: phaseUse({ gate, slots, startedAtMs, endedAtMs: clock.now(), pace }),
      }),
    })
  }

  /** From then to now, on the controller's clock. */
  #interval(
    phase: PhaseInterval['phase'],
    startedAtMs: number,
    more: Pick<PhaseInterval, 'cpuSeconds' | 'bytes' | 'use'> = {},
  ): PhaseInterval {
    const { clock, offsetMs } = this.#options
    const written = (ms: number): string => new Date(ms + offsetMs()).toISOString()
    return { phase, startedAt: written(startedAtMs), endedAt: written(clock.now()), ...more }
  }
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
