import type { Matrix } from '../../protocol/matrix.ts'
import type { Content } from '../../protocol/messages.ts'
import type {
  ClockFigures,
  LinkFigures,
  Provenance,
  RowForecast,
  SensingFigures,
} from '../../protocol/urp.ts'
import type { ComputeValues } from '../measure/compute/compute-values.ts'
import type { ProbeResult } from '../measure/probe.ts'
import type { ProbeResults } from '../measure/registry.ts'
import { coreClassesOf } from './core-classes.ts'
import type { RadioPool } from './radio-pools.ts'
import { blocksOf } from './slot-load.ts'

export type UrpContent = Content<'urp'>
type ComputingUnit = UrpContent['computing']['units'][number]

/** Resource blocks that a link without a spectrum is cut into: tenths of its rate. */
export const LINK_SHARE_BLOCKS = 10

/** An availability matrix, how it came about and how far such forecasts were off so far. */
export interface Availability {
  readonly matrix: Matrix
  readonly method: string
  readonly errorMean?: number | undefined
  /** Of each row's mean over the round. */
  readonly forecasts?: readonly RowForecast[]
}

/** How the agent comes to its matrices, for their provenance. */
export const FORECAST_METHODS = {
  computing: 'quantile of free ticks per slot, by the best method lately',
  link: 'quantile of unused link rate per slot, by the best method lately',
  memory: 'quantile of free memory per slot, by the best method lately',
} as const

export interface UrpParts {
  /** The round that is described, its start on the controller's clock. */
  readonly round: {
    readonly crId: number
    readonly slots: number
    readonly slotMs: number
    readonly startsAtMs: number
  }
  readonly results: ProbeResults
  /** Columns of the computing forecast, in order. */
  readonly units: readonly string[]
  /** Slots x units; null while nothing has been measured. */
  readonly computing: Availability | null
  /** Free share of the link, slots x 1; null while its capacity is not known. */
  readonly link: Availability | null
  /** Free share of the memory, slots x 1; null or left out where it was not measured. */
  readonly memory?: Availability | null
  readonly linkName: string
  readonly linkFigures?: LinkFigures | undefined
  readonly limits: { readonly threads: number; readonly memoryBytes: number }
  readonly sensing: readonly SensingFigures[]
  readonly radioPools?: readonly RadioPool[]
  readonly clock?: ClockFigures | undefined
  /** When the forecasts were made, ISO 8601. */
  readonly forecastAt: string
}

/** The URP document of one communication round from what was measured and forecast. */
export function buildUrp(parts: UrpParts): UrpContent {
  const { round, results, limits, linkFigures } = parts
  const endsAtMs = round.startsAtMs + round.slots * round.slotMs
  const memory = results.memory?.status === 'ok' ? results.memory.values : undefined
  const { units, availability } = computingOf(parts)
  const compute = results.compute?.status === 'ok' ? results.compute.values : undefined
  return {
    crId: round.crId,
    slots: round.slots,
    slotMs: round.slotMs,
    validUntil: new Date(endsAtMs).toISOString(),
    frequency: frequencyOf(parts),
    computing: {
      units,
      availability,
      threads: limits.threads,
      ...(compute ? { runtime: compute.runtime } : {}),
      ...(compute?.classes.some(({ kernels }) => kernels)
        ? { classes: coreClassesOf(compute) }
        : {}),
    },
    ...(memory
      ? {
          memory: {
            totalBytes: memory.totalBytes,
            availableBytes: Math.min(memory.availableBytes, limits.memoryBytes),
            ...(parts.memory ? { availability: parts.memory.matrix } : {}),
          },
        }
      : {}),
    links: linkFigures ? [linkFigures] : [],
    sensing: [...parts.sensing],
    ...energyOf(results),
    ...(parts.clock ? { clock: parts.clock } : {}),
    provenance: provenanceOf(parts),
  }
}

/** The share of the link, and what each radio hears of its band. */
function frequencyOf({ link, linkName, radioPools = [] }: UrpParts): UrpContent['frequency'] {
  const share = link && {
    link: linkName,
    kind: 'link-share' as const,
    blockCount: LINK_SHARE_BLOCKS,
    availability: blocksOf(link.matrix, LINK_SHARE_BLOCKS),
  }
  return [share, ...radioPools.map(({ pool }) => pool)].filter(pool => pool !== null)
}

/** Only where the board knows what it draws as a whole. */
function energyOf({ power }: ProbeResults): Pick<UrpContent, 'energy'> {
  const powerWatts = power?.status === 'ok' ? power.values.powerWatts : undefined
  return powerWatts === undefined ? {} : { energy: { powerWatts } }
}

/** Only units whose rate and whose availability are both known: absent is absent, and never 0. */
function computingOf({ round, results, units, computing }: UrpParts): {
  units: ComputingUnit[]
  availability: Matrix
} {
  const compute = results.compute
  const rates = compute?.status === 'ok' && computing ? ratesOf(compute.values) : new Map()
  const columns = units.flatMap((unit, column) => (rates.has(unit) ? [{ unit, column }] : []))
  const source = computing?.matrix
  const values = Array.from({ length: round.slots }, (_, slot) =>
    columns.map(({ column }) => source?.values[slot * source.columns + column] ?? 0),
  ).flat()
  return {
    units: columns.map(({ unit }) => ({ unit, kind: 'cpu-core', ...rates.get(unit) })),
    availability: {
      rows: round.slots,
      columns: columns.length,
      values: Float32Array.from(values),
    },
  }
}

type Rate = Pick<ComputingUnit, 'peakFlopsPerSecond' | 'sustainedFactor'>

function ratesOf({ classes }: ComputeValues): Map<string, Rate> {
  return new Map(
    classes.flatMap(({ units, peakFlopsPerSecond, sustainedFactor }) =>
      units.map(unit => [unit, { peakFlopsPerSecond, sustainedFactor }] as const),
    ),
  )
}

function provenanceOf(parts: UrpParts): Record<string, Provenance> {
  const { results, computing, link, memory, linkName, forecastAt } = parts
  const probes = Object.entries(results).map(
    ([name, result]) => [name, provenanceOfResult(result)] as const,
  )
  return {
    ...Object.fromEntries(probes),
    'computing.availability': provenanceOfAvailability(computing, {
      reason: 'no slot measured yet',
      forecastAt,
    }),
    ...(memory === undefined
      ? {}
      : {
          'memory.availability': provenanceOfAvailability(memory, {
            reason: 'no slot measured yet',
            forecastAt,
          }),
        }),
    [`frequency.${linkName}`]: provenanceOfAvailability(link, {
      reason: 'capacity of the link not measured',
      forecastAt,
    }),
    ...Object.fromEntries(
      (parts.radioPools ?? []).map(({ link: id, provenance }) => [`frequency.${id}`, provenance]),
    ),
  }
}

/** What the URP says about how a probe's figures came about. */
export function provenanceOfResult(result: ProbeResult<unknown>): Provenance {
  const { status, measuredAt, durationMs } = result
  if (status !== 'ok') {
    return { status, reason: result.reason.slice(0, 300), measuredAt, durationMs }
  }
  const { method, conditions, explanation } = result
  return {
    status,
    method,
    measuredAt,
    durationMs,
    ...conditions,
    ...(explanation ? { samples: explanation.samples } : {}),
    ...(explanation?.discarded.length ? { discarded: [...explanation.discarded] } : {}),
  }
}

function provenanceOfAvailability(
  availability: Availability | null,
  context: { readonly reason: string; readonly forecastAt: string },
): Provenance {
  const timing = { measuredAt: context.forecastAt, durationMs: 0 }
  if (!availability) return { status: 'absent', reason: context.reason, ...timing }
  const { method, errorMean, forecasts = [] } = availability
  return {
    status: 'ok',
    method,
    ...timing,
    ...(errorMean === undefined ? {} : { forecastErrorMean: errorMean }),
    ...(forecasts.length > 0 ? { forecasts: [...forecasts] } : {}),
  }
}
