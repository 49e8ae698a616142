import { createReadStream } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { z } from 'zod'
import { RoundRecord } from '../../protocol/round-record.ts'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { type ConfigOptions, loadOptionsOf } from '../config-options.ts'

const WrittenRecord = RoundRecord.omit({ session: true, sequence: true, sentAt: true })
/** A record as the controller keeps it on disk. */
export type WrittenRecord = z.infer<typeof WrittenRecord>

export interface RecordOptions extends ConfigOptions {
  readonly records?: string
}

/** The file that was named, else the one in the state directory of the configuration. */
export async function recordsPath({ records, ...options }: RecordOptions): Promise<string> {
  if (records !== undefined) return records
  const { loadControllerConfig } = await import('../../config/load-config.ts')
  const { config } = await loadControllerConfig(loadOptionsOf('controller', options))
  return join(config.stateDirectory, 'rounds.jsonl')
}

/**
 * The records of a controller, the oldest first, those that it moved aside among them. It may be
 * writing the last line: what cannot be read is left out, and so is what a fault tore.
 */
export async function* readRecords(path: string): AsyncGenerator<WrittenRecord> {
  const aside = `${path}.1`
  const hasAside = await access(aside).then(
    () => true,
    () => false,
  )
  for (const file of hasAside ? [aside, path] : [path]) {
    const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity })
    try {
      for await (const line of lines) {
        const record = recordOf(line)
        if (record) yield record
      }
    } catch (cause) {
      const message = `cannot read ${file}: ${messageOf(cause)}; a controller writes it when its first round ends`
      throw new GainnetError('FILE_UNREADABLE', message, { path: file }, { cause })
    }
  }
}

function recordOf(line: string): WrittenRecord | null {
  try {
    return WrittenRecord.safeParse(JSON.parse(line)).data ?? null
  } catch {
    return null
  }
}
