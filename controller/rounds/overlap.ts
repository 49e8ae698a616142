import type { PhaseInterval } from '../../protocol/assignment.ts'

type Interval = readonly [number, number]

/**
 * Share of the time in which a device consumed (downloaded, trained, uploaded) during which the same
 * device also sensed: 1 when consumption hides wholly behind sensing (Zeros), 0 when the two follow
 * each other. Undefined where nothing was consumed.
 */
export function overlapRatio(
  devices: readonly {
    readonly sensing: readonly PhaseInterval[]
    readonly consumption: readonly PhaseInterval[]
  }[],
): number | undefined {
  let [consumedMs, overlappedMs] = [0, 0]
  for (const { sensing, consumption } of devices) {
    const sensed = sensing.map(intervalOf)
    for (const [from, to] of consumption.map(intervalOf)) {
      consumedMs += to - from
      for (const [start, end] of sensed) {
        overlappedMs += Math.max(0, Math.min(to, end) - Math.max(from, start))
      }
    }
  }
  return consumedMs > 0 ? Math.min(1, overlappedMs / consumedMs) : undefined
}

function intervalOf({ startedAt, endedAt }: PhaseInterval): Interval {
  const from = Date.parse(startedAt)
  return [from, Math.max(from, Date.parse(endedAt))]
}
