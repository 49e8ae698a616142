import { readFileSync } from 'node:fs'
import { Lab } from '../lab/lab.ts'
import { type Cell, type CellResult, HOSTS, measureCell } from './cell.ts'
import { ProbeEnds } from './probe-ends.ts'

/** Slow ones are no load for the machine, which may do other things meanwhile. */
export const SLOW_RATES: readonly number[] = [1, 10]
export const FAST_RATES: readonly number[] = [100, 300]
export const RATES = [...SLOW_RATES, ...FAST_RATES]
const RTTS_MS = [5, 20, 100] as const
const LOSSES = [0, 0.001, 0.01] as const

/** Every delay with every loss, the direction in turns; quick: each once, as in a Latin square. */
export function gridOf(megabitsPerSecond: number, { quick }: { readonly quick: boolean }): Cell[] {
  const cells = RTTS_MS.flatMap((rttMs, row) =>
    LOSSES.map((lossShare, column): Cell & { readonly isOnDiagonal: boolean } => ({
      megabitsPerSecond,
      rttMs,
      lossShare,
      direction: (row + column) % 2 === 0 ? 'down' : 'up',
      isOnDiagonal: row === column,
    })),
  )
  return cells
    .filter(({ isOnDiagonal }) => isOnDiagonal || !quick)
    .map(({ isOnDiagonal: _, ...cell }) => cell)
    .map((cell, index) => (quick && index === 1 ? { ...cell, direction: 'up' } : cell))
}

/** Where the machine itself is at its limits each cell is measured twice. */
function runsOf(rate: number, o: { readonly quick: boolean }): Cell[] {
  const cells = gridOf(rate, o)
  return FAST_RATES.includes(rate) && !o.quick ? [...cells, ...cells] : cells
}

export interface GridResult {
  readonly cells: readonly CellResult[]
  readonly congestionControl: string
}

/** Some rates, one after the other, on a wire between two hosts of their own. */
export async function measureGrid(o: {
  readonly rates: readonly number[]
  readonly quick: boolean
}): Promise<GridResult> {
  const lab = Lab.create({ name: `grid-${o.rates.join('-')}`, hosts: Object.values(HOSTS) })
  try {
    return await measureIn(lab, o)
  } finally {
    await lab.remove()
  }
}

async function measureIn(
  lab: Lab,
  { rates, quick }: { readonly rates: readonly number[]; readonly quick: boolean },
): Promise<GridResult> {
  const wire = lab.wire(HOSTS.board, HOSTS.edge)
  const congestionControl = await tuneTcp(lab)
  const ends = await ProbeEnds.start(lab, { ...HOSTS, address: wire.b.address })
  const rig = { lab, wire, ends, iperf3Seconds: quick ? 2 : 5 }
  const cells: CellResult[] = []
  try {
    for (const cell of rates.flatMap(rate => runsOf(rate, { quick }))) {
      const iperf3First = cells.length % 2 === 1
      cells.push(await measureCell(rig, cell, { iperf3First }))
    }
  } finally {
    ends.stop()
  }
  return { cells, congestionControl }
}

/**
 * BBR where the kernel has it, for both ends and for both programs, as ndt7 does: it models the link,
 * where others take each loss for a queue. Buffers of more than 4 MB, as a link of 300 Mbit/s and
 * 100 ms holds 3.75 MB, and as much again while losses are repaired.
 */
async function tuneTcp(lab: Lab): Promise<string> {
  const folder = '/proc/sys/net/ipv4'
  const available = readFileSync(`${folder}/tcp_available_congestion_control`, 'utf8')
  const chosen = /\bbbr\b/.test(available) ? 'bbr' : (available.split(' ')[0] ?? '').trim()
  const settings = {
    tcp_congestion_control: chosen,
    tcp_rmem: '4096 131072 33554432',
    tcp_wmem: '4096 131072 33554432',
  }
  const script = Object.entries(settings).map(
    ([name, value]) => `echo ${value} > ${folder}/${name}`,
  )
  for (const host of Object.values(HOSTS)) {
    await lab.run(host, 'sh', ['-c', script.join(' && ')])
  }
  return chosen
}
