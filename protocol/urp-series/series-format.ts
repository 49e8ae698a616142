import { z } from 'zod'
import { packageVersion } from '../../runtime/version.ts'
import { Id, Time } from '../envelope.ts'
import type { Urp } from '../urp.ts'
import { urpDocument } from './urp-document.ts'

/**
 * A recorded series of URPs: lines of JSON (RFC 8259), UTF-8, each ended by a newline. The first is
 * the header, each other one a URP as it was received. Only ever appended to, a line with one write:
 * what was cut off by a kill is a last line without its newline.
 *
 *   {"format":"gainnet-urp-series","version":1,"site":"home","writer":"gainnet 0.1.0","startedAt":…}
 *   {"agentId":"pi-04","receivedAt":"2026-03-01T12:00:00.000Z","urp":{…}}
 */
export const SERIES_FORMAT = 'gainnet-urp-series'
/** Grows when an older reader would misread a newer file. */
export const SERIES_VERSION = 1

/** No URP comes near: the largest matrices that the wire takes are some MiB as text. */
export const LINE_BYTES_MAX = 16 * 2 ** 20

export const SeriesHeader = z.looseObject({
  format: z.literal(SERIES_FORMAT),
  version: z.literal(SERIES_VERSION),
  site: Id,
  writer: z.string().max(80),
  startedAt: Time,
})
export type SeriesHeader = z.infer<typeof SeriesHeader>

/** Of one entry, what is around the URP. */
export const EntryFrame = z.strictObject({ agentId: Id, receivedAt: Time, urp: z.unknown() })

export interface RecordedUrp {
  readonly agentId: string
  /** When the recorder had it, ISO 8601, UTC, on the recorder's clock. */
  readonly receivedAt: string
  readonly urp: Urp
}

export function headerLine(site: string, startedAt: string): string {
  const header: SeriesHeader = {
    format: SERIES_FORMAT,
    version: SERIES_VERSION,
    site,
    writer: `gainnet ${packageVersion()}`,
    startedAt,
  }
  return `${JSON.stringify(header)}\n`
}

export function entryLine({ agentId, receivedAt, urp }: RecordedUrp): string {
  return `${JSON.stringify({ agentId, receivedAt, urp: urpDocument(urp) })}\n`
}
