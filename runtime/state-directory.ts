import { randomUUID } from 'node:crypto'
import { access, constants, mkdir, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readFileIfThere, writeFileAtomic } from './atomic-file.ts'
import { GainnetError, messageOf } from './errors.ts'
import { withMachineMutex } from './machine-mutex.ts'
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

/** Reading and writing one small file, with patience for a slow card. */
const MUTEX_MS = 5000

/** Only one at a time looks who holds the lock and takes it from the dead. */
async function takeLock(root: string, lockPath: string): Promise<string> {
  const mark = JSON.stringify({ ...(await ownIdentity()), key: randomUUID() })
  await withMachineMutex(await realpath(root), { ms: MUTEX_MS }, async () => {
    const holder = parseMark((await readFileIfThere(lockPath))?.toString() ?? '')
    if (holder && (await isAlive(holder))) throw lockedBy(root, holder)
    await writeFileAtomic(lockPath, mark)
  })
  return mark
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
