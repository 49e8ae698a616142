import { type Clock, systemClock } from '../../runtime/clock.ts'
import { withDeadline } from '../../runtime/deadline.ts'
import { messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import { type Expense, NOTHING, sumOf } from '../cost/cost-ledger.ts'
import { processMeter } from '../cost/cpu-meter.ts'

/** Where a probe looks. The roots are /proc and /sys, or a recorded board in a test. */
export interface BoardRoots {
  readonly procRoot: string
  readonly sysRoot: string
}

export interface ProbeContext extends BoardRoots {
  /** Aborts when the probe's time is over or nobody wants it any more: what it started must end. */
  readonly signal: AbortSignal
  /**
   * A probe tells here what `runProbe` cannot see, bytes and CPU time of child processes, as it
   * spends it, so that a probe that fails later is counted too.
   */
  readonly spend?: (expense: Partial<Omit<Expense, 'cpuSeconds'>>) => void
}

/** In what state the board was while the figure was taken. */
export interface Conditions {
  readonly temperatureCelsius?: number
  readonly frequencyHz?: number
  /** The board runs slower than it could: capped, throttled or at its soft temperature limit. */
  readonly throttled?: boolean
  readonly underVoltage?: boolean
}

/** How figures came about, for `gainnet measure --explain`. */
export interface Explanation {
  /** How many samples the figure is of, without those that were discarded. */
  readonly samples: number
  /** What one sample is, in the singular: `round trip`. */
  readonly sampleIs?: string
  /** Where it is another one than the method of the reading. */
  readonly method?: string
  readonly discarded: readonly Discarded[]
}

export interface Discarded {
  /** Completes "left out: n, …": `warm-up`, `board was throttled`. */
  readonly reason: string
  readonly count: number
}

/** One line for people: `value` is written out, in `unit`. */
export interface Figure {
  readonly name: string
  readonly value: string
  readonly unit: string
  /** The same for scripts, in the unit without a prefix (`bit/s`, `B`); a share has none. */
  readonly base?: { readonly value: number; readonly unit: string }
  /** Tenth and ninetieth percentile of the samples, in the unit of `base`. */
  readonly spread?: { readonly p10: number; readonly p90: number }
  /** Where it differs from the explanation of the reading. */
  readonly explanation?: Explanation
}

/** What a probe saw. 'absent' is normal on boards without the part and is never an error. */
export type Reading<Values> =
  | {
      readonly status: 'ok'
      readonly values: Values
      readonly figures: readonly Figure[]
      readonly method: string
      readonly conditions?: Conditions
      /** What was read and not believed, a line each: file and what it said. */
      readonly discarded?: readonly string[]
      /** Of all figures that have none of their own. */
      readonly explanation?: Explanation
    }
  | { readonly status: 'absent'; readonly reason: string }

export interface Probe<Values> {
  readonly name: string
  /** The probe is cut off after this time and has failed. */
  readonly durationMsMax: number
  read(context: ProbeContext): Promise<Reading<Values>>
}

export type ProbeResult<Values> = (
  | Reading<Values>
  | { readonly status: 'failed'; readonly reason: string }
) & {
  /** When the reading was complete, ISO 8601, UTC. */
  readonly measuredAt: string
  readonly durationMs: number
  /** What it took to come to this; left out by results that were not run. */
  readonly cost?: Expense
}

/**
 * The only caller of probes: times the probe, bounds its time, turns a throw into `failed` and logs
 * the outcome once. Never throws.
 */
export async function runProbe<Values>(
  probe: Probe<Values>,
  o: {
    readonly roots: BoardRoots
    readonly log: Logger
    readonly clock?: Clock
    /** Ends the probe early. */
    readonly signal?: AbortSignal
  },
): Promise<ProbeResult<Values>> {
  const { roots, log, clock = systemClock, signal } = o
  const startedMs = clock.now()
  const account = processMeter.open()
  let spent = NOTHING
  const spend: ProbeContext['spend'] = expense => {
    spent = sumOf(spent, expense)
  }
  const timing = () => ({
    measuredAt: new Date(clock.now()).toISOString(),
    durationMs: Math.round((clock.now() - startedMs) * 10) / 10,
    cost: sumOf(spent, { cpuSeconds: account.close() }),
  })
  const cutOff = new AbortController()
  const ends = AbortSignal.any([cutOff.signal, ...(signal ? [signal] : [])])
  try {
    const reading = await withDeadline(probe.read({ ...roots, signal: ends, spend }), {
      ms: probe.durationMsMax,
      what: `probe ${probe.name}`,
    })
    const result = { ...reading, ...timing() }
    const reason = reading.status === 'absent' ? { reason: reading.reason } : {}
    log.debug(
      { probe: probe.name, status: result.status, durationMs: result.durationMs, ...reason },
      'probe read',
    )
    return result
  } catch (err) {
    cutOff.abort(err)
    const result = { status: 'failed' as const, reason: messageOf(err), ...timing() }
    if (signal?.aborted) log.debug({ probe: probe.name }, 'probe given up')
    else log.warn({ probe: probe.name, durationMs: result.durationMs, err }, 'probe failed')
    return result
  }
}
