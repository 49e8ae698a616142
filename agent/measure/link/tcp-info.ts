import { readTool } from './asked-tool.ts'

/** What the kernel says of one connection (tcp_info, kernel, uapi/linux/tcp.h). */
export interface TcpInfo {
  /** Smoothed; with queues that this connection itself fills. */
  readonly rttMs: number
  readonly rttMinMs?: number
  /** Bytes that were sent again, of all bytes sent. */
  readonly retransmittedShare?: number
  /** Newest sample of what arrived, not of what was sent. */
  readonly deliveryBitsPerSecond?: number
  readonly congestionControl?: string
}

export interface TcpEnds {
  readonly localPort: number
  readonly remotePort: number
}

/** By ss(8) of iproute2, for Node.js does not tell it; undefined where that is not installed. */
export async function readTcpInfo({
  localPort,
  remotePort,
}: TcpEnds): Promise<TcpInfo | undefined> {
  const filter = `sport = :${localPort} and dport = :${remotePort}`
  const text = await readTool('ss', ['-tinH', filter])
  return text === undefined ? undefined : parseTcpInfo(text)
}

/**
 * Of the first connection of `ss -ti`:
 *
 *     ESTAB 0 0 10.0.0.2:38496 10.0.0.1:1884
 *          bbr rto:204 rtt:20.1/0.4 … bytes_sent:16000 bytes_retrans:160 … delivery_rate 980bps minrtt:20
 */
export function parseTcpInfo(text: string): TcpInfo | undefined {
  const [, line = ''] = text.split('\n')
  const numberOf = (pattern: RegExp): number | undefined => {
    const value = Number(pattern.exec(line)?.[1] ?? Number.NaN)
    return Number.isFinite(value) && value >= 0 ? value : undefined
  }
  const rttMs = numberOf(/\srtt:([\d.]+)\//)
  if (rttMs === undefined) return undefined
  const rttMinMs = numberOf(/\sminrtt:([\d.]+)/)
  const sent = numberOf(/\sbytes_sent:(\d+)/)
  // Left out by the tool where it is 0.
  const again = numberOf(/\sbytes_retrans:(\d+)/) ?? 0
  const deliveryBitsPerSecond = numberOf(/\sdelivery_rate (\d+)bps/)
  const congestionControl = /^\s*([a-z][\w-]*)\s/.exec(line)?.[1]
  return {
    rttMs,
    ...(rttMinMs === undefined ? {} : { rttMinMs }),
    ...(sent !== undefined && sent > 0 && again <= sent
      ? { retransmittedShare: again / sent }
      : {}),
    ...(deliveryBitsPerSecond === undefined ? {} : { deliveryBitsPerSecond }),
    ...(congestionControl === undefined ? {} : { congestionControl }),
  }
}
