import { basename } from 'node:path'
import { describe, expect, test } from 'vitest'
import { repositoryFiles, rootEntries } from '../support/source-files.ts'

/** What may stand at the root. A new entry is a decision: say so here. */
const ROOT_FOLDERS = [
  '.ci',
  'agent',
  'bench',
  'cases',
  'cli',
  'config',
  'controller',
  'demo',
  'deploy',
  'docs',
  'firmware-bridge',
  'protocol',
  'runtime',
  'scripts',
  'test',
  'training',
]
const ROOT_FILES = [
  '.gitignore',
  '.npmrc',
  'CONTRIBUTING.md',
  'LICENSE',
  'README.md',
  'biome.json',
  'package-lock.json',
  'package.json',
  'tsconfig.build.json',
  'tsconfig.json',
  'vitest.config.ts',
]

const LINES_MAX = 400
/** Files that may be longer, each with its reason. */
const LONGER: Readonly<Record<string, string>> = {}

const BANNED_FOLDERS = ['utils', 'util', 'common', 'lib', 'src', 'helpers', 'shared', 'misc']
/** As the whole of a name they say nothing; a manager is a part whose subject was not found. */
const BANNED_NAMES = 'data|info|handler|manager|helper|util|utils|item|temp|misc|service'
const BANNED_ENDINGS = /(?:Manager|Helper|Helpers|Util|Utils|Handler|Impl)$/

const sources = repositoryFiles('.ts')
const scripts = repositoryFiles('.mjs')

describe('the root', () => {
  test('holds the folders of the architecture and no others', () => {
    const folders = rootEntries().filter(({ isFolder }) => isFolder)
    expect(ROOT_FOLDERS).toEqual(expect.arrayContaining(folders.map(({ name }) => name)))
  })

  test('holds the files of the project and its tools and no others', () => {
    const files = rootEntries().filter(({ isFolder, name }) => !isFolder && !name.endsWith('.log'))
    expect(ROOT_FILES).toEqual(expect.arrayContaining(files.map(({ name }) => name)))
  })
})

describe('files', () => {
  test(`have at most ${LINES_MAX} lines`, () => {
    const long = [...sources, ...scripts]
      .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
      .filter(({ path, lines }) => lines > LINES_MAX && !(path in LONGER))
    expect(long).toEqual([])
  })

  test('named as longer are there and still longer', () => {
    const longer = sources.filter(({ text }) => text.split('\n').length - 1 > LINES_MAX)
    expect(longer.map(({ path }) => path)).toEqual(expect.arrayContaining(Object.keys(LONGER)))
  })

  test('are no barrels', () => {
    const barrels = sources.filter(
      ({ path, text }) =>
        basename(path) === 'index.ts' || /^export \* from|^export \{[^}]*\} from/m.test(text),
    )
    expect(barrels.map(({ path }) => path)).toEqual([])
  })

  test('lie in no folder of leftovers', () => {
    const lost = [...sources, ...scripts].filter(({ path }) =>
      path.split('/').some(part => BANNED_FOLDERS.includes(part)),
    )
    expect(lost.map(({ path }) => path)).toEqual([])
  })

  test('have names that say something', () => {
    const empty = new RegExp(`^(?:${BANNED_NAMES})\\.`)
    const parts = /(?:^|-)(?:helpers?|utils?|managers?|misc)(?:-|\.)/
    const lost = sources.filter(({ path }) => {
      const name = basename(path)
      return empty.test(name) || parts.test(name)
    })
    expect(lost.map(({ path }) => path)).toEqual([])
  })
})

describe('code', () => {
  function linesWith(pattern: RegExp, files = sources): string[] {
    return files.flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => {
        return pattern.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : []
      }),
    )
  }
  const withoutThisFolder = sources.filter(({ path }) => !path.startsWith('test/tidy/'))

  test('draws chance from seeded generators only', () => {
    expect(linesWith(/Math\.random/, withoutThisFolder)).toEqual([])
  })

  test('of tests doubles no modules', () => {
    expect(linesWith(/\bvi\.(?:mock|doMock|spyOn|stubGlobal)\b/, withoutThisFolder)).toEqual([])
  })

  test('of tests does not sleep', () => {
    // wait-for.ts is the one place that asks again after a while.
    const tests = sources.filter(
      ({ path }) => path.startsWith('test/') && path !== 'test/support/wait-for.ts',
    )
    expect(linesWith(/await (?:setTimeout|sleep|delay|wait)\(/, tests)).toEqual([])
  })

  test('has no default exports', () => {
    const exported = linesWith(/^export default/, withoutThisFolder)
    expect(exported.filter(line => !line.startsWith('vitest.config.ts:'))).toEqual([])
  })

  test('has no name that says nothing', () => {
    const declared = new RegExp(
      `^\\s*(?:export )?(?:async )?(?:const|let|function|class|interface|type) (?:${BANNED_NAMES})\\b`,
      'i',
    )
    expect(linesWith(declared, withoutThisFolder)).toEqual([])
    const named = /^\s*(?:export )?(?:abstract )?(?:class|interface|type|function) (\w+)/
    const endings = withoutThisFolder.flatMap(({ path, text }) =>
      text.split('\n').flatMap(line => {
        const name = named.exec(line)?.[1]
        return name && BANNED_ENDINGS.test(name) ? [`${path} ${name}`] : []
      }),
    )
    expect(endings).toEqual([])
  })

  test('switches the type checker off nowhere', () => {
    expect(linesWith(/@ts-(?:ignore|nocheck|expect-error)/, withoutThisFolder)).toEqual([])
  })

  test('has no test that runs alone', () => {
    expect(linesWith(/\b(?:test|describe|it)\.only\b/, withoutThisFolder)).toEqual([])
  })

  test('names no place of one machine', () => {
    expect(linesWith(/['"`\s(]\/(?:work|root|Users)\//, withoutThisFolder)).toEqual([])
  })
})
