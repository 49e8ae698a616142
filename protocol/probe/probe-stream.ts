/**
 * The probe port over TCP. Client: MAGIC and token. Server: MAGIC, or nothing and the end of the
 * connection. Then the sender sends filler in chunks that double; the receiver of an uplink answers
 * with reports of what has arrived and when (docs/reference/probe.md).
 */
export const MAGIC = new TextEncoder().encode('GNP1')

/** 192 random bits: nobody finds one in the seconds that it lives. */
export const TOKEN_BYTES = 24
export const HELLO_BYTES = MAGIC.length + TOKEN_BYTES

/** Two numbers of 8 bytes, little-endian: ms since the first byte, bytes since the first byte. */
export const REPORT_BYTES = 16

/** What the receiver of an uplink had at a time on its own monotonic clock. */
export interface ArrivalReport {
  readonly atMs: number
  readonly bytesTotal: number
}

export function helloOf(token: Uint8Array): Uint8Array {
  return Buffer.concat([MAGIC, token])
}

/** The token of a greeting; undefined for what is none. */
export function tokenOfHello(hello: Uint8Array): Uint8Array | undefined {
  if (hello.length !== HELLO_BYTES || !startsWithMagic(hello)) return undefined
  return hello.subarray(MAGIC.length)
}

export function startsWithMagic(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte)
}

export function reportOf({ atMs, bytesTotal }: ArrivalReport): Uint8Array {
  const report = Buffer.alloc(REPORT_BYTES)
  report.writeDoubleLE(atMs, 0)
  report.writeDoubleLE(bytesTotal, 8)
  return report
}

/** Cuts a stream of reports, wherever it was cut on its way. */
export class ReportReader {
  #rest: Buffer = Buffer.alloc(0)

  read(bytes: Uint8Array): ArrivalReport[] {
    const all = Buffer.concat([this.#rest, bytes])
    const reports: ArrivalReport[] = []
    let offset = 0
    for (; offset + REPORT_BYTES <= all.length; offset += REPORT_BYTES) {
      reports.push({ atMs: all.readDoubleLE(offset), bytesTotal: all.readDoubleLE(offset + 8) })
    }
    this.#rest = all.subarray(offset)
    return reports
  }
}
