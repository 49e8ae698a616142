import type { SenseOrder } from '../../protocol/assignment.ts'
import type { Clock } from '../../runtime/clock.ts'
import { rowCount, type Segment, type Sensor } from '../sensors/sensor.ts'
import type { SlotGate } from './slot-gate.ts'

/** What was sensed for one GAI round and waits to be consumed in the next CR. */
export interface SensedRound {
  readonly grId: number
  readonly modelId: string
  readonly segments: readonly Segment[]
  readonly sampleCount: number
  readonly startedAtMs: number
  readonly endedAtMs: number
}

/** GAI rounds that are kept: the one being sensed, the one being consumed, and one for lateness. */
const ROUNDS_KEPT = 3

/** Senses for one GAI round in the slots of its order. */
export async function senseRound(o: {
  readonly order: SenseOrder
  readonly sensor: Sensor
  /** Bytes before the first sample is complete: the context of the model. */
  readonly contextBytes: number
  readonly gate: SlotGate
  readonly clock: Clock
  readonly signal: AbortSignal
}): Promise<SensedRound> {
  const { order, sensor, contextBytes, gate, clock, signal } = o
  const { endsAtMs } = await gate.enter(order.slots)
  const startedAtMs = clock.now()
  const { segments } = await sensor.record({
    untilMs: endsAtMs,
    rowsMax: order.samplesWanted + contextBytes,
    signal,
  })
  return {
    grId: order.grId,
    modelId: order.modelId,
    segments,
    sampleCount: Math.max(0, rowCount({ segments }) - contextBytes),
    startedAtMs,
    endedAtMs: clock.now(),
  }
}

/** The sensed rounds of this life of the agent, in memory: private data, gone when it ends. */
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
