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
