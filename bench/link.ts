import { messageOf } from '../runtime/errors.ts'
import type { Bench, BenchResult } from './bench-report.ts'
import { whyNoLab } from './lab/lab-needs.ts'
import { measureWatch } from './link/change.ts'
import { cellNote, goodputRows } from './link/goodput-rows.ts'
import { FAST_RATES, measureGrid, SLOW_RATES } from './link/grid.ts'
import { measurePassive } from './link/passive.ts'

// A scheduler plans with these figures: what is 5 % off makes a round late or leaves 5 % unused, and
// what measuring takes is not there for models.
const GOALS = [
  'goals: goodput.error and goodput.vs-iperf3 at most 0.05, passive.error at most 0.1,',
  'bytes.share at most 0.01, change.detect at most 2',
].join(' ')

const READING = [
  'errors are shares of the truth, medians over cells of delay and loss; low and high: the least and the largest',
  'we and iperf3 take turns with the same congestion control; the delay is on the way back',
  'goodput: payload of TCP beside what tbf lets through of it (1448 of 1514 bytes); beside iperf3 where the congestion control cannot fill a link with such losses (Mathis et al. 1997)',
  'capacity: trains of UDP beside the rate of tbf; rtt: the least round trip beside the delay',
]

/** How true the link's figures are, on wires of which the truth is known. */
export const link: Bench = {
  name: 'link',
  description: 'figures of a link beside its shape and beside iperf3, in network namespaces',
  minutes: 12,
  async run({ quick }) {
    const reason = whyNoLab()
    if (reason) return { rows: [], notes: [reason] }
    // The daemons wait most of the time, and all of this at rates that are no load.
    const [slow, passive, watch] = await Promise.all([
      partOf('goodput', () => goodputResult({ rates: SLOW_RATES, quick })),
      partOf('passive', () => measurePassive({ quick })),
      partOf('watch', () => measureWatch({ quick })),
    ])
    const fast = await partOf('goodput', () => goodputResult({ rates: FAST_RATES, quick }))
    const parts = [slow, fast, passive, watch]
    return {
      rows: parts.flatMap(({ rows }) => rows),
      notes: [GOALS, ...READING, ...parts.flatMap(({ notes }) => notes)],
    }
  },
}

async function goodputResult(o: {
  readonly rates: readonly number[]
  readonly quick: boolean
}): Promise<BenchResult> {
  const grid = await measureGrid(o)
  const { congestionControl } = grid
  const notes = [`${o.rates.join(' and ')} Mbit/s: TCP with ${congestionControl} at both ends`]
  return { rows: goodputRows(grid), notes: [...notes, ...grid.cells.map(cellNote)] }
}

/** What went wrong in one part is said, and the others are measured all the same. */
async function partOf(name: string, measure: () => Promise<BenchResult>): Promise<BenchResult> {
  try {
    return await measure()
  } catch (error) {
    return { rows: [], notes: [`${name}: no figure: ${messageOf(error)}`] }
  }
}
