import { describe, expect, test } from 'vitest'
import { domainOf, isPlainText, normalisedText } from '../../../demo/corpus.ts'

describe('domainOf', () => {
  test.each([
    ['pino/LICENSE', 'licence'],
    ['a/LICENCE.txt', 'licence'],
    ['vite/LICENSE.md', 'licence'],
    ['biome/LICENSE-APACHE', 'licence'],
    ['rolldown/THIRD-PARTY-LICENSE', 'licence'],
    ['typescript/NOTICE.txt', 'licence'],
    ['a/COPYING', 'licence'],
    ['a/readme.md', 'documentation'],
    ['a/docs/Options.md', 'documentation'],
    ['a/lib/index.js', 'code'],
    ['a/index.mjs', 'code'],
    ['a/index.d.ts', 'code'],
    ['a/license-checker.js', 'code'],
  ])('%s is %s', (path, domain) => {
    expect(domainOf(path)).toBe(domain)
  })

  test.each(['a/CHANGELOG.md', 'a/dist/a.min.js', 'a/package.json', 'a/licenses.json', 'a/x.node'])(
    '%s is of no use',
    path => {
      expect(domainOf(path)).toBeNull()
    },
  )
})

describe('isPlainText', () => {
  const prose = 'A line of text that a person wrote.\n'.repeat(20)

  test('takes lines of text', () => {
    expect(isPlainText(prose)).toBe(true)
  })

  test('refuses stubs, minified code, binaries, broken UTF-8 and other scripts', () => {
    expect(isPlainText('See LICENSE.\n')).toBe(false)
    expect(isPlainText('var a=1;'.repeat(100))).toBe(false)
    expect(isPlainText(`${prose}\0`)).toBe(false)
    expect(isPlainText(`${prose}\ufffd`)).toBe(false)
    expect(isPlainText(`${prose}${'это не латиница\n'.repeat(5)}`)).toBe(false)
  })
})

test('two copies of a licence are the same text whoever owns them and however they are laid out', () => {
  const one = 'MIT License\n\nCopyright (c) 2015 Jane Doe\n\nPermission is hereby granted'
  const two = 'MIT LICENSE\n\n  Copyright © 2024, J. Roe\n\n> Permission is\n> hereby granted'
  expect(normalisedText(one)).toBe(normalisedText(two))
  expect(normalisedText(one)).toBe('mit license permission is hereby granted')
})
