import { existsSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../support/root.ts'
import { repositoryFiles } from '../support/source-files.ts'

/** The diagram of docs/explanation/architecture.md: a house, and whose files it may import. */
const DIAGRAM: Readonly<Record<string, readonly string[]>> = {
  agent: ['firmware-bridge', 'config', 'protocol', 'training', 'runtime'],
  controller: ['config', 'protocol', 'training', 'runtime'],
  'firmware-bridge': ['runtime'],
  config: ['runtime'],
  protocol: ['runtime'],
  training: ['runtime'],
  runtime: [],
}

/** Houses that put others together; nobody imports cli, demo, test, bench or cases. */
const MAY_IMPORT_ANY = ['cli', 'demo', 'test', 'bench', 'cases', 'vitest.config.ts']
const NOBODY_IMPORTS = ['cli', 'demo', 'test', 'bench', 'cases']

/** Specifiers of import, export … from and import(). */
const SPECIFIERS = [
  /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s+'([^']+)'/gm,
  /^\s*import\s+'([^']+)'/gm,
  /\bimport\(\s*'([^']+)'\s*\)/g,
]
/** A file beside the module, which need not begin with a dot. */
const FILE_URL = /\bnew URL\(\s*'([^']+\.ts)',\s*import\.meta\.url\)/g

interface Import {
  readonly from: string
  readonly specifier: string
}

const imports: readonly Import[] = repositoryFiles('.ts').flatMap(({ path, text }) => [
  ...SPECIFIERS.flatMap(pattern =>
    [...text.matchAll(pattern)].map(match => ({ from: path, specifier: match[1] ?? '' })),
  ),
  ...[...text.matchAll(FILE_URL)].map(match => ({ from: path, specifier: `./${match[1]}` })),
])
const relativeImports = imports
  .filter(({ specifier }) => specifier.startsWith('.'))
  .map(({ from, specifier }) => ({ from, to: posix.join(dirname(from), specifier) }))

function houseOf(path: string): string {
  return path.split('/')[0] ?? path
}

describe('imports', () => {
  test('are found at all', () => {
    expect(relativeImports.length).toBeGreaterThan(50)
  })

  test('follow the diagram', () => {
    const forbidden = relativeImports.filter(({ from, to }) => {
      const [house, target] = [houseOf(from), houseOf(to)]
      const allowed = DIAGRAM[house]
      return house !== target && allowed !== undefined && !allowed.includes(target)
    })
    expect(forbidden).toEqual([])
  })

  test('never lead into the houses that put others together', () => {
    const forbidden = relativeImports.filter(({ from, to }) => {
      const [house, target] = [houseOf(from), houseOf(to)]
      return house !== target && NOBODY_IMPORTS.includes(target) && !MAY_IMPORT_ANY.includes(house)
    })
    expect(forbidden).toEqual([])
  })

  test('name a file that is there, with its ending', () => {
    const broken = relativeImports.filter(({ to }) => !existsSync(join(ROOT, to)))
    expect(broken).toEqual([])
  })

  test('of packages are of those that package.json names', async () => {
    const { default: manifest } = await import('../../package.json', { with: { type: 'json' } })
    const known = new Set([
      ...Object.keys(manifest.dependencies),
      ...Object.keys(manifest.devDependencies),
    ])
    const { dependencies, peerDependencies } = manifest
    const shipped = new Set(Object.keys({ ...dependencies, ...peerDependencies }))
    const strangers = imports.filter(({ from, specifier }) => {
      if (specifier.startsWith('.') || specifier.startsWith('node:')) return false
      const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
      const isShipped = !['test', 'bench', 'vitest.config.ts'].includes(houseOf(from))
      return !(isShipped ? shipped : known).has(name)
    })
    expect(strangers).toEqual([])
  })
})

test('the page on the architecture shows the same diagram', () => {
  const [page] = repositoryFiles('docs/explanation/architecture.md')
  for (const [house, allowed] of Object.entries(DIAGRAM)) {
    const row = `| \`${house}/\` | ${allowed.map(name => `\`${name}/\``).join(' ') || 'nothing of ours'} |`
    expect(page?.text).toContain(row)
  }
})
