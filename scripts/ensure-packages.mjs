import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { doOnce } from './setup-lock.mjs'
import { mustRun, ROOT, say } from './steps.mjs'

/**
 * Installs the npm packages unless exactly those of package-lock.json are there. Not by `npm ci`:
 * it demands to know the optional builds for every other platform as well, which a mirror of the
 * registry need not have. The lock is followed and left alone all the same.
 */
export function ensurePackages() {
  doOnce(packagesAreThere, () => {
    say('installing npm packages')
    const args = [
      'install',
      '--no-save',
      '--include=dev',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ]
    const npm = process.env.npm_execpath
    if (npm) mustRun(process.execPath, [npm, ...args])
    else mustRun('npm', args)
  })
}

/**
 * npm notes what it has installed in node_modules/.package-lock.json, and does so last: an
 * installation that was cut off has no such file.
 */
export function packagesAreThere(root = ROOT) {
  const installed = packagesOf(join(root, 'node_modules', '.package-lock.json'))
  const wanted = packagesOf(join(root, 'package-lock.json'))
  if (!installed || !wanted) return false
  return Object.entries(wanted).every(([path, { version, integrity, optional, peer }]) => {
    if (path === '') return true
    const found = installed[path]
    // Optional ones are builds for other machines.
    if (!found) return optional === true || peer === true
    return found.version === version && found.integrity === integrity
  })
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}
