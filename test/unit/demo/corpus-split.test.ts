import { describe, expect, test } from 'vitest'
import { DOMAINS, type Domain, type TextFile } from '../../../demo/corpus.ts'
import { paragraphKeys, splitCorpus } from '../../../demo/corpus-split.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'

/** Files of invented words; every fourth paragraph is one that all files of the domain share. */
function filesOf(domain: Domain, count: number): TextFile[] {
  const random = seededRandom(count)
  const word = (): string =>
    Array.from({ length: 6 }, () => String.fromCharCode(97 + Math.floor(random() * 26))).join('')
  const paragraph = (): string =>
    Array.from({ length: 4 }, () => Array.from({ length: 9 }, word).join(' ')).join('\n')
  const shared = Array.from({ length: 6 }, paragraph)
  return Array.from({ length: count }, (_, file) => {
    const own = Array.from({ length: 9 }, paragraph)
    const common = [0, 1, 2].map(index => shared[(file + index) % shared.length] ?? '')
    return { domain, text: [...own, ...common].join('\n\n') }
  })
}

const FILES = DOMAINS.flatMap(domain => filesOf(domain, 30))

describe('splitCorpus', () => {
  const split = splitCorpus(FILES)

  test.each(DOMAINS)('no paragraph of the held-back %s text stands in any piece', domain => {
    const learnt = new Set(
      [...split.values()].flatMap(({ pieces }) => pieces.flatMap(paragraphKeys)),
    )
    const judged = paragraphKeys(split.get(domain)?.heldBack ?? '')
    expect(judged.length).toBeGreaterThan(5)
    expect(judged.filter(key => learnt.has(key))).toEqual([])
  })

  test.each(DOMAINS)('holds back a fair part of the %s text and leaves the most', domain => {
    const { heldBack = '', pieces = [] } = split.get(domain) ?? {}
    const left = pieces.join('').length
    const all = FILES.filter(file => file.domain === domain)
      .map(({ text }) => text)
      .join('').length
    expect(heldBack.length / all).toBeGreaterThan(0.05)
    expect(heldBack.length).toBeLessThanOrEqual(32_768)
    expect(left / all).toBeGreaterThan(0.4)
  })

  test('the order of the files changes nothing in what is held back', () => {
    const turned = splitCorpus(FILES.toReversed())
    for (const domain of DOMAINS) {
      const keys = (text = ''): string[] => paragraphKeys(text).sort()
      expect(keys(turned.get(domain)?.heldBack)).toEqual(keys(split.get(domain)?.heldBack))
    }
  })

  test('pieces are pages', () => {
    const sizes = [...split.values()].flatMap(({ pieces }) => pieces.map(({ length }) => length))
    expect(Math.max(...sizes)).toBeLessThanOrEqual(4096 + 100)
  })
})

test('a domain without files has nothing to learn and nothing to judge by', () => {
  const split = splitCorpus(filesOf('code', 4))
  expect(split.get('licence')).toEqual({ pieces: [], heldBack: '' })
})
