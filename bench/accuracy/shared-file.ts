import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

/** Beside the repository, where machines may share data sets; npm runs a script at its root. */
export function sharedPath(name: string): string {
  return join(process.cwd(), '..', 'shared', 'data', name)
}

export function hasShared(name: string): boolean {
  return existsSync(sharedPath(name))
}

export function readShared(name: string): Buffer {
  return readFileSync(sharedPath(name))
}

export function unpackShared(name: string): Buffer {
  return gunzipSync(readShared(name))
}
