import { stat } from 'node:fs/promises'
import { GainnetError } from '../../runtime/errors.ts'
import { LINE_BYTES_MAX, SERIES_FORMAT, SERIES_VERSION, SeriesHeader } from './series-format.ts'
import { issueText, type Parsed } from './urp-document.ts'
import { type FileLine, linesOf } from './whole-lines.ts'

/**
 * The header from the first line of a file; null where it was cut off, before anything was recorded.
 * Throws where the file is something else.
 */
export function headerOf(path: string, line: FileLine | undefined): SeriesHeader | null {
  if (!line) throw noSeries(path, 'the file is empty')
  if (!line.isWhole && isCutHeader(line.text)) return null
  const value = jsonOf(line.text)
  if (!value.ok) throw noSeries(path, `its first line is ${value.reason}`)
  const parsed = SeriesHeader.safeParse(value.value)
  if (parsed.success) return parsed.data
  throw noSeries(path, foreignVersionOf(value.value) ?? issueText(parsed.error))
}

/** The header of a file to go on with; null where there is no file, or nothing in it yet. */
export async function readHeaderIfThere(path: string): Promise<SeriesHeader | null> {
  const size = await stat(path).then(
    status => (status.isFile() ? status.size : 0),
    () => 0,
  )
  if (size === 0) return null
  const lines = linesOf(path, LINE_BYTES_MAX)
  const first = await lines.next()
  await lines.return(undefined)
  return headerOf(path, first.done ? undefined : first.value)
}

export function jsonOf(text: string): Parsed<unknown> {
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch {
    return { ok: false, reason: 'no JSON' }
  }
}

function isCutHeader(text: string): boolean {
  const begin = `{"format":"${SERIES_FORMAT}"`
  return begin.startsWith(text) || (text.startsWith(begin) && !jsonOf(text).ok)
}

function foreignVersionOf(value: unknown): string | undefined {
  const isOurs =
    typeof value === 'object' &&
    value !== null &&
    'format' in value &&
    value.format === SERIES_FORMAT &&
    'version' in value &&
    value.version !== SERIES_VERSION
  return isOurs
    ? `it has version ${String(value.version)}, this gainnet reads ${SERIES_VERSION}`
    : undefined
}

function noSeries(path: string, reason: string): GainnetError {
  return new GainnetError(
    'DATA_INVALID',
    `${path} is no recorded series of URPs: ${reason}; gainnet urp record makes one`,
    { path },
  )
}
