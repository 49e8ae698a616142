import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ROOT } from './root.ts'

/**
 * Set-up of a test run: tests that start daemons start the compiled program. A type error somewhere
 * does not keep the other tests from running; `npm test` has refused it before it comes here.
 */
export function setup(): void {
  const build = spawnSync(process.execPath, [join(ROOT, 'scripts', 'build.mjs')])
  if (build.status === 0) return
  process.stderr.write(
    `${build.stdout}${build.stderr}the build failed; daemons are the last ones\n`,
  )
}
