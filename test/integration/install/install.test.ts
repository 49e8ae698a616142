import { execFile } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../../support/directories.ts'
import { ROOT } from '../../support/root.ts'

const run = promisify(execFile)

test('a production installation runs no script of any package and fetches no GPU library', async () => {
  const directory = temporaryDirectory()
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) {
    copyFileSync(join(ROOT, name), join(directory, name))
  }
  // npm runs every script through this shell: it notes each, and runs none.
  const marker = join(directory, 'scripts-that-ran')
  const shell = join(directory, 'shell')
  writeFileSync(shell, `#!/bin/sh\necho "$PWD $*" >> '${marker}'\n`)
  chmodSync(shell, 0o755)

  const args = ['install', '--no-save', '--omit=dev', '--no-audit', '--no-fund', '--prefer-offline']
  await run('npm', [...args, `--script-shell=${shell}`], { cwd: directory, env: withoutNpm() })

  expect(existsSync(marker) ? readFileSync(marker, 'utf8') : 'none').toBe('none')
  const runtime = join(directory, 'node_modules', 'onnxruntime-node')
  const libraries = readdirSync(runtime, { recursive: true, encoding: 'utf8' })
  expect(libraries.some(name => name.endsWith(`linux/${process.arch}/libonnxruntime.so.1`))).toBe(
    true,
  )
  expect(libraries.filter(name => /cuda|tensorrt/i.test(name))).toEqual([])
  const lock = readFileSync(join(directory, 'package-lock.json'), 'utf8')
  expect(lock).toBe(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
}, 180_000)

/** `npm test` hands its own settings down, which are not those of a user's shell. */
function withoutNpm(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))
  return Object.fromEntries(kept)
}
