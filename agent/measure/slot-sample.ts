import type { Matrix } from '../../protocol/matrix.ts'
import { systemClock, until } from '../../runtime/clock.ts'
import { forecastRound } from '../urp/forecast.ts'
import type { RoundLoad, SlotLoad } from '../urp/slot-load.ts'

/** Watches one round of slots from now on. */
export async function sampleRound(
  load: SlotLoad,
  { slots, slotMs }: { readonly slots: number; readonly slotMs: number },
): Promise<RoundLoad> {
  const startsAtMs = systemClock.now()
  for (let slot = 0; slot < slots; slot++) {
    load.edge(slot)
    await until(systemClock, startsAtMs + (slot + 1) * slotMs)
  }
  return load.edge(0) ?? load.current()
}

/**
 * The measured matrix; a cell that was missed gets the lower quartile of its column. Null where a
 * whole column was missed.
 */
export function filled(measured: Matrix): Matrix | null {
  const typical = forecastRound([measured], { quantile: 0.25 })
  if (!typical) return null
  const values = measured.values.map((value, index) =>
    Number.isNaN(value) ? (typical.values[index] ?? 0) : value,
  )
  return { ...measured, values }
}
