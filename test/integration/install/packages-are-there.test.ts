import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../../support/directories.ts'
import { ROOT } from '../../support/root.ts'

const WANTED = {
  '': { name: 'gainnet' },
  'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
  'node_modules/b-for-windows': { version: '1.0.0', integrity: 'sha512-b', optional: true },
}

test.each([
  ['all but the builds for other machines', { 'node_modules/a': WANTED['node_modules/a'] }, true],
  ['nothing', {}, false],
  ['another version', { 'node_modules/a': { version: '1.0.1', integrity: 'sha512-c' } }, false],
  ['other bytes', { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-x' } }, false],
  ['no note of npm, as after an installation that was cut off', undefined, false],
])('with %s installed, an installation is complete or not', async (_, installed, complete) => {
  const root = temporaryDirectory()
  mkdirSync(join(root, 'node_modules'))
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: WANTED }))
  const note = join(root, 'node_modules', '.package-lock.json')
  if (installed) writeFileSync(note, JSON.stringify({ packages: installed }))
  // The scripts are plain JavaScript: they run before the compiler is there.
  const script = pathToFileURL(join(ROOT, 'scripts', 'ensure-packages.mjs')).href
  const { packagesAreThere } = await import(script)
  expect(packagesAreThere(root)).toBe(complete)
})
