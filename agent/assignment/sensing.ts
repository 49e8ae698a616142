import type { PhaseUse, SenseOrder } from '../../protocol/assignment.ts'
import { rowsFor, type SampleSpec } from '../../protocol/sample-spec.ts'
import type { Clock } from '../../runtime/clock.ts'
import { countWindows } from '../../training/samples/row-windows.ts'
import type { Samples } from '../samples/samples.ts'
import type { SensedRows } from '../samples/training-rows.ts'
import { rowCount, type Segment, type Sensor } from '../sensors/sensor.ts'
import type { SlotGate } from './slot-gate.ts'

/** What was sensed for one GAI round and waits to be consumed in the next CR. */
export interface SensedRound extends SensedRows {
  readonly grId: number
  readonly modelId: string
  readonly sampleCount: number
  readonly startedAtMs: number
  readonly endedAtMs: number
}

/** What came of an order to sense. */
export interface Sensing {
  readonly round: SensedRound
  readonly bytes: number
  readonly use: PhaseUse
}

/** GAI rounds that are kept: the one being sensed, the one being consumed, and one for lateness. */
const ROUNDS_KEPT = 3

export interface SensingContext {
  readonly order: SenseOrder
  readonly sensor: Sensor
  /** How the model's samples are cut. */
  readonly takes: SampleSpec
  readonly gate: SlotGate
  readonly samples: Samples
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Senses for one GAI round in the slots of its order, and stores what came. */
export async function senseRound(context: SensingContext): Promise<Sensing> {
  const { order, sensor, takes, samples } = context
  const rowsWanted = rowsFor(takes, order.samplesWanted)
  const ratePerSecond = sensor.figures()?.rowsPerSecond ?? 0
  const { segments, recordedMs, grantedMs, startedAtMs } = await recordRuns(context, rowsWanted)
  const endedAtMs = context.clock.now()
  const [{ id, form }, rows] = [sensor, rowCount({ segments })]
  const sequence = await samples.store.put({ sensor: id, form, segments })
  const rate = Math.min(ratePerSecond, order.rowsPerSecond ?? Number.POSITIVE_INFINITY)
  const promised = Math.min(rowsWanted, (rate * grantedMs) / 1000)
  samples.delivered.note(id, { delivered: rows, promised })
  return {
    round: {
      grId: order.grId,
      modelId: order.modelId,
      sensor: id,
      form,
      sequence,
      segments: sequence === 0 ? segments : null,
      sampleCount: countWindows(segments, takes),
      startedAtMs,
      endedAtMs,
    },
    bytes: segments.reduce((sum, one) => sum + one.rows.length, 0),
    use: {
      slots: {
        used: inSlots(recordedMs, context.gate),
        granted: inSlots(grantedMs, context.gate),
      },
      rows: { used: rows, granted: rowsWanted },
    },
  }
}

interface RecordedRuns {
  readonly segments: readonly Segment[]
  /** Time that was recorded, and time that was granted. */
  readonly recordedMs: number
  readonly grantedMs: number
  readonly startedAtMs: number
}

/** Run after run of slots; between them the sensor is left alone, so that each is a segment. */
async function recordRuns(context: SensingContext, rowsWanted: number): Promise<RecordedRuns> {
  const { order, sensor, gate, samples, clock, signal } = context
  const segments: Segment[] = []
  let [recordedMs, grantedMs] = [0, 0]
  let startedAtMs: number | undefined
  for (const run of order.slots) {
    const rowsMax = rowsWanted - rowCount({ segments })
    if (rowsMax <= 0) break
    const { endsAtMs } = await gate.enter(run)
    const fromMs = clock.now()
    startedAtMs ??= fromMs
    const recording = await samples.labelling.record(sensor, {
      untilMs: endsAtMs,
      rowsMax,
      ...(order.rowsPerSecond === undefined ? {} : { rowsPerSecond: order.rowsPerSecond }),
      ...(order.blocks === undefined ? {} : { blocks: order.blocks }),
      signal,
    })
    segments.push(...recording.segments)
    recordedMs += clock.now() - fromMs
    grantedMs += Math.max(0, endsAtMs - fromMs)
  }
  return { segments, recordedMs, grantedMs, startedAtMs: startedAtMs ?? clock.now() }
}

function inSlots(ms: number, { slotMs }: SlotGate): number {
  return Number((ms / slotMs).toFixed(3))
}

/** Which rounds this life of the agent has sensed; their rows lie in the sample store. */
export class SensedRounds {
  readonly #rounds = new Map<number, SensedRound>()

  put(round: SensedRound): void {
    this.#rounds.set(round.grId, round)
    for (const grId of this.#rounds.keys()) {
      if (this.#rounds.size > ROUNDS_KEPT) this.#rounds.delete(grId)
    }
  }

  take(grId: number): SensedRound | undefined {
    const round = this.#rounds.get(grId)
    this.#rounds.delete(grId)
    return round
  }
}
