import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DOMAINS, findModulesFolder, scanCorpus } from '../../../demo/corpus.ts'
import { paragraphKeys, splitCorpus } from '../../../demo/corpus-split.ts'
import { temporaryDirectory } from '../../support/directories.ts'

const LIMITS = { entriesMax: 1000, domainBytesMax: 1_000_000, ms: 5000 }
const prose = (subject: string): string =>
  `The ${subject} of a person who wrote some lines.\n`.repeat(20)

describe('the text below node_modules of this install', () => {
  const modules = findModulesFolder(import.meta.url)

  test('is enough for every domain, and no paragraph is both learnt and judged by', async () => {
    const split = splitCorpus(await scanCorpus(modules))
    const learnt = new Set(
      [...split.values()].flatMap(({ pieces }) => pieces.flatMap(paragraphKeys)),
    )
    for (const domain of DOMAINS) {
      const { pieces = [], heldBack = '' } = split.get(domain) ?? {}
      expect(pieces.join('').length, domain).toBeGreaterThan(20_000)
      expect(heldBack.length, domain).toBeGreaterThan(4000)
      expect(
        paragraphKeys(heldBack).filter(key => learnt.has(key)),
        domain,
      ).toEqual([])
    }
  })

  test('is the same at each look', async () => {
    const limits = { ...LIMITS, entriesMax: 50_000, domainBytesMax: 100_000 }
    expect(await scanCorpus(modules, limits)).toEqual(await scanCorpus(modules, limits))
  })
})

describe('scanCorpus', () => {
  test('takes a text once, follows no links and looks into no hidden folder', async () => {
    const folder = temporaryDirectory()
    for (const name of ['a', 'b', '.cache']) mkdirSync(join(folder, name))
    writeFileSync(join(folder, 'a', 'LICENSE'), `Copyright 2001 A\n${prose('licence')}`)
    writeFileSync(join(folder, 'b', 'LICENSE'), `Copyright 2024 B\n${prose('licence')}`)
    writeFileSync(join(folder, 'b', 'readme.md'), prose('manual'))
    writeFileSync(join(folder, '.cache', 'index.js'), prose('cache'))
    symlinkSync(folder, join(folder, 'a', 'around'))
    const files = await scanCorpus(folder, LIMITS)
    expect(files.map(({ domain }) => domain).sort()).toEqual(['documentation', 'licence'])
  })

  test('stops at its bounds', async () => {
    const folder = temporaryDirectory()
    for (let index = 0; index < 20; index++) {
      const subject = String.fromCharCode(97 + index).repeat(8)
      writeFileSync(join(folder, `${subject}.js`), prose(subject))
    }
    const bytes = 3 * prose('x'.repeat(8)).length
    expect(await scanCorpus(folder, LIMITS)).toHaveLength(20)
    expect(await scanCorpus(folder, { ...LIMITS, domainBytesMax: bytes })).toHaveLength(3)
    expect(await scanCorpus(folder, { ...LIMITS, ms: 0 })).toEqual([])
  })

  test('of a folder that is not there finds nothing', async () => {
    expect(await scanCorpus(join(temporaryDirectory(), 'gone'), LIMITS)).toEqual([])
  })
})
