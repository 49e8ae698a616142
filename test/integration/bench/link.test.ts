import { expect, test } from 'vitest'
import { Lab } from '../../../bench/lab/lab.ts'
import { whyNoLab } from '../../../bench/lab/lab-needs.ts'
import { type Cell, HOSTS, measureCell } from '../../../bench/link/cell.ts'
import { cellNote, goodputRows } from '../../../bench/link/goodput-rows.ts'
import { ProbeEnds } from '../../../bench/link/probe-ends.ts'

const reason = whyNoLab()

test.skipIf(reason)(
  `ours and iperf3 take turns on one wire and end in rows${reason ? ` (skipped: ${reason})` : ''}`,
  async () => {
    const lab = Lab.create({ name: 'bench', hosts: Object.values(HOSTS) })
    try {
      const wire = lab.wire(HOSTS.board, HOSTS.edge)
      const ends = await ProbeEnds.start(lab, { ...HOSTS, address: wire.b.address })
      const rig = { lab, wire, ends, iperf3Seconds: 1 }
      const cell: Cell = { megabitsPerSecond: 10, rttMs: 20, lossShare: 0, direction: 'up' }
      const measured = await measureCell(rig, cell, { iperf3First: true })
      ends.stop()
      expect(measured).toMatchObject({ cell, failed: [], bytesSpent: expect.any(Number) })
      const rows = goodputRows({ cells: [measured], congestionControl: 'bbr' })
      expect(rows.map(({ name }) => name)).toContain('goodput.error.10mbit')
      // Far more than is asked of the bench: only that both measured this wire.
      for (const { value } of rows) expect(value, cellNote(measured)).toBeLessThan(0.5)
      expect(rows).toHaveLength(5)
    } finally {
      await lab.remove()
    }
  },
)
