import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { z } from 'zod'

const ENDING = /\.jsonl(\.gz)?$/

/** A line of a file: time stamps in seconds, and the rate since the last one; null is not known. */
const Line = z.object({
  name: z.string(),
  t: z.array(z.number().nullable()),
  mbps: z.array(z.number().nullable()).optional(),
  dl_kbps: z.array(z.number().nullable()).optional(),
})

export interface Trace {
  readonly name: string
  readonly seconds: readonly (number | null)[]
  readonly mbps: readonly (number | null)[]
}

/** Families of a folder: file names without their ending, and their files. */
export function traceFamilies(folder: string): Map<string, string> {
  const files = readdirSync(folder).filter(file => ENDING.test(file))
  return new Map(files.sort().map(file => [file.replace(ENDING, ''), join(folder, file)]))
}

/** A line that is no trace, or has no rates, is left out. */
export function readTraces(file: string): Trace[] {
  const bytes = readFileSync(file)
  const text = String(file.endsWith('.gz') ? gunzipSync(bytes) : bytes)
  return text.split('\n').flatMap(line => (line.trim() === '' ? [] : traceOf(line)))
}

/**
 * Enough traces for about so many rounds, evenly spread over the file, two neighbours at a time:
 * every second one is still every second one.
 */
export function someTraces(
  traces: readonly Trace[],
  { roundsMax, roundSeconds }: { readonly roundsMax: number; readonly roundSeconds: number },
): readonly { readonly index: number; readonly trace: Trace }[] {
  const seconds = traces.reduce((sum, trace) => sum + lengthOf(trace), 0)
  const stride = Math.max(1, Math.ceil(seconds / roundSeconds / roundsMax))
  return traces.flatMap((trace, index) =>
    Math.floor(index / 2) % stride === 0 ? [{ index, trace }] : [],
  )
}

function lengthOf({ seconds }: Trace): number {
  return (seconds.at(-1) ?? 0) - (seconds[0] ?? 0)
}

function traceOf(line: string): Trace[] {
  const parsed = Line.safeParse(jsonOf(line))
  if (!parsed.success) return []
  const { name, t, mbps, dl_kbps } = parsed.data
  const rates = mbps ?? dl_kbps?.map(rate => rate && rate / 1000)
  return rates ? [{ name, seconds: t, mbps: rates }] : []
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
