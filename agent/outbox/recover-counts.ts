import type { OutboxCounts } from './counter-file.ts'
import type { MessageLog } from './message-log.ts'

/** What the disk holds decides; what it does not account for was lost with the process. */
export async function recoverCounts(
  messages: MessageLog,
  saved: OutboxCounts | null,
): Promise<OutboxCounts> {
  const first = (await messages.firstIndex()) || messages.lastIndex + 1
  const counts: OutboxCounts = saved ?? {
    deliveredBelow: first,
    nextIndex: messages.lastIndex + 1,
    delivered: first - 1,
    dropped: { overflow: 0, disk: 0, quarantined: 0, crash: 0 },
  }
  counts.nextIndex = Math.max(counts.nextIndex, messages.lastIndex + 1)
  const stored = await messages.countFrom(counts.deliveredBelow)
  const missing = counts.nextIndex - 1 - counts.delivered - droppedSum(counts) - stored
  counts.dropped.crash += Math.max(0, missing)
  return counts
}

export function droppedSum({ dropped }: OutboxCounts): number {
  const { overflow, disk, quarantined, crash } = dropped
  return overflow + disk + quarantined + crash
}
