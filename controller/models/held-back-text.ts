import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { addToHistogram } from '../../protocol/value-histogram.ts'
import { GainnetError, messageOf } from '../../runtime/errors.ts'

/**
 * The text that judges a model and that no agent trains on: a file, or the files of a folder in the
 * order of their names, cut at `bytesMax`.
 */
export async function readHeldBackText(path: string, bytesMax: number): Promise<Uint8Array> {
  try {
    const files = (await stat(path)).isDirectory() ? await filesBelow(path) : [path]
    const share = Math.ceil(bytesMax / Math.max(1, files.length))
    const parts: Uint8Array[] = []
    // An equal share of each file: the first file alone would judge for all.
    for (const file of files) parts.push((await readFile(file)).subarray(0, share))
    const text = Buffer.concat(parts).subarray(0, bytesMax)
    if (text.length > 0) return text
  } catch (error) {
    throw new GainnetError(
      'CONFIG_INVALID',
      `models.evaluation.path: cannot read ${path}: ${messageOf(error)}`,
      { path },
      { cause: error },
    )
  }
  throw new GainnetError('CONFIG_INVALID', `models.evaluation.path: no text in ${path}`, { path })
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
}

/** Entropy of a text's single bytes in bits: what a model without any context could reach. */
export function unigramBitsPerByte(text: Uint8Array): number {
  const counts = new Float64Array(256)
  addToHistogram(counts, text, 'uint8')
  return counts.reduce((bits, count) => {
    const share = count / text.length
    return count > 0 ? bits - share * Math.log2(share) : bits
  }, 0)
}
