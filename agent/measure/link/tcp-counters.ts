/** Counters of TCP of the whole machine since it started. */
export interface TcpCounters {
  readonly sentSegments: number
  readonly retransmittedSegments: number
}

/**
 * Two lines `Tcp:` of /proc/net/snmp: names, then numbers (proc_pid_net(5), RFC 4022). Undefined
 * where they are not there or make no sense.
 */
export function parseTcpCounters(text: string): TcpCounters | undefined {
  const [names, numbers] = [...text.matchAll(/^Tcp: (.+)$/gm)].map(([, rest = '']) =>
    rest.split(' '),
  )
  const counterOf = (name: string): number => Number(numbers?.[names?.indexOf(name) ?? -1])
  const [sentSegments, retransmittedSegments] = [counterOf('OutSegs'), counterOf('RetransSegs')]
  if (!(sentSegments >= 0 && retransmittedSegments >= 0)) return undefined
  return { sentSegments, retransmittedSegments }
}

/** Share of the segments between two readings; undefined where none was sent or a counter fell. */
export function retransmittedShareOf(
  before: TcpCounters | undefined,
  after: TcpCounters | undefined,
): number | undefined {
  if (!before || !after) return undefined
  const again = after.retransmittedSegments - before.retransmittedSegments
  // OutSegs excludes those sent again (RFC 4022, tcpOutSegs).
  const all = after.sentSegments - before.sentSegments + again
  return all > 0 && again >= 0 && again <= all ? again / all : undefined
}
