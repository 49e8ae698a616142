import { randomUUID } from 'node:crypto'
import { access, constants, link, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readFileIfThere, writeFileAtomic } from './atomic-file.ts'
import { errnoOf, GainnetError, messageOf } from './errors.ts'
import { isAlive, ownIdentity, type ProcessIdentity } from './process-identity.ts'

/** The directory in which one daemon keeps what must outlive it. */
export interface StateDirectory {
  readonly root: string
  path(...parts: string[]): string
  /** The number of this life of the daemon, on disk before it is returned. */
  nextSession(): Promise<number>
  close(): Promise<void>
}

/** Creates the directory where it is missing, and takes it for this process alone on this machine. */
export async function openStateDirectory(root: string): Promise<StateDirectory> {
  const lockPath = join(root, 'lock')
  let mark: string
  try {
    await mkdir(root, { recursive: true, mode: 0o700 })
    await access(root, constants.W_OK)
    mark = await takeLock(root, lockPath)
  } catch (error) {
    if (error instanceof GainnetError) throw error
    const message = `cannot use ${root}: ${messageOf(error)}`
    throw new GainnetError('STATE_DIRECTORY_UNUSABLE', message, { root }, { cause: error })
  }
  return {
    root,
    path: (...parts) => join(root, ...parts),
    nextSession: () => nextSession(join(root, 'session')),
    close: async () => {
      if ((await readFileIfThere(lockPath))?.toString() === mark)
        await rm(lockPath, { force: true })
    },
  }
}

/** Rounds of finding a dead holder and racing others for its place. */
const LOCK_ATTEMPTS = 5

async function takeLock(root: string, lockPath: string): Promise<string> {
  const own = join(root, `lock.${process.pid}.${randomUUID()}`)
  const mark = JSON.stringify({ ...(await ownIdentity()), key: randomUUID() })
  await writeFile(own, mark, { mode: 0o600 })
  try {
    for (let attempt = 0; attempt < LOCK_ATTEMPTS; attempt++) {
      if (await isLinked(own, lockPath)) return mark
      const found = (await readFileIfThere(lockPath))?.toString()
      const holder = found === undefined ? null : parseMark(found)
      if (holder && (await isAlive(holder))) throw lockedBy(root, holder)
      if (found !== undefined) await removeStale(root, lockPath, found)
    }
  } finally {
    await rm(own, { force: true })
  }
  throw new GainnetError('STATE_DIRECTORY_LOCKED', `others race for ${root}`, { root })
}

/** A hard link appears with its content at once and fails where the name is taken. */
async function isLinked(own: string, lockPath: string): Promise<boolean> {
  try {
    await link(own, lockPath)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

/** Takes away the mark of a dead process; puts it back where another has meanwhile taken over. */
async function removeStale(root: string, lockPath: string, stale: string): Promise<void> {
  const aside = join(root, `lock.${process.pid}.${randomUUID()}`)
  try {
    await rename(lockPath, aside)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return
    throw error
  }
  if ((await readFileIfThere(aside))?.toString() !== stale) await isLinked(aside, lockPath)
  await rm(aside, { force: true })
}

function parseMark(text: string): ProcessIdentity | null {
  try {
    const mark: unknown = JSON.parse(text)
    // Whatever is no mark of ours names no living process.
    return typeof mark === 'object' && mark && 'pid' in mark ? (mark as ProcessIdentity) : null
  } catch {
    return null
  }
}

function lockedBy(root: string, { pid }: ProcessIdentity): GainnetError {
  const message = `${root} is in use by process ${pid}`
  return new GainnetError('STATE_DIRECTORY_LOCKED', message, { root, pid })
}

/**
 * Where no number is stored (a new directory, a card that was written anew) counting starts at the
 * seconds since 1970, so that peers who remember the identity do not take the new life for an old.
 */
async function nextSession(path: string): Promise<number> {
  const text = (await readFileIfThere(path))?.toString().trim() ?? ''
  const last = /^[1-9]\d{0,14}$/.test(text) ? Number(text) : Math.floor(Date.now() / 1000)
  const session = last + 1
  try {
    await writeFileAtomic(path, `${session}\n`)
  } catch (error) {
    const message = `cannot store the session number in ${path}: ${messageOf(error)}`
    throw new GainnetError('STATE_DIRECTORY_UNUSABLE', message, { path }, { cause: error })
  }
  return session
}
