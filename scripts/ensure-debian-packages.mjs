import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { DEBIAN_PACKAGES } from './debian-packages.mjs'
import { run, say } from './steps.mjs'

// Another run of apt may hold its lock for minutes on a machine that was just set up.
const LOCK = ['-o', 'DPkg::Lock::Timeout=580']

/** Installs what the tests use where that is possible; else says in one line what to do. */
export function ensureDebianPackages(packages = DEBIAN_PACKAGES) {
  const missing = packages.filter(({ command, file }) =>
    file ? !existsSync(file) : !isInstalled(command),
  )
  if (missing.length === 0) return
  const names = missing.map(({ name }) => name)
  const canInstall = process.getuid?.() === 0 && isInstalled('apt-get')
  if (canInstall && install(names)) return
  say(
    `what needs ${names.join(', ')} is skipped; to run it: ` +
      `sudo apt-get install --no-install-recommends ${names.join(' ')}`,
  )
}

function install(names) {
  say(`installing Debian packages: ${names.join(' ')}`)
  const options = {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'inherit'],
  }
  if (run('apt-get', [...LOCK, '-qq', 'update'], options) !== 0) return false
  const args = [...LOCK, '-qq', '-y', '--no-install-recommends', 'install', ...names]
  return run('apt-get', args, options) === 0
}

/** Daemons and network tools lie where the PATH of a user does not look. */
function isInstalled(command) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders.some(folder => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
