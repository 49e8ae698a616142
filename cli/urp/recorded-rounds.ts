import type { RecordedUrp } from '../../protocol/urp-series/series-format.ts'

/** The URPs of one communication round, the last of each agent. */
export interface RecordedRound {
  readonly crId: number
  readonly entries: readonly RecordedUrp[]
}

/** A URP may come a round late; one that comes later still is a round of its own. */
const ROUNDS_OPEN = 2

/** A series cut into its rounds, in the order in which they were recorded. */
export async function* recordedRounds(
  entries: AsyncIterable<RecordedUrp>,
): AsyncGenerator<RecordedRound> {
  const open = new Map<number, Map<string, RecordedUrp>>()
  for await (const entry of entries) {
    const { crId } = entry.urp
    const isOfAnotherCount = [...open.keys()].some(other => crId < other - ROUNDS_OPEN)
    const isDone = (other: number) => isOfAnotherCount || other <= crId - ROUNDS_OPEN
    for (const done of [...open.keys()].filter(isDone)) yield roundOf(open, done)
    const round = open.get(crId) ?? new Map<string, RecordedUrp>()
    open.set(crId, round.set(entry.agentId, entry))
  }
  for (const left of [...open.keys()].sort((a, b) => a - b)) yield roundOf(open, left)
}

function roundOf(open: Map<number, Map<string, RecordedUrp>>, crId: number): RecordedRound {
  const entries = [...(open.get(crId)?.values() ?? [])]
  open.delete(crId)
  return { crId, entries }
}
