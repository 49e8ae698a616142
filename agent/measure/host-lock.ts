import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { errnoOf } from '../../runtime/errors.ts'

/**
 * A lock that is held by one process of the machine at a time: a file with the holder's process id.
 * It is stale when that process is gone, or when the file is older than any holder may keep it,
 * which also ends the case that the id has been given to another process meanwhile.
 */
export interface HostLockOptions {
  readonly path: string
  readonly waitMsMax: number
  readonly holdMsMax: number
  readonly signal?: AbortSignal
}

export interface HostLock {
  release(): Promise<void>
}

/** The lock, or null when another process kept it for all of `waitMsMax`. */
export async function takeHostLock(options: HostLockOptions): Promise<HostLock | null> {
  const endsAtMs = performance.now() + options.waitMsMax
  for (;;) {
    const lock = await tryTake(options)
    if (lock) return lock
    if (performance.now() + RETRY_MS > endsAtMs) return null
    await wait(RETRY_MS, undefined, options.signal ? { signal: options.signal } : {})
  }
}

const RETRY_MS = 100
let attempts = 0

/** Links a finished file into place: the lock is never seen without its process id. */
async function tryTake(options: HostLockOptions): Promise<HostLock | null> {
  const { path } = options
  const holder = await putStaleAside(options)
  if (holder === 'live') return null
  // A dead process of another user left it and this one may not remove it: nobody is measuring.
  if (holder === 'immovable') return { release: async () => undefined }
  const own = `${path}.${process.pid}.${attempts++}`
  await writeFile(own, String(process.pid))
  try {
    await link(own, path)
    return { release: () => releaseOwn(path) }
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return null
    throw error
  } finally {
    await rm(own, { force: true })
  }
}

/** Moves a stale lock out of the way, so that the next link() decides who has it. */
async function putStaleAside({
  path,
  holdMsMax,
}: HostLockOptions): Promise<'none' | 'live' | 'immovable'> {
  if (await isLive(path, holdMsMax)) return 'live'
  const aside = `${path}.${process.pid}.${attempts++}.stale`
  try {
    await rename(path, aside)
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? 'none' : 'immovable'
  }
  // Between the look and the rename another process may have made the lock its own: give it back.
  const wasTaken = await isLive(aside, holdMsMax)
  if (wasTaken) await link(aside, path).catch(() => undefined)
  await rm(aside, { force: true })
  return wasTaken ? 'live' : 'none'
}

async function isLive(path: string, holdMsMax: number): Promise<boolean> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    const pid = Number(text)
    return Number.isInteger(pid) && pid > 0 && Date.now() - mtimeMs < holdMsMax && isRunning(pid)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it runs, as another user.
    return errnoOf(error) === 'EPERM'
  }
}

async function releaseOwn(path: string): Promise<void> {
  const holder = await readFile(path, 'utf8').catch(() => '')
  if (holder === String(process.pid)) await rm(path, { force: true })
}
