import { median } from 'simple-statistics'
import { z } from 'zod'
import type { BenchResult } from '../bench-report.ts'
import { TCP_PAYLOAD_SHARE } from '../lab/wire.ts'
import { LinkFleet } from './link-fleet.ts'

/** Line of the agent's log, one for each transfer that told something of the link. */
const TransferLine = z.object({
  time: z.string().transform(text => Date.parse(text)),
  msg: z.literal('transfer measured the link'),
  direction: z.enum(['down', 'up']),
  bitsPerSecond: z.number(),
  durationMs: z.number(),
})
type TransferLine = z.infer<typeof TransferLine>

const CLOCK = { slots: 10, slotMs: 800 }
/** A transfer that keeps to what was granted to it tells nothing: the link gets slower and slower. */
const MEGABITS_FIRST = 30
const MEGABITS = { full: [12, 6, 3], quick: [12, 6] }
const ROUNDS_MAX = { full: 5, quick: 3 }
const TRANSFERS_ENOUGH = 6
const SETTLE_MS_MAX = 90_000
/** Bytes of a transfer that were on their way when the rate changed. */
const STRADDLE_MS = 1000
/** 256 * 384 + 384 + 384 * 256 + 256 + 4096 parameters: 0.8 MB. */
const MODEL = { modelId: 'prose', contextBytes: 16, embeddingSize: 16, hiddenSizes: [384] }
const SENSED_BYTES_PER_SECOND = 400
/** Offered whatever else the machine does: what is measured here is the link. */
const LIMITS = { computingShare: 0.5, computingShareReserved: 0.5, niceness: 0 }
/** For one measurement, which says what the link is worth before the first assignment. */
const MEASURE = { linkBytesMax: 16 * 2 ** 20, linkBytesPerDayMax: 16 * 2 ** 20 }

/**
 * An agent that works: each round it fetches a model of 0.8 MB and sends one back through the real
 * broker, on a link that gets slower. It has no bytes left to measure it: what it makes of its
 * transfers, beside what the wire lets through.
 */
export async function measurePassive({ quick }: { readonly quick: boolean }): Promise<BenchResult> {
  const kind = quick ? 'quick' : 'full'
  const fleet = await LinkFleet.start({
    name: 'passive',
    clock: CLOCK,
    model: MODEL,
    sensedBytesPerSecond: SENSED_BYTES_PER_SECOND,
    agent: { limits: LIMITS, measure: MEASURE },
  })
  try {
    await setRate(fleet, MEGABITS_FIRST)
    await fleet.urp((_, link) => link.uplinkBitsPerSecond !== undefined, {
      ms: SETTLE_MS_MAX,
      what: 'the rate is in the URP',
    })
    const errors: number[] = []
    for (const megabits of MEGABITS[kind]) {
      const told = await transfersAt(fleet, { megabits, roundsMax: ROUNDS_MAX[kind] })
      const truth = megabits * 1e6 * TCP_PAYLOAD_SHARE
      errors.push(...told.map(({ bitsPerSecond }) => Math.abs(bitsPerSecond / truth - 1)))
    }
    return {
      rows: [
        {
          name: 'passive.error',
          value: Number(median(errors).toFixed(4)),
          unit: 'of 1',
          low: Number(Math.min(...errors).toFixed(4)),
          high: Number(Math.max(...errors).toFixed(4)),
          n: errors.length,
        },
      ],
      notes: [
        `passive.error: transfers of models of 0.8 MB through the broker at ${MEGABITS[kind].join(', ')} Mbit/s, each beside the payload of TCP at that rate`,
      ],
    }
  } finally {
    await fleet.stop()
  }
}

/** Transfers that began after the rate was set, until there are enough or some rounds are over. */
async function transfersAt(
  fleet: LinkFleet,
  o: { readonly megabits: number; readonly roundsMax: number },
): Promise<TransferLine[]> {
  await setRate(fleet, o.megabits)
  const [setAtMs, setIn] = [Date.now(), fleet.crId]
  let told: TransferLine[] = []
  await fleet.until(
    () => {
      told = linesOf(fleet).filter(
        ({ time, durationMs }) => time - durationMs > setAtMs + STRADDLE_MS,
      )
      return told.length >= TRANSFERS_ENOUGH || fleet.crId > setIn + o.roundsMax
    },
    { ms: (o.roundsMax + 3) * CLOCK.slots * CLOCK.slotMs, what: 'transfers told of the link' },
  )
  return told
}

async function setRate(fleet: LinkFleet, megabits: number): Promise<void> {
  const path = { bitsPerSecond: megabits * 1e6, delayMs: 10 }
  await fleet.wire.shape({ up: path, down: path })
}

function linesOf(fleet: LinkFleet): TransferLine[] {
  return fleet
    .agentLog()
    .split('\n')
    .filter(line => line.includes('transfer measured the link'))
    .map(line => TransferLine.parse(JSON.parse(line)))
}
