import { existsSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { z } from 'zod'
import { Id } from '../../protocol/envelope.ts'
import { readUrpSeries } from '../../protocol/urp-series/read-urp-series.ts'
import { SERIES_FORMAT } from '../../protocol/urp-series/series-format.ts'
import { jsonOf } from '../../protocol/urp-series/series-header.ts'
import { parseUrpContent, type UrpContent } from '../../protocol/urp-series/urp-document.ts'
import { withDeadline } from '../../runtime/deadline.ts'
import { GainnetError, hasCode, messageOf } from '../../runtime/errors.ts'
import type { ConfigOptions } from '../config-options.ts'
import { orObserver, visitFleet } from './fleet-visit.ts'

/** One URP and where it is from. */
export interface FoundUrp {
  /** Undefined for a document that says nothing of it, such as that of `gainnet measure --json`. */
  readonly agentId: string | undefined
  readonly urp: UrpContent
}

export interface UrpChoice {
  readonly agent?: string
  /** Communication round. */
  readonly cr?: number
}

/** The retained URP comes with the subscription; this is patience for a bad link. */
const WAIT_MS = 5000
/** No URP document comes near. */
const DOCUMENT_BYTES_MAX = 16 * 2 ** 20

/** A file is one where it is there, or where its name could not be one of an agent. */
export function isFile(source: string): boolean {
  return existsSync(source) || !/^[a-z0-9-]{1,64}$/.test(source)
}

/** A URP from a file: a document, or of a recorded series the last one that fits the choice. */
export async function urpFromFile(path: string, choice: UrpChoice = {}): Promise<FoundUrp> {
  if (await isSeries(path)) return chosen(path, choice)
  const value = jsonOf(await documentText(path))
  if (!value.ok) throw invalid(path, value.reason)
  const { agentId, document } = partsOf(value.value)
  const parsed = parseUrpContent(document)
  if (!parsed.ok) throw invalid(path, parsed.reason)
  return { agentId, urp: parsed.value }
}

/** What the agent has published last, from the broker. */
export async function urpFromFleet(
  agentId: string | undefined,
  options: ConfigOptions,
): Promise<FoundUrp & { readonly agentId: string }> {
  const { wire, config, username, close } = await visitFleet(options, { purpose: 'show' })
  const id = agentId ?? config.agentId
  try {
    const urp = await withDeadline(
      new Promise<UrpContent>((resolve, reject) => {
        const subscribed = wire.on('urp', { agentId: id }, resolve)
        orObserver(subscribed, username).catch(reject)
      }),
      { ms: WAIT_MS, what: `URP of ${id}` },
    )
    return { agentId: id, urp }
  } catch (error) {
    if (!hasCode(error, 'DEADLINE_PASSED')) throw error
    throw new GainnetError(
      'DEADLINE_PASSED',
      `${id} has no URP at ${config.broker.url}, site ${config.site}: is its agent running, and is ` +
        'there a controller, whose rounds it describes?',
    )
  } finally {
    await close()
  }
}

export async function isSeries(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch(error => {
    throw unreadable(path, error)
  })
  try {
    const head = Buffer.alloc(64)
    const { bytesRead } = await file.read(head, 0, head.length, 0)
    return head.subarray(0, bytesRead).toString('utf8').includes(`"${SERIES_FORMAT}"`)
  } catch (error) {
    throw unreadable(path, error)
  } finally {
    await file.close()
  }
}

async function chosen(path: string, { agent, cr }: UrpChoice): Promise<FoundUrp> {
  let last: FoundUrp | undefined
  for await (const entry of readUrpSeries(path)) {
    const fits =
      (agent ?? entry.agentId) === entry.agentId && (cr ?? entry.urp.crId) === entry.urp.crId
    if (fits) last = entry
  }
  if (last) return last
  const what = [agent ? `of ${agent}` : '', cr === undefined ? '' : `in round ${cr}`]
  throw new GainnetError('DATA_INVALID', `no URP ${what.filter(Boolean).join(' ')} in ${path}`)
}

async function documentText(path: string): Promise<string> {
  const bytes = await readFile(path).catch(error => {
    throw unreadable(path, error)
  })
  if (bytes.length > DOCUMENT_BYTES_MAX) throw invalid(path, `${bytes.length} bytes are too many`)
  return bytes.toString('utf8')
}

/** What our own commands print around the URP: whose it is, and how it was measured. */
const Surroundings = z.looseObject({ agentId: Id.optional(), measurements: z.unknown().optional() })

function partsOf(value: unknown): { agentId: string | undefined; document: unknown } {
  const parsed = Surroundings.safeParse(value)
  if (!parsed.success) return { agentId: undefined, document: value }
  const { agentId, measurements: _, ...document } = parsed.data
  return { agentId, document }
}

function unreadable(path: string, cause: unknown): GainnetError {
  return new GainnetError(
    'FILE_UNREADABLE',
    `cannot read ${path}: ${messageOf(cause)}`,
    {},
    {
      cause,
    },
  )
}

function invalid(path: string, reason: string): GainnetError {
  return new GainnetError(
    'DATA_INVALID',
    `${path} is no URP: ${reason}; gainnet measure --json and gainnet urp show --json print one`,
    { path },
  )
}
