import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GainnetError } from '../runtime/errors.ts'

/**
 * Kinds of text that every install has below node_modules, the two least alike first: with fewer
 * than three agents only those two become models.
 */
export const DOMAINS = ['licence', 'code', 'documentation'] as const
export type Domain = (typeof DOMAINS)[number]

export interface TextFile {
  readonly domain: Domain
  readonly text: string
}

export interface ScanLimits {
  readonly entriesMax: number
  /** Of one domain, in all. */
  readonly domainBytesMax: number
  readonly ms: number
}

/** An install with development tools has 5,000 files; reading these bounds takes half a second. */
const LIMITS: ScanLimits = { entriesMax: 50_000, domainBytesMax: 3_000_000, ms: 5000 }
/** Smaller files are stubs ("see LICENSE"), larger ones are generated. */
const FILE_BYTES = { min: 300, max: 160_000 } as const
/** People break lines before this; minifiers and bundlers do not. */
const LINE_LENGTH_MEAN_MAX = 120
/** One model of 256 outputs and little training learns one script. */
const NON_ASCII_SHARE_MAX = 0.02

const LICENCE = /^(.*[-_])?(licen[sc]es?|copying|notices?)([-_.].*)?$/i
const CHANGES = /^(changelog|changes|history|releases?|release[-_]notes|security)\b/i
const CODE = /\.(js|mjs|ts)$/

/** What a file's name says of its text, or null where it is of no use here. */
export function domainOf(path: string): Domain | null {
  const name = basename(path).toLowerCase()
  if (CODE.test(name)) return /\.min\./.test(name) ? null : 'code'
  if (LICENCE.test(name)) return /\.(json|cjs|map|ya?ml)$/.test(name) ? null : 'licence'
  if (name.endsWith('.md')) return CHANGES.test(name) ? null : 'documentation'
  return null
}

/** Whether the bytes are text that people wrote: decodable, not minified, in one script. */
export function isPlainText(text: string): boolean {
  if (text.length < FILE_BYTES.min || text.includes('\0') || text.includes('\ufffd')) return false
  if (text.length / text.split('\n').length > LINE_LENGTH_MEAN_MAX) return false
  const nonAscii = text.match(/[^\0-\x7f]/g)?.length ?? 0
  return nonAscii / text.length <= NON_ASCII_SHARE_MAX
}

/** What remains of a text when layout, case, years and names of owners do not count. */
export function normalisedText(text: string): string {
  return text
    .toLowerCase()
    .replace(/^.*(copyright|©|\(c\)).*$/gm, '')
    .replace(/[^a-z]+/g, ' ')
    .trim()
}

export function contentHash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** The node_modules that this package's own dependencies are in: below it, or around it. */
export function findModulesFolder(callerUrl: string): string {
  let folder = dirname(fileURLToPath(callerUrl))
  while (!existsSync(join(folder, 'node_modules', 'pino'))) {
    const parent = dirname(folder)
    if (parent === folder) {
      throw new GainnetError('SENSOR_UNAVAILABLE', 'no node_modules above the demo to read from')
    }
    folder = parent
  }
  return join(folder, 'node_modules')
}

/** Texts of each domain below the folder, no two alike, the same ones on every run. */
export async function scanCorpus(
  folder: string,
  limits: ScanLimits = LIMITS,
): Promise<readonly TextFile[]> {
  const endsAt = performance.now() + limits.ms
  const paths = await listCandidates(folder, { entriesMax: limits.entriesMax, endsAt })
  // By the hash of the path and not by the alphabet: a bound that cuts leaves all packages in.
  const ordered = paths
    .map(path => ({ path, key: contentHash(path.slice(folder.length)) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  const bytes = new Map<Domain, number>()
  const seen = new Set<string>()
  const files: TextFile[] = []
  for (const { path } of ordered) {
    const domain = domainOf(path)
    if (!domain || (bytes.get(domain) ?? 0) >= limits.domainBytesMax) continue
    if (performance.now() > endsAt) break
    const text = await readText(path)
    if (text === null) continue
    const hash = contentHash(normalisedText(text))
    if (seen.has(hash)) continue
    seen.add(hash)
    bytes.set(domain, (bytes.get(domain) ?? 0) + text.length)
    files.push({ domain, text })
  }
  return files
}

async function listCandidates(
  folder: string,
  { entriesMax, endsAt }: { readonly entriesMax: number; readonly endsAt: number },
): Promise<string[]> {
  const found: string[] = []
  const waiting = [folder]
  let entryCount = 0
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (entryCount >= entriesMax || performance.now() > endsAt) break
    const entries = await readdir(next, { withFileTypes: true }).catch(() => [])
    entryCount += entries.length
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(next, entry.name)
      if (entry.isDirectory() && !entry.name.startsWith('.')) waiting.push(path)
      else if (entry.isFile() && domainOf(path)) found.push(path)
    }
  }
  return found
}

async function readText(path: string): Promise<string | null> {
  const bytes = await readFile(path).catch(() => null)
  if (!bytes || bytes.length < FILE_BYTES.min || bytes.length > FILE_BYTES.max) return null
  const text = bytes.toString('utf8').replaceAll('\r\n', '\n')
  return isPlainText(text) ? text : null
}
