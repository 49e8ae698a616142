import { paintFor } from '../../agent/measure/heat-map.ts'
import { readRecords, type WrittenRecord } from '../../controller/rounds/round-records.ts'
import { GainnetError } from '../../runtime/errors.ts'
import { type DeviceRound, renderDevicePage, renderRoundPage } from './explain-page.ts'
import { type RecordOptions, recordsPath } from './records-path.ts'

interface ExplainOptions extends RecordOptions {
  readonly json?: boolean
}

/** Names in an error message; nobody reads hundreds. */
const NAMES_MAX = 12

/** `gainnet explain round <id>` */
export async function explainRound(id: number, options: ExplainOptions): Promise<void> {
  const path = await recordsPath(options)
  let found: WrittenRecord | undefined
  let [first, last] = [Number.POSITIVE_INFINITY, 0]
  for await (const record of readRecords(path)) {
    first = Math.min(first, record.crId)
    last = Math.max(last, record.crId)
    if (record.crId === id) found = record
  }
  if (!found) {
    const known = first <= last ? `it has rounds ${first} to ${last}` : 'it has no round yet'
    throw new GainnetError('DATA_INVALID', `no round ${id} in ${path}: ${known}`, { path })
  }
  print(options, found, paint => renderRoundPage(found, paint))
}

/** `gainnet explain device <id>` */
export async function explainDevice(
  id: string,
  options: ExplainOptions & { readonly rounds: number },
): Promise<void> {
  const path = await recordsPath(options)
  const known = new Set<string>()
  const found: DeviceRound[] = []
  for await (const record of readRecords(path)) {
    for (const { agentId } of [...record.choices, ...record.excluded]) known.add(agentId)
    const round = roundOfDevice(record, id)
    if (round) found.push(round)
    if (found.length > options.rounds) found.shift()
  }
  if (found.length === 0) {
    const names = [...known].sort()
    const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : ''
    const who = names.length > 0 ? `${names.slice(0, NAMES_MAX).join(', ')}${more}` : 'nobody yet'
    const message = `no round in ${path} knows device ${id}: it knows ${who}`
    throw new GainnetError('DATA_INVALID', message, { path })
  }
  print(options, { agentId: id, rounds: found }, paint => renderDevicePage(id, found, paint))
}

function roundOfDevice(record: WrittenRecord, id: string): DeviceRound | null {
  const isOwn = ({ agentId }: { readonly agentId: string }): boolean => agentId === id
  const { crId, startedAt, policy, decision } = record
  const choice = record.choices.find(isOwn)
  const excluded = record.excluded.find(isOwn)?.reason
  const contribution = record.contributions.find(isOwn)
  if (!choice && excluded === undefined && !contribution) return null
  const executed = decision?.executed ?? policy
  return { crId, startedAt, executed, choice, excluded, contribution }
}

function print(
  { json }: ExplainOptions,
  document: unknown,
  page: (paint: ReturnType<typeof paintFor>) => string,
): void {
  const { stdout, env } = process
  if (json) stdout.write(`${JSON.stringify(document, null, 2)}\n`)
  else stdout.write(page(paintFor({ isTTY: stdout.isTTY === true, env })))
}
