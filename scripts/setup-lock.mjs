import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, say } from './steps.mjs'

const FOLDER = join(ROOT, '.gainnet')
const FILE = join(FOLDER, 'setup.lock')
/** Longer than an installation over a slow line. */
const WAIT_MS_MAX = 600_000

/**
 * Does the work unless it is done already, and never twice at once: `npm start` and `npm test` in
 * two terminals of a fresh clone would write the same files. The lock of a process that is gone
 * does not count.
 */
export function doOnce(isDone, work) {
  if (isDone()) return
  const endsAt = Date.now() + WAIT_MS_MAX
  while (!takeLock()) {
    if (Date.now() > endsAt) {
      say(`another process has been setting up for too long; if there is none, delete ${FILE}`)
      process.exit(75)
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
  }
  process.once('exit', releaseLock)
  try {
    if (!isDone()) work()
  } finally {
    releaseLock()
    process.off('exit', releaseLock)
  }
}

function takeLock() {
  mkdirSync(FOLDER, { recursive: true })
  try {
    writeFileSync(FILE, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    if (!isAlive(lockHolder())) rmSync(FILE, { force: true })
    return false
  }
}

function lockHolder() {
  try {
    return Number(readFileSync(FILE, 'utf8'))
  } catch {
    return 0
  }
}

/** A lock that was just made may still be empty: its holder counts as alive. */
function isAlive(pid) {
  if (pid === 0) return true
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function releaseLock() {
  rmSync(FILE, { force: true })
}
