import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { sharedFile } from './directories.ts'

/** The training part of the shared Tiny Shakespeare, or undefined where this machine has none. */
export function readTinyShakespeare(): Buffer | undefined {
  const file = sharedFile('data/text-tinyshakespeare/input.train.txt.gz')
  return file ? gunzipSync(readFileSync(file)) : undefined
}
