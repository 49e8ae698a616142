import type { RowForm } from '../../protocol/row-form.ts'
import type { SampleSpec } from '../../protocol/sample-spec.ts'
import { GainnetError } from '../../runtime/errors.ts'
import { countWindows } from '../../training/samples/row-windows.ts'
import type { Segment } from '../sensors/sensor.ts'
import type { SampleStore } from './sample-store.ts'

/** What was sensed in one communication round, to be consumed in another. */
export interface SensedRows {
  readonly sensor: string
  readonly form: RowForm
  /** Number of the recording in the store; 0 where only memory has it. */
  readonly sequence: number
  /** Only where the store has not taken it. */
  readonly segments: readonly Segment[] | null
}

/** Older recordings that are looked through at most: a bound on what is read for one round. */
const OLDER_MAX = 64

/**
 * The rows to train on: those that were sensed for the round, and where the order asks for more
 * samples than they hold, older ones of the same sensor, the newest first.
 */
export async function trainingRows(o: {
  readonly sensed: SensedRows
  readonly takes: SampleSpec
  readonly sampleCount: number
  readonly store: SampleStore
}): Promise<readonly Segment[]> {
  const { sensed, takes, sampleCount, store } = o
  const fresh = sensed.segments ?? (await store.read(sensed.sequence))
  if (!fresh) throw new GainnetError('TRAINING_FAILED', 'what was sensed is no longer stored')
  const segments = [...fresh]
  let count = countWindows(fresh, takes)
  if (sensed.sequence === 0) return segments
  const older = store.olderThan(sensed.sequence, sensed.sensor, sensed.form).slice(0, OLDER_MAX)
  for (const sequence of older) {
    if (count >= sampleCount) break
    const more = (await store.read(sequence)) ?? []
    segments.push(...more)
    count += countWindows(more, takes)
  }
  return segments
}
