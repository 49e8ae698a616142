import type { LinkMeasurement } from '../../agent/measure/link/measure-link.ts'
import { iperf3 } from '../lab/iperf3.ts'
import type { Lab } from '../lab/lab.ts'
import { TCP_PAYLOAD_SHARE, type Wire } from '../lab/wire.ts'
import type { ProbeEnds } from './probe-ends.ts'

/** A shape of the wire, and the direction that is measured on it. */
export interface Cell {
  readonly megabitsPerSecond: number
  readonly rttMs: number
  readonly lossShare: number
  readonly direction: 'down' | 'up'
}

export interface CellResult {
  readonly cell: Cell
  /** Bits per second of TCP payload, by us and by iperf3; undefined where there was no answer. */
  readonly ours: number | undefined
  readonly iperf3: number
  /** What the shaper lets through as TCP payload. */
  readonly shaped: number
  /** Of IP, by trains of UDP, over what the shaper lets through of such packets. */
  readonly capacityShare: number | undefined
  /** Least round trip that we saw, over the one that was set. */
  readonly rttShare: number | undefined
  readonly bytesSpent: number
  readonly failed: readonly string[]
}

export interface CellRig {
  readonly lab: Lab
  readonly wire: Wire
  readonly ends: ProbeEnds
  readonly iperf3Seconds: number
}

const PROBE_BYTES_MAX = 512 * 2 ** 20
const OMIT_SECONDS = 1
/** Ethernet header on a packet of IP, as tbf counts. */
const FRAME_HEADER_BYTES = 14
/** A packet of a train with the headers of IP and UDP. */
const TRAIN_PACKET_BYTES = 1228
/** Of a train: what a second of the link carries, within what a token buys. */
const TRAIN_PACKETS = { min: 100, max: 1000 }

export const HOSTS = { edge: 'edge', board: 'board' } as const

/** Ours and iperf3, one right after the other; who is first changes from cell to cell. */
export async function measureCell(
  rig: CellRig,
  cell: Cell,
  o: { readonly iperf3First: boolean },
): Promise<CellResult> {
  await shapeFor(rig.wire, cell)
  const before = o.iperf3First ? await byIperf3(rig, cell) : undefined
  const { direction, megabitsPerSecond } = cell
  const packets = Math.round((megabitsPerSecond * 1e6) / 8 / 10 / TRAIN_PACKET_BYTES)
  const measured = await rig.ends.measure({
    parts: ['datagrams', direction],
    bytesMax: PROBE_BYTES_MAX,
    packets: Math.min(TRAIN_PACKETS.max, Math.max(TRAIN_PACKETS.min, packets)),
  })
  return { cell, iperf3: before ?? (await byIperf3(rig, cell)), ...figuresOf(measured, cell) }
}

/**
 * The whole delay is on the way back, where the acknowledgements are: TCP sees only the round trip,
 * and a delay line in user space would lose full frames at 300 Mbit/s.
 */
async function shapeFor(wire: Wire, cell: Cell): Promise<void> {
  const { megabitsPerSecond, rttMs, lossShare, direction } = cell
  const bitsPerSecond = megabitsPerSecond * 1e6
  const there = { bitsPerSecond, lossShare }
  const back = { bitsPerSecond, delayMs: rttMs }
  await wire.shape(direction === 'up' ? { up: there, down: back } : { up: back, down: there })
}

function byIperf3({ lab, wire, iperf3Seconds }: CellRig, cell: Cell): Promise<number> {
  return iperf3(lab, {
    server: HOSTS.edge,
    client: HOSTS.board,
    address: wire.b.address,
    direction: cell.direction,
    seconds: iperf3Seconds,
    omitSeconds: OMIT_SECONDS,
  })
}

function figuresOf(measured: LinkMeasurement, cell: Cell): Omit<CellResult, 'cell' | 'iperf3'> {
  const { datagrams } = measured
  const bulk = cell.direction === 'up' ? measured.uplink : measured.downlink
  const bitsPerSecond = cell.megabitsPerSecond * 1e6
  const capacity =
    datagrams?.status === 'ok'
      ? datagrams[cell.direction === 'up' ? 'upCapacity' : 'downCapacity']
      : undefined
  const ipShare = TRAIN_PACKET_BYTES / (TRAIN_PACKET_BYTES + FRAME_HEADER_BYTES)
  return {
    ours: bulk?.status === 'ok' ? bulk.bitsPerSecond : undefined,
    shaped: bitsPerSecond * TCP_PAYLOAD_SHARE,
    capacityShare: capacity === undefined ? undefined : capacity / (bitsPerSecond * ipShare),
    rttShare: datagrams?.status === 'ok' ? Math.min(...datagrams.rttsMs) / cell.rttMs : undefined,
    bytesSpent: (bulk?.bytesSpent ?? 0) + (datagrams?.bytesSpent ?? 0),
    failed: [bulk, datagrams].flatMap(part => (part?.status === 'failed' ? [part.reason] : [])),
  }
}
