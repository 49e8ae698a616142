import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { GainnetError } from '../runtime/errors.ts'
import { isAlive, ownIdentity, type ProcessIdentity } from '../runtime/process-identity.ts'
import type { RunFolder } from './demo-config.ts'

const PREFIX = 'gainnet-demo-'
/** Says whose folder it is, for as long as nobody is to look into it afterwards. */
const OWNER_FILE = 'owner.json'
/** Looked at before a start: more have not been killed since somebody cleaned up. */
const LEFTOVERS_MAX = 50

const Owner: z.ZodType<ProcessIdentity> = z.object({
  pid: z.int(),
  startTicks: z.string(),
  bootId: z.string(),
})

/** An empty folder for one run: the one to keep, or a temporary one. */
export async function makeRunFolder(keep: string | undefined): Promise<RunFolder> {
  if (keep === undefined) {
    await removeLeftovers()
    const root = await mkdtemp(join(tmpdir(), PREFIX))
    await writeFile(join(root, OWNER_FILE), JSON.stringify(await ownIdentity()))
    return { root }
  }
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

/** Leaves the folder to a person who looks for what went wrong. */
export async function giveAwayRunFolder({ root }: RunFolder): Promise<void> {
  await rm(join(root, OWNER_FILE), { force: true })
}

/** The folders of demos that were killed: who is killed cannot clean up. */
async function removeLeftovers(): Promise<void> {
  const names = (await readdir(tmpdir())).filter(name => name.startsWith(PREFIX))
  for (const name of names.slice(0, LEFTOVERS_MAX)) {
    const root = join(tmpdir(), name)
    // Of another user, or still written to by a daemon that is just ending: the next start is soon.
    if (await isOrphaned(root)) await removeRunFolder({ root }).catch(() => undefined)
  }
}

/** Without a name in it, it is not known to be anybody's, and stays. */
async function isOrphaned(root: string): Promise<boolean> {
  try {
    const owner = Owner.parse(JSON.parse(await readFile(join(root, OWNER_FILE), 'utf8')))
    return !(await isAlive(owner))
  } catch {
    return false
  }
}
