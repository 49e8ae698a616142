import type { Bench, BenchResult } from './bench-report.ts'
import { Lab } from './lab/lab.ts'
import { whyNoLab } from './lab/lab-needs.ts'
import { HOSTS } from './link/cell.ts'
import { cellNote, goodputRows } from './link/goodput-rows.ts'
import { measureGrid } from './link/grid.ts'

const GOALS =
  'goals: goodput.error, goodput.vs-iperf3 below 0.05, passive.error below 0.1, bytes.share below 0.01, change.detect at most 2'

/** How true the link's figures are, on wires of which the truth is known. */
export const link: Bench = {
  name: 'link',
  description: 'figures of a link beside its shape and beside iperf3, in network namespaces',
  minutes: 10,
  async run({ quick }) {
    const reason = whyNoLab()
    if (reason) return { rows: [], notes: [reason] }
    return measureAll({ quick })
  },
}

async function measureAll({ quick }: { readonly quick: boolean }): Promise<BenchResult> {
  const lab = Lab.create({ name: 'grid', hosts: Object.values(HOSTS) })
  const grid = await measureGrid(lab, { quick }).finally(() => lab.remove())
  return {
    rows: goodputRows(grid),
    notes: [
      GOALS,
      'errors are shares of the truth, medians over cells; low and high: the least and the largest',
      `TCP with ${grid.congestionControl} for both; truth: what tbf lets through as payload of TCP (1448 of 1514)`,
      ...grid.cells.map(cellNote),
    ],
  }
}
