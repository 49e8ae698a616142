import { GainnetError } from '../../runtime/errors.ts'
import { EntryFrame, LINE_BYTES_MAX, type RecordedUrp } from './series-format.ts'
import { headerOf, jsonOf } from './series-header.ts'
import { issueText, type Parsed, parseUrpDocument } from './urp-document.ts'
import { linesOf } from './whole-lines.ts'

export interface ReadOptions {
  /** Told of an entry that was cut off, which is left out: a sentence for people. */
  readonly onNote?: (note: string) => void
}

/**
 * The URPs of a recorded series in the order in which they were received, one by one, so that a
 * series may be larger than the memory. Throws DATA_INVALID with file and line where it is damaged
 * other than by having been cut off.
 */
export async function* readUrpSeries(
  path: string,
  { onNote = () => undefined }: ReadOptions = {},
): AsyncGenerator<RecordedUrp> {
  const lines = linesOf(path, LINE_BYTES_MAX)
  if (!headerOf(path, (await lines.next()).value)) {
    onNote(`${path} was cut off before its first entry`)
    return
  }
  for await (const line of lines) {
    const entry = entryOf(line.text)
    if (entry.ok) yield entry.value
    else if (!line.isWhole) onNote(`${path}: line ${line.number} was cut off and is left out`)
    else throw damaged(path, line.number, entry.reason)
  }
}

/** One line of a series after the first. */
function entryOf(text: string): Parsed<RecordedUrp> {
  const value = jsonOf(text)
  if (!value.ok) return value
  const frame = EntryFrame.safeParse(value.value)
  if (!frame.success) return { ok: false, reason: issueText(frame.error) }
  const { agentId, receivedAt } = frame.data
  const urp = parseUrpDocument(frame.data.urp)
  return urp.ok ? { ok: true, value: { agentId, receivedAt, urp: urp.value } } : urp
}

function damaged(path: string, line: number, reason: string): GainnetError {
  return new GainnetError(
    'DATA_INVALID',
    `${path}, line ${line}: ${reason}; take the line out to go on without it`,
    { path, line },
  )
}
