import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { GainnetError } from '../runtime/errors.ts'
import type { RunFolder } from './demo-config.ts'

/** An empty folder for one run: the one to keep, or a temporary one. */
export async function makeRunFolder(keep: string | undefined): Promise<RunFolder> {
  if (keep === undefined) return { root: await mkdtemp(join(tmpdir(), 'gainnet-demo-')) }
  const root = resolve(keep)
  await mkdir(root, { recursive: true })
  if ((await readdir(root)).length > 0) {
    throw new GainnetError('USAGE', `--keep needs a new or an empty folder, ${root} is neither`)
  }
  return { root }
}

export async function removeRunFolder({ root }: RunFolder): Promise<void> {
  await rm(root, { recursive: true, force: true, maxRetries: 3 })
}
