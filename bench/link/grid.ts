import { readFileSync } from 'node:fs'
import type { Lab } from '../lab/lab.ts'
import { type Cell, type CellResult, HOSTS, measureCell } from './cell.ts'
import { ProbeEnds } from './probe-ends.ts'

export const RATES = [1, 10, 100, 300] as const
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

export interface GridResult {
  readonly cells: readonly CellResult[]
  readonly congestionControl: string
}

/** All rates, from slow to fast, on one wire between two hosts. */
export async function measureGrid(
  lab: Lab,
  { quick }: { readonly quick: boolean },
): Promise<GridResult> {
  const wire = lab.wire(HOSTS.board, HOSTS.edge)
  const congestionControl = await tuneTcp(lab)
  const ends = await ProbeEnds.start(lab, { ...HOSTS, address: wire.b.address })
  const rig = { lab, wire, ends, iperf3Seconds: quick ? 2 : 5 }
  const cells: CellResult[] = []
  try {
    for (const cell of RATES.flatMap(rate => gridOf(rate, { quick }))) {
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
