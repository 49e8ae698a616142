import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { doOnce } from './setup-lock.mjs'
import { mustRun, ROOT, run, say } from './steps.mjs'

/**
 * Node for other processors, from the registry: the package that `npm install node` takes for a
 * platform. Kept below .gainnet, and unpacked only where it is byte for byte the one named here.
 */
const RUNTIMES = {
  'linux-arm64': {
    version: '20.20.2',
    sha512:
      'LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==',
  },
}

/** The path of a Node program for the platform; the process ends where there is none to be had. */
export function ensureNodeRuntime(platform) {
  const { version, sha512 } = RUNTIMES[platform]
  const name = `node-${platform}`
  const folder = join(ROOT, '.gainnet', `${name}-${version}`)
  const program = join(folder, 'package', 'bin', 'node')
  doOnce(
    () => existsSync(program),
    () => {
      say(`fetching ${name}@${version}`)
      const parts = `${folder}.parts`
      rmSync(parts, { recursive: true, force: true })
      rmSync(folder, { recursive: true, force: true })
      mkdirSync(parts, { recursive: true })
      fetchPackage(`${name}@${version}`, parts)
      const archive = join(parts, `${name}-${version}.tgz`)
      const found = createHash('sha512').update(readFileSync(archive)).digest('base64')
      if (found !== sha512) {
        say(`${archive} is not ${name}@${version}: its SHA-512 is ${found}, expected ${sha512}`)
        process.exit(1)
      }
      mustRun('tar', ['-xzf', archive, '-C', parts])
      rmSync(archive)
      renameSync(parts, folder)
    },
  )
  return program
}

function fetchPackage(specifier, folder) {
  const args = ['pack', specifier, '--pack-destination', folder, '--silent']
  const npm = process.env.npm_execpath
  const options = { stdio: ['ignore', 'ignore', 'inherit'] }
  const code = npm ? run(process.execPath, [npm, ...args], options) : run('npm', args, options)
  if (code === 0) return
  say(`${specifier} cannot be fetched from the npm registry`)
  process.exit(code)
}
