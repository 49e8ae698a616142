import type { Trace } from './trace-file.ts'

/**
 * Mean rate in each slot of a trace, in Mbit/s: a rate holds from the time stamp before it to its own.
 * NaN where less than half of the slot is known. A rate that is missing, negative or not finite and a
 * time stamp that does not go forward tell nothing.
 */
export function slotRates({ seconds, mbps }: Trace, slotSeconds: number): Float64Array {
  const times = seconds.flatMap(second => (second === null ? [] : [second]))
  const [startsAt = 0] = times
  const endsAt = Math.max(startsAt, ...times.slice(-1))
  const count = Math.floor((endsAt - startsAt) / slotSeconds + 1e-9)
  const sums = new Float64Array(count)
  const known = new Float64Array(count)
  let before = startsAt
  for (const [index, second] of seconds.entries()) {
    if (second === null || !(second > before)) continue
    const rate = mbps[index] ?? Number.NaN
    if (Number.isFinite(rate) && rate >= 0) {
      spread({ from: before - startsAt, to: second - startsAt, rate }, { sums, known, slotSeconds })
    }
    before = second
  }
  return sums.map((sum, slot) => {
    const seconds = known[slot] ?? 0
    return seconds >= slotSeconds / 2 - 1e-9 ? sum / seconds : Number.NaN
  })
}

function spread(
  piece: { readonly from: number; readonly to: number; readonly rate: number },
  slots: {
    readonly sums: Float64Array
    readonly known: Float64Array
    readonly slotSeconds: number
  },
): void {
  const { sums, known, slotSeconds } = slots
  let { from } = piece
  for (let slot = Math.floor(from / slotSeconds); slot < sums.length; slot++) {
    const end = Math.min(piece.to, (slot + 1) * slotSeconds)
    if (end > from) {
      sums[slot] = (sums[slot] ?? 0) + piece.rate * (end - from)
      known[slot] = (known[slot] ?? 0) + end - from
      from = end
    }
    if (end >= piece.to) return
  }
}

/** Mean of what is known; NaN where that is less than half. */
export function roundMean(slots: Float64Array): number {
  const known = slots.filter(rate => !Number.isNaN(rate))
  if (known.length * 2 < slots.length) return Number.NaN
  return known.reduce((sum, rate) => sum + rate, 0) / known.length
}
