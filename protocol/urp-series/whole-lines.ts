import { createReadStream } from 'node:fs'
import { errnoOf, GainnetError, messageOf } from '../../runtime/errors.ts'

const NEWLINE = 0x0a

export interface FileLine {
  /** From 1. */
  readonly number: number
  readonly text: string
  /** False for a last one without its newline. */
  readonly isWhole: boolean
}

/** The lines of a file one by one, whatever its size. An empty file has none. */
export async function* linesOf(path: string, lineBytesMax: number): AsyncGenerator<FileLine> {
  let parts: Buffer[] = []
  let bytes = 0
  let number = 0
  const take = (part: Buffer): void => {
    bytes += part.length
    if (bytes > lineBytesMax) {
      throw new GainnetError('DATA_INVALID', `${path}: line ${number + 1} has no end`, { path })
    }
    parts.push(part)
  }
  const line = (isWhole: boolean): FileLine => {
    number += 1
    const text = Buffer.concat(parts).toString('utf8')
    parts = []
    bytes = 0
    return { number, text, isWhole }
  }
  for await (const chunk of chunksOf(path)) {
    let from = 0
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      take(chunk.subarray(from, at))
      yield line(true)
      from = at + 1
    }
    take(chunk.subarray(from))
  }
  if (bytes > 0) yield line(false)
}

async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of createReadStream(path)) yield chunk
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    throw new GainnetError(
      'FILE_UNREADABLE',
      `cannot read ${path}: ${messageOf(error)}`,
      {},
      {
        cause: error,
      },
    )
  }
}
