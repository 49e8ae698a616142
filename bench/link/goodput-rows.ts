import { median } from 'simple-statistics'
import type { BenchRow } from '../bench-report.ts'
import type { Cell, CellResult } from './cell.ts'
import { type GridResult, RATES } from './grid.ts'

/** Mathis et al. 1997: sqrt(3/2) for a receiver that acknowledges every packet. */
const MATHIS_CONSTANT = Math.sqrt(3 / 2)
const SEGMENT_BITS = 1448 * 8
/** CUBIC does somewhat better than the formula, which is of Reno. */
const MATHIS_MARGIN = 2

/**
 * What a transfer of TCP could have had. Where its congestion control must take loss for a queue and
 * cannot fill the link, that is what iperf3 got from the same link in the same minute; else what the
 * shaper lets through.
 */
export function truthOf({ cell, iperf3, shaped }: CellResult, congestionControl: string): number {
  return canFill(cell, congestionControl) ? shaped : iperf3
}

function canFill(
  { megabitsPerSecond, rttMs, lossShare }: Cell,
  congestionControl: string,
): boolean {
  if (congestionControl === 'bbr' || lossShare === 0) return true
  const bound = (MATHIS_CONSTANT * SEGMENT_BITS) / ((rttMs / 1000) * Math.sqrt(lossShare))
  return bound > MATHIS_MARGIN * megabitsPerSecond * 1e6
}

export function goodputRows({ cells, congestionControl }: GridResult): BenchRow[] {
  return RATES.flatMap(rate => {
    const ofRate = cells.filter(({ cell }) => cell.megabitsPerSecond === rate)
    const suffix = `${rate}mbit`
    // Where there was no answer the error is whole.
    const against = (truth: (result: CellResult) => number) => (result: CellResult) =>
      (result.ours ?? 0) / truth(result) - 1
    const error = against(result => truthOf(result, congestionControl))
    return [
      ...errorRow(`goodput.error.${suffix}`, ofRate, error),
      ...errorRow(
        `goodput.vs-iperf3.${suffix}`,
        ofRate,
        against(({ iperf3 }) => iperf3),
      ),
      ...errorRow(`iperf3.error.${suffix}`, ofRate, ({ iperf3, shaped }) => iperf3 / shaped - 1),
      ...errorRow(`capacity.error.${suffix}`, ofRate, ({ capacityShare }) =>
        capacityShare === undefined ? undefined : capacityShare - 1,
      ),
      ...errorRow(`rtt.error.${suffix}`, ofRate, ({ rttShare }) =>
        rttShare === undefined ? undefined : rttShare - 1,
      ),
    ]
  })
}

/** Median of the absolute relative differences; low and high are the least and the largest. */
function errorRow(
  name: string,
  cells: readonly CellResult[],
  difference: (result: CellResult) => number | undefined,
): BenchRow[] {
  const errors = cells
    .map(difference)
    .filter(known => known !== undefined)
    .map(Math.abs)
  if (errors.length === 0) return []
  return [
    {
      name,
      value: rounded(median(errors)),
      unit: 'of 1',
      low: rounded(Math.min(...errors)),
      high: rounded(Math.max(...errors)),
      n: errors.length,
    },
  ]
}

/** A line for each cell, so that a reader sees what hides behind a median. */
export function cellNote({ cell, ours, iperf3, shaped, failed }: CellResult): string {
  const { megabitsPerSecond, rttMs, lossShare, direction } = cell
  const megabits = (value: number | undefined) =>
    value === undefined ? 'no answer' : `${Number((value / 1e6).toPrecision(4))}`
  return [
    `${megabitsPerSecond} Mbit/s ${rttMs} ms ${lossShare * 100} % ${direction}:`,
    `ours ${megabits(ours)}, iperf3 ${megabits(iperf3)}, shaped ${megabits(shaped)} Mbit/s`,
    ...failed.map(reason => `(${reason})`),
  ].join(' ')
}

function rounded(value: number): number {
  return Number(value.toFixed(4))
}
