import { createReadStream } from 'node:fs'
import { access } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { z } from 'zod'
import { RoundRecord } from '../../protocol/round-record.ts'
import { GainnetError, messageOf } from '../../runtime/errors.ts'

const WrittenRecord = RoundRecord.omit({ session: true, sequence: true, sentAt: true })
/** A record as the controller keeps it on disk. */
export type WrittenRecord = z.infer<typeof WrittenRecord>

/**
 * The records of a controller, the oldest first, those that it moved aside among them. It may be
 * writing the last line: what cannot be read is left out, and so is what a fault tore.
 */
export function readRecords(path: string): AsyncGenerator<WrittenRecord> {
  return readLines(path, WrittenRecord)
}

/** The same of a part of each record. */
export async function* readLines<T>(path: string, schema: z.ZodType<T>): AsyncGenerator<T> {
  const aside = `${path}.1`
  const hasAside = await access(aside).then(
    () => true,
    () => false,
  )
  for (const file of hasAside ? [aside, path] : [path]) {
    const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity })
    try {
      for await (const line of lines) {
        const record = parsed(line, schema)
        if (record !== undefined) yield record
      }
    } catch (cause) {
      const message = `cannot read ${file}: ${messageOf(cause)}; a controller writes it when its first round ends`
      throw new GainnetError('FILE_UNREADABLE', message, { path: file }, { cause })
    }
  }
}

function parsed<T>(line: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}
