import { csvLine } from '../../../runtime/csv.ts'
import type { ProbeResult } from '../probe.ts'

type Results = Readonly<Record<string, ProbeResult<unknown>>>

/** Every measurement with its figures, for scripts: what the page says, and numbers in base units. */
export function measurementsDocument(results: Results): unknown {
  return Object.fromEntries(
    Object.entries(results).map(([name, result]) => [name, withoutValues(result)]),
  )
}

/** The probes' own values are of this program and change with it; figures are for others. */
function withoutValues(result: ProbeResult<unknown>): unknown {
  if (result.status !== 'ok') return result
  const { values: _, ...rest } = result
  return rest
}

const COLUMNS = [
  'probe',
  'status',
  'figure',
  'value',
  'unit',
  'p10',
  'p90',
  'samples',
  'discarded',
  'method',
  'reason',
  'measuredAt',
  'durationMs',
  'temperatureCelsius',
  'frequencyHz',
  'throttled',
  'cpuSeconds',
  'childCpuSeconds',
  'sentBytes',
  'receivedBytes',
] as const

/** A row a figure; of a probe without figures one with its reason. */
export function measurementsCsv(results: Results): string {
  const rows = Object.entries(results).flatMap(([name, result]) => rowsOf(name, result))
  return csvLine(COLUMNS) + rows.map(row => csvLine(COLUMNS.map(column => row[column]))).join('')
}

type Row = Partial<Record<(typeof COLUMNS)[number], string | number | boolean>>

function rowsOf(probe: string, result: ProbeResult<unknown>): Row[] {
  const { status, measuredAt, durationMs, cost } = result
  const of = { probe, status, measuredAt, durationMs, ...cost }
  if (result.status !== 'ok') return [{ ...of, reason: result.reason }]
  const { temperatureCelsius, frequencyHz, throttled } = result.conditions ?? {}
  const conditions = {
    ...(temperatureCelsius === undefined ? {} : { temperatureCelsius }),
    ...(frequencyHz === undefined ? {} : { frequencyHz }),
    ...(throttled === undefined ? {} : { throttled }),
  }
  return result.figures.map(({ name, value, unit, base, spread, explanation }) => {
    const how = explanation ?? result.explanation
    return {
      ...of,
      ...conditions,
      figure: name.trim(),
      value: base?.value ?? value,
      unit: base?.unit ?? unit,
      ...spread,
      samples: how?.samples ?? 1,
      discarded: (how?.discarded ?? []).reduce((sum, { count }) => sum + count, 0),
      method: how?.method ?? result.method,
    }
  })
}
