import { messageOf } from '../../../runtime/errors.ts'
import { type BulkOutcome, type BulkProbeOptions, runBulkProbe } from './bulk-probe.ts'
import {
  type DatagramOutcome,
  runDatagramProbe,
  type TrainPackets,
  trainsOf,
} from './datagram-probe.ts'

/** What a token is asked for. */
export interface TokenWish {
  readonly kind: 'tcp' | 'udp'
  readonly direction: 'down' | 'up' | 'both'
  readonly bytesMax: number
  readonly durationMs: number
}

/** One probe: where, with which token, and how many bytes it may take. */
export interface ProbeGrant {
  readonly host: string
  readonly port: number
  /** base64url. */
  readonly token: string
  readonly bytesMax: number
}

export type LinkPart = 'datagrams' | 'down' | 'up'

interface Extent {
  /** Of each TCP direction. */
  readonly bytesMax: number
  readonly durationMsMax?: number
  readonly packets?: TrainPackets
  /** All three where left out; always in the order datagrams, down, up. */
  readonly parts?: readonly LinkPart[]
  readonly readTcpInfo?: BulkProbeOptions['readTcpInfo']
  readonly signal?: AbortSignal | undefined
}

export interface MeasureLinkOptions extends Extent {
  readonly host: string
  readonly port: number
  /** A one-time token for each part, base64url; a rejection fails the part with its message. */
  readonly token: (wish: TokenWish) => Promise<string>
}

/** A part that was not asked for is missing; one that failed says why and stops no other. */
export interface LinkMeasurement {
  readonly datagrams?: DatagramOutcome
  readonly downlink?: BulkOutcome
  readonly uplink?: BulkOutcome
}

const PARTS = ['datagrams', 'down', 'up'] as const
const BULK_MS_MAX = 10_000
const DATAGRAMS_MS_MAX = 5000
const OPENING_BYTES = 16_384
/** A packet of a train with its headers, and a little for repetition. */
const TRAIN_PACKET_BYTES = 1300

/** What echoes and trains take at most. */
export function datagramBytesOf(packets?: TrainPackets): number {
  const { down, up } = trainsOf(packets)
  return OPENING_BYTES + (down + up) * TRAIN_PACKET_BYTES
}

/** At a server that is known, with tokens that come from anywhere. Never rejects. */
export function measureLink({
  host,
  port,
  token,
  ...extent
}: MeasureLinkOptions): Promise<LinkMeasurement> {
  const grant = async (wish: TokenWish): Promise<ProbeGrant> => {
    return { host, port, token: await token(wish), bytesMax: wish.bytesMax }
  }
  return measureGranted(grant, extent)
}

/** One part after the other: at the same time they would measure each other. Never rejects. */
export async function measureGranted(
  grant: (wish: TokenWish) => Promise<ProbeGrant>,
  extent: Extent,
): Promise<LinkMeasurement> {
  const { parts = PARTS } = extent
  return {
    ...(parts.includes('datagrams') ? { datagrams: await datagramsOf(grant, extent) } : {}),
    ...(parts.includes('down') ? { downlink: await bulkOf(grant, 'down', extent) } : {}),
    ...(parts.includes('up') ? { uplink: await bulkOf(grant, 'up', extent) } : {}),
  }
}

function datagramsOf(
  grant: (wish: TokenWish) => Promise<ProbeGrant>,
  { packets, signal }: Extent,
): Promise<DatagramOutcome> {
  const bytesMax = datagramBytesOf(packets)
  const wish = { kind: 'udp', direction: 'both', bytesMax, durationMs: DATAGRAMS_MS_MAX } as const
  return granted(grant(wish), right =>
    runDatagramProbe({ ...right, signal, ...(packets === undefined ? {} : { packets }) }),
  )
}

function bulkOf(
  grant: (wish: TokenWish) => Promise<ProbeGrant>,
  direction: 'down' | 'up',
  { bytesMax, durationMsMax = BULK_MS_MAX, readTcpInfo, signal }: Extent,
): Promise<BulkOutcome> {
  const wish = { kind: 'tcp', direction, bytesMax, durationMs: durationMsMax + 1000 } as const
  return granted(grant(wish), right =>
    runBulkProbe({ ...right, direction, durationMsMax, readTcpInfo, signal }),
  )
}

async function granted<Outcome>(
  grant: Promise<ProbeGrant>,
  run: (right: ProbeGrant) => Promise<Outcome>,
): Promise<Outcome | { status: 'failed'; reason: string; bytesSpent: number; refusal?: unknown }> {
  let right: ProbeGrant
  try {
    right = await grant
  } catch (error) {
    return { status: 'failed', reason: messageOf(error), bytesSpent: 0 }
  }
  return run(right)
}
